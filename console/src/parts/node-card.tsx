import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { NodeView } from '../../../src/api/nodes.ts'
import { detailOf, unitOf, wantDetail } from '../state/details.ts'
import { select, selected } from '../state/selection.ts'
import { colourOf } from '../units.ts'
import { Ago } from './ago.tsx'
import { SignalBars } from './signal-bars.tsx'
import { Sparkline } from './sparkline.tsx'
import { StateMark } from './state-mark.tsx'
import { Value } from './value.tsx'

/** One node: name, state with age, up to four values, the day of the first. A click makes it the one the page is about. */
export function NodeCard({ id, node }: { id: string; node: Signal<NodeView> }) {
  const card = useRef<HTMLElement>(null)
  useEffect(() => whileSeen(card.current!, () => wantDetail(id)), [id])
  const view = node.value
  const detail = detailOf(id).value
  const sensors = sensorsOf(view, detail?.sensors.map(one => one.name) ?? [])
  const current = selected.value === id
  return (
    <article ref={card} class={`panel card ${current ? 'current' : ''}`}>
      <header>
        <button type="button" class="name" aria-pressed={current} onClick={() => choose(id)}>
          {view.name ?? id}
        </button>
        <span class="id">{[view.name === null ? '' : id, view.virtual ? 'virtual' : ''].filter(Boolean).join(' · ')}</span>
        <SignalBars dbm={view.rssi} />
      </header>
      <p class="state-line">
        <StateMark state={view.state} /> <Ago time={view.last_seen} />
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
      <Sparkline series={detail?.day ?? null} colour={colourOf(sensors[0] ?? '')} />
    </article>
  )
}

const calm = matchMedia('(prefers-reduced-motion: reduce)').matches

function choose(id: string): void {
  select(id)
  // On a phone the chart is below the cards.
  if (matchMedia('(max-width: 40rem)').matches)
    document.querySelector('.focus')?.scrollIntoView({ behavior: calm ? 'auto' : 'smooth' })
}

/** The node's own order first, then the rest by name; four at most. */
function sensorsOf(view: NodeView, declared: readonly string[]): string[] {
  const present = Object.keys(view.last).filter(name => name !== 'wifi_rssi' && name !== 'uptime')
  const ordered = [...declared.filter(name => present.includes(name)), ...present.filter(name => !declared.includes(name)).sort()]
  return ordered.slice(0, 4)
}

const againMs = 60_000

/** Calls `run` when the element comes into sight and again each minute while it is there; soon again the first time, when a fresh
 *  house has only seconds of data. */
function whileSeen(element: Element, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let waitMs = 7500
  const again = () => {
    run()
    timer = setTimeout(again, waitMs)
    waitMs = Math.min(againMs, waitMs * 2)
  }
  const observer = new IntersectionObserver(([entry]) => {
    clearTimeout(timer)
    if (entry!.isIntersecting) again()
  })
  observer.observe(element)
  return () => {
    observer.disconnect()
    clearTimeout(timer)
  }
}
