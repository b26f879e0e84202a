import type { Signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { NodeView } from '../../../src/api/nodes.ts'
import { detailOf, unitOf, wantDetail } from '../state/details.ts'
import { byProminence, colourOf } from '../units.ts'
import { Ago } from './ago.tsx'
import { BlinkButton } from './blink-button.tsx'
import { watchSight } from './sight.ts'
import { SignalBars } from './signal-bars.tsx'
import { Sparkline } from './sparkline.tsx'
import { StateMark } from './state-mark.tsx'
import { Value } from './value.tsx'

interface CardProps {
  readonly id: string
  readonly node: Signal<NodeView>
}

/** One node. A card out of sight is an empty frame with a name: of 1,000 only those that are looked at follow their readings. */
export function NodeCard({ id, node, early }: CardProps & { early: boolean }) {
  const card = useRef<HTMLElement>(null)
  const [seen, setSeen] = useState(early)
  useEffect(() => watchSight(card.current!, early, setSeen), [])
  useEffect(() => (seen ? again(() => wantDetail(id)) : undefined), [seen, id])
  return (
    <article ref={card} class={seen ? 'panel card' : 'panel card unseen'}>
      {seen ? <Face id={id} node={node} /> : <Name id={id} name={node.peek().name} />}
    </article>
  )
}

/** Name, state with age, up to four values, the day of the first. */
function Face({ id, node }: CardProps) {
  const view = node.value
  const detail = detailOf(id).value
  const sensors = sensorsOf(view, detail?.sensors.map(one => one.name) ?? [])
  return (
    <>
      <header>
        <Name id={id} name={view.name} />
        <SignalBars dbm={view.rssi} />
      </header>
      <p class="state-line">
        <StateMark state={view.state} /> <Ago time={view.last_seen} />
        <span class="beside">{besides(view)}</span>
      </p>
      {sensors.length === 0 ? (
        <p class="dim">No values yet</p>
      ) : (
        <dl class="values">
          {sensors.map(name => (
            <Value key={name} name={name} value={view.last[name]} unit={unitOf(detail, name)} />
          ))}
        </dl>
      )}
      <div class="card-foot">
        <Sparkline series={detail?.day ?? null} colour={colourOf(sensors[0] ?? '')} />
        <BlinkButton id={id} name={view.name ?? id} />
      </div>
    </>
  )
}

const besides = ({ id, name, virtual, claimed }: NodeView): string =>
  [name !== null && id, virtual && name === null && 'virtual', !virtual && !claimed && 'unclaimed'].filter(Boolean).join(' · ')

/** The whole card is this link to the node's own page. */
function Name({ id, name }: { id: string; name: string | null }) {
  return (
    <a class="name" href={`/nodes/${id}`}>
      {name ?? id}
    </a>
  )
}

/** The node's own order first, then the rest by name; four at most. */
function sensorsOf(view: NodeView, declared: readonly string[]): string[] {
  const present = Object.keys(view.last).filter(name => name !== 'wifi_rssi' && name !== 'uptime')
  const ordered = [
    ...declared.filter(name => present.includes(name)),
    ...present.filter(name => !declared.includes(name)).sort(byProminence),
  ]
  return ordered.slice(0, 4)
}

const slowestMs = 60_000

/** Calls `run` now, soon again, because a fresh house has only seconds of data, and then each minute. */
function again(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let waitMs = 7500
  const next = () => {
    run()
    timer = setTimeout(next, waitMs)
    waitMs = Math.min(slowestMs, waitMs * 2)
  }
  next()
  return () => clearTimeout(timer)
}
