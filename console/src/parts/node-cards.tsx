import { nodes, order } from '../state/house.ts'
import { search } from '../state/selection.ts'
import { NodeCard } from './node-card.tsx'

// Drawn whole at once; of the others it is asked first whether they are in sight.
const firstScreen = 24

/** All nodes, trouble first. */
export function NodeCards() {
  const wanted = search.value.trim().toLowerCase()
  const ids = order.value.filter(id => wanted === '' || matches(id, wanted))
  return (
    <section aria-labelledby="nodes-title">
      <h2 id="nodes-title" class="for-readers">
        Nodes
      </h2>
      {ids.length === 0 && <p class="dim">No node is called like that.</p>}
      <div class={ids.length <= 4 ? 'cards few' : 'cards'}>
        {ids.map((id, place) => (
          <NodeCard key={id} id={id} node={nodes.value.get(id)!} early={place < firstScreen} />
        ))}
      </div>
    </section>
  )
}

function matches(id: string, wanted: string): boolean {
  const { name, tags, state } = nodes.value.get(id)!.peek()
  return [id, name ?? '', state, ...tags].some(text => text.toLowerCase().includes(wanted))
}

/** The size of what will stand here, so that nothing jumps. */
export function Skeletons() {
  return (
    <div class="cards" aria-hidden="true">
      {[0, 1, 2].map(i => (
        <div key={i} class="panel card skeleton" />
      ))}
    </div>
  )
}
