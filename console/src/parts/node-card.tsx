import { type Signal, useComputed } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { NodeView } from '../../../src/api/nodes.ts'
import { detailOf, unitOf, wantDetail } from '../state/details.ts'
import { select, selected } from '../state/selection.ts'
import { byProminence, colourOf } from '../units.ts'
import { Ago } from './ago.tsx'
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
  useEffect(() => watchSight(card.current!, setSeen), [])
  useEffect(() => (seen ? again(() => wantDetail(id)) : undefined), [seen, id])
  // A card is drawn again when it becomes the chosen one or stops being it, not whenever another is chosen.
  const current = useComputed(() => selected.value === id).value
  return (
    <article ref={card} class={`panel card ${current ? 'current' : ''} ${seen ? '' : 'unseen'}`}>
      {seen ? <Face id={id} node={node} current={current} /> : <Name id={id} name={node.peek().name} current={current} />}
    </article>
  )
}

/** Name, state with age, up to four values, the day of the first. */
function Face({ id, node, current }: CardProps & { current: boolean }) {
  const view = node.value
  const detail = detailOf(id).value
  const sensors = sensorsOf(view, detail?.sensors.map(one => one.name) ?? [])
  return (
    <>
      <header>
        <Name id={id} name={view.name} current={current} />
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
    </>
  )
}

/** The whole card is this button: it makes the node the one the page is about. */
function Name({ id, name, current }: { id: string; name: string | null; current: boolean }) {
  return (
    <button type="button" class="name" aria-pressed={current} onClick={() => choose(id)}>
      {name ?? id}
    </button>
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

const watched = new WeakMap<Element, (seen: boolean) => void>()
const sight = new IntersectionObserver(
  entries => {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      // An empty frame keeps its height, so that nothing jumps.
      ;(target as HTMLElement).style.minHeight = isIntersecting ? '' : `${boundingClientRect.height}px`
      watched.get(target)?.(isIntersecting)
    }
  },
  // A screen ahead, so that scrolling meets full cards.
  { rootMargin: '50% 0px' },
)

function watchSight(element: Element, tell: (seen: boolean) => void): () => void {
  watched.set(element, tell)
  sight.observe(element)
  return () => sight.unobserve(element)
}
