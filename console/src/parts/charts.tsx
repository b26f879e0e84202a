import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Gap } from '../../../src/api/ledger.ts'
import { connections } from '../state/connection.ts'
import { query, setQuery } from '../state/route.ts'
import { followSeries } from '../state/series.ts'
import { moved, queryOf, type Span, scaled, spanOf, spans, type Window } from '../state/span.ts'
import { Chart, type Drawn } from './chart.tsx'
import { type LostSpan, lostSpans } from './lost-spans.ts'
import { ProblemNote } from './problem-note.tsx'

export interface ChartsProps {
  readonly node: string
  readonly sensors: readonly { readonly name: string; readonly unit: string }[]
  readonly intervalMs: number | null
  readonly since: number
  readonly gaps: readonly Gap[]
}

/** All sensors of a node under each other, with one range and one cursor. The range stands in the address. */
export function Charts({ node, sensors, intervalMs, since, gaps }: ChartsProps) {
  const box = useRef<HTMLDivElement>(null)
  const drawn = useSignal<Drawn | null>(null)
  const cursor = useSignal<number | null>(null)
  const [error, setError] = useState<unknown>(null)
  const range = useComputed(() => JSON.stringify(spanOf(query.value))).value
  const span = useMemo(() => JSON.parse(range) as Span, [range])
  const before = useRef<Span[]>([])
  const lost = useMemo(() => lostSpans(gaps), [gaps])
  const connection = connections.value

  useEffect(() => {
    setError(null)
    return followSeries({
      node,
      span,
      since,
      points: pointsFor(box.current!.clientWidth),
      onPoints: (series, window) => (drawn.value = { series, window }),
      onError: setError,
    })
  }, [node, span, since, connection])

  const show = (next: Span) => setQuery(queryOf(next))
  const zoom = (window: Window) => {
    before.current.push(span)
    show({ from: window.from, to: window.to })
  }
  const back = () => show(before.current.pop() ?? { lastMs: spans[0]![2] })
  const onKey = (event: KeyboardEvent) => {
    const window = drawn.peek()?.window
    if (!window || (event.target as HTMLElement).matches('button, input, select')) return
    const at = cursor.peek() ?? (window.from + window.to) / 2
    const act = keys(window, at, zoom, back, ms => (cursor.value = ms))[event.key]
    if (!act) return
    event.preventDefault()
    act(event.shiftKey)
  }
  return (
    <section class="panel charts" aria-label="Charts">
      <Spans span={span} show={show} back={back} />
      <ProblemNote error={error} />
      {/* biome-ignore-start lint/a11y: the keys that move and zoom need a place to be pressed, and it is no set of fields */}
      <div ref={box} class="stack" tabIndex={0} role="group" aria-label={keysSay} onKeyDown={onKey}>
        {sensors.map(({ name, unit }) => (
          <Chart
            key={name}
            node={node}
            sensor={name}
            unit={unit}
            intervalMs={intervalMs}
            lost={lost}
            drawn={drawn}
            cursor={cursor}
            onZoom={zoom}
            onBack={back}
          />
        ))}
      </div>
      {/* biome-ignore-end lint/a11y: see above */}
      <LostList lost={lost} />
      <p class="hint dim">
        <span class="mouse">Draw over a chart to zoom, double click to go back. </span>Keys: <kbd>←</kbd> <kbd>→</kbd> cursor,
        with <kbd>Shift</kbd> the range, <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>Esc</kbd> back.
      </p>
    </section>
  )
}

const keysSay = 'Charts: left and right move the cursor, with shift the range, plus and minus zoom, escape goes back'

type Keys = Readonly<Record<string, (shift: boolean) => void>>

function keys(window: Window, at: number, zoom: (w: Window) => void, back: () => void, point: (ms: number) => void): Keys {
  const step = (window.to - window.from) / 60
  const along = (way: 1 | -1) => (shift: boolean) =>
    shift ? zoom(moved(window, way / 4)) : point(Math.min(window.to, Math.max(window.from, at + way * step)))
  const closer = () => zoom(scaled(window, 0.5, at))
  const wider = () => zoom(scaled(window, 2, at))
  return { ArrowLeft: along(-1), ArrowRight: along(1), '+': closer, '=': closer, '-': wider, '−': wider, Escape: back }
}

/** A point every two pixels: closer, and mean and band melt into one. */
const pointsFor = (width: number): number => Math.max(100, Math.min(1000, Math.floor(width / 2)))

function Spans({ span, show, back }: { span: Span; show: (span: Span) => void; back: () => void }) {
  return (
    <fieldset class="spans">
      <legend class="for-readers">Time span</legend>
      {spans.map(([label, , lastMs]) => (
        <button
          key={label}
          type="button"
          aria-pressed={'lastMs' in span && span.lastMs === lastMs}
          onClick={() => show({ lastMs })}
        >
          {label}
        </button>
      ))}
      {'from' in span && (
        <>
          <button type="button" class="quiet" onClick={back}>
            Back
          </button>
          <button type="button" class="quiet" onClick={() => show({ lastMs: spans[0]![2] })}>
            To live
          </button>
        </>
      )}
    </fieldset>
  )
}

/** The same in words, for whoever does not see the hatching. */
function LostList({ lost }: { lost: readonly LostSpan[] }) {
  if (lost.length === 0) return null
  return (
    <ul class="lost-list">
      {lost.slice(-5).map(one => (
        <li key={one.from}>{one.text}</li>
      ))}
    </ul>
  )
}
