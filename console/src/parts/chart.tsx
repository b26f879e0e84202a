import { type Signal, useComputed, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clockTime, spoken, steadyFormatter } from '../format.ts'
import type { Window } from '../state/span.ts'
import { coloursChanged } from '../state/theme.ts'
import { colourOf } from '../units.ts'
import { columnsOf, csvOf, nearest, type Points } from './chart-data.ts'
import { Download } from './icons.tsx'
import type { LostSpan } from './lost-spans.ts'
import { makePlot, pointAt } from './plot.ts'

export interface Drawn {
  readonly series: ReadonlyMap<string, Points>
  readonly window: Window
}

export interface ChartProps {
  readonly node: string
  readonly sensor: string
  readonly unit: string
  readonly intervalMs: number | null
  readonly lost: readonly LostSpan[]
  readonly drawn: Signal<Drawn | null>
  /** The moment that all charts of the page point at, Unix ms. */
  readonly cursor: Signal<number | null>
  readonly onZoom: (window: Window) => void
  readonly onBack: () => void
}

/** One sensor of one node over time. */
export function Chart(props: ChartProps) {
  const { node, sensor, unit, intervalMs, drawn, cursor } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const colours = coloursChanged.value

  useEffect(() => {
    const element = host.current!
    const made = makePlot(element, {
      colour: colourOf(sensor),
      unit,
      lost: () => latest.current.lost,
      onCursor: ms => (cursor.value = ms),
      onZoom: (from, to) => latest.current.onZoom({ from, to }),
      onBack: () => latest.current.onBack(),
    })
    plot.current = made
    paint(made, sensor, intervalMs, drawn.peek())
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: element.clientHeight }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.current = null
      made.destroy()
    }
  }, [sensor, unit, colours])

  useSignalEffect(() => {
    const now = drawn.value
    if (plot.current) paint(plot.current, sensor, latest.current.intervalMs, now)
  })
  useSignalEffect(() => {
    const at = cursor.value
    if (plot.current) pointAt(plot.current, at)
  })
  useEffect(() => plot.current?.redraw(false), [props.lost])
  const empty = useComputed(() => drawn.value !== null && pointsIn(drawn.value, sensor) === 0)

  return (
    <figure class="chart">
      <figcaption>
        <span class="swatch" style={{ background: `var(${colourOf(sensor)})` }} aria-hidden="true" />
        <h3>{spoken(sensor)}</h3>
        <Readout {...props} />
        <button type="button" class="quiet" onClick={() => download(node, sensor, drawn.peek())} aria-label={`CSV of ${sensor}`}>
          <Download /> CSV
        </button>
      </figcaption>
      <div ref={host} class="plot" role="img" aria-label={`${sensor} of ${node} over time`} />
      {empty.value && <p class="plot-empty dim">No {spoken(sensor)} in this time.</p>}
    </figure>
  )
}

function paint(plot: uPlot, sensor: string, intervalMs: number | null, drawn: Drawn | null): void {
  if (!drawn) return
  const { series, window } = drawn
  const points = series.get(sensor)
  plot.batch(() => {
    plot.setData((points ? columnsOf(points, intervalMs) : [[], [], [], []]) as uPlot.AlignedData, false)
    plot.setScale('x', { min: window.from / 1000, max: window.to / 1000 })
  })
}

function pointsIn({ series, window }: Drawn, sensor: string): number {
  return series.get(sensor)?.time.filter(ms => ms >= window.from && ms < window.to).length ?? 0
}

const format = steadyFormatter(1)

/** What the cursor stands on, or the newest; always there, so that nothing jumps. */
function Readout({ sensor, unit, drawn, cursor }: ChartProps) {
  const at = useComputed(() => {
    const points = drawn.value?.series.get(sensor)
    if (!points || !drawn.value) return null
    const { from, to } = drawn.value.window
    const ms = cursor.value
    if (ms === null) return null
    // As near as a finger's width.
    const place = nearest(points, ms, (to - from) / 40 + points.bucketMs)
    return place === null
      ? null
      : { time: points.time[place]!, min: points.min[place]!, mean: points.mean[place]!, max: points.max[place]! }
  }).value
  if (!at) return <span class="readout" />
  return (
    <span class="readout">
      <time>{clockTime(at.time)}</time> <strong>{format(sensor, at.mean)}</strong> <span class="unit">{unit}</span>
      {at.min !== at.max && (
        <span class="dim">
          {' '}
          {format(sensor, at.min)} to {format(sensor, at.max)}
        </span>
      )}
    </span>
  )
}

function download(node: string, sensor: string, drawn: Drawn | null): void {
  const points = drawn?.series.get(sensor)
  const text = points ? csvOf(points, drawn!.window.from, drawn!.window.to) : 'time,min,mean,max,count\n'
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  Object.assign(document.createElement('a'), { href: url, download: `${node}-${sensor}.csv` }).click()
  URL.revokeObjectURL(url)
}
