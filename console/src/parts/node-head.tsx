import { useState } from 'preact/hooks'
import type { NodeView } from '../../../src/api/nodes.ts'
import { age, counted } from '../format.ts'
import { useAct } from '../state/ask.ts'
import { client, now } from '../state/connection.ts'
import { loadAll } from '../state/house.ts'
import { bootReason } from '../state/status-said.ts'
import { Ago } from './ago.tsx'
import { BlinkButton } from './blink-button.tsx'
import { NodeNaming } from './node-naming.tsx'
import { ProblemNote } from './problem-note.tsx'
import { SignalBars } from './signal-bars.tsx'
import { StateMark } from './state-mark.tsx'

type Status = Readonly<Record<string, unknown>> | null

/** Who the node is and how it stands, in one look. */
export function NodeHead({ view, status, reload }: { view: NodeView; status: Status; reload: () => void }) {
  const [naming, setNaming] = useState(false)
  const facts = factsOf(view, status)
  const named = () => {
    setNaming(false)
    reload()
  }
  return (
    <header class="node-head">
      <div class="node-title">
        <h1>{view.name ?? view.id}</h1>
        {view.name !== null && <span class="id">{view.id}</span>}
        <StateMark state={view.state} />
        <span class="dim">
          last heard <Ago time={view.last_seen} />
        </span>
        <SignalBars dbm={view.rssi} />
      </div>
      <p class="facts">
        {facts.map(fact => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      <div class="node-tools">
        {view.tags.map(tag => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        <button type="button" class="quiet" aria-expanded={naming} onClick={() => setNaming(!naming)}>
          Rename, tag
        </button>
        <BlinkButton id={view.id} name={view.name ?? view.id} />
        {!view.claimed && !view.virtual && <Claim id={view.id} />}
      </div>
      {naming && <NodeNaming view={view} done={named} />}
    </header>
  )
}

/** "That's mine": whoever spoke without being added becomes one of the house. */
export function Claim({ id }: { id: string }) {
  const act = useAct()
  return (
    <>
      <button
        type="button"
        class="second"
        disabled={act.busy}
        onClick={() => void act.run(() => client.claimNode(id).then(loadAll))}
      >
        That’s mine
      </button>
      <ProblemNote error={act.error} what="claiming a board" />
    </>
  )
}

/** Unix ms of the last start, where the status says when it was sent. */
function startOf(status: Status): number | null {
  const [sent, up] = [status?.timestamp, status?.uptime]
  return typeof sent === 'number' && typeof up === 'number' ? (sent - up) * 1000 : null
}

function factsOf(view: NodeView, status: Status): string[] {
  const started = startOf(status)
  const reason = status?.reset_reason
  return [
    view.virtual && view.board !== 'virtual' && 'virtual',
    view.board,
    view.firmware && `firmware ${view.firmware}`,
    view.interval !== null && `every ${view.interval < 120 ? `${view.interval} s` : age(view.interval * 1000)}`,
    started !== null && `up ${age(now.value - started)}`,
    typeof reason === 'string' && `last start: ${bootReason(reason)}`,
    view.rssi !== null && `WiFi ${Math.round(view.rssi)} dBm`.replace('-', '−'),
    view.ip,
    `${counted(view.stored, 'reading')} stored`,
    view.rejected > 0 && `${view.rejected} rejected`,
    `first heard ${new Date(view.first_seen).toLocaleDateString([], { dateStyle: 'medium' })}`,
  ].filter((fact): fact is string => typeof fact === 'string' && fact !== '')
}
