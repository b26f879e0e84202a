import { CommandBox } from '../parts/command-box.tsx'
import { CommandList } from '../parts/command-list.tsx'
import { EmptyHouse } from '../parts/empty-house.tsx'
import { Footer } from '../parts/footer.tsx'
import { LiveBar } from '../parts/live-bar.tsx'
import { NodeCards, Skeletons } from '../parts/node-cards.tsx'
import { NodePanel } from '../parts/node-panel.tsx'
import { RejectList } from '../parts/reject-list.tsx'
import { TopBar } from '../parts/top-bar.tsx'
import { loaded, nodes } from '../state/house.ts'
import { selected } from '../state/selection.ts'

/** Is everything all right, what is a node doing, did my command happen, why does my board not show up: all on one page. */
export function Overview() {
  // Only what keeps its place is drawn before the house is known.
  if (!loaded.value)
    return (
      <>
        <TopBar />
        <LiveBar />
        <main class="overview">
          <Skeletons />
        </main>
      </>
    )
  const id = selected.value
  // Many cards would push the rest out of sight: then it stands beside them.
  const many = nodes.value.size > 12
  return (
    <>
      <TopBar />
      <LiveBar />
      <main class={many ? 'overview many' : 'overview'}>
        {nodes.value.size === 0 ? <EmptyHouse /> : <NodeCards />}
        {id !== null && (
          <div class="focus">
            <NodePanel id={id} />
            <section class="panel commands" aria-labelledby="commands-title">
              <h2 id="commands-title">Commands</h2>
              <CommandBox id={id} />
              <CommandList id={id} />
            </section>
            {many && <RejectList />}
          </div>
        )}
        {!many && <RejectList />}
      </main>
      <Footer />
    </>
  )
}
