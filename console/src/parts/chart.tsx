import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { LiveReading } from '../../../src/api/events.ts'
import { clockTime, steadyFormatter } from '../format.ts'
import { client, connections, now } from '../state/connection.ts'
import { readingListeners } from '../state/house.ts'
import { coloursChanged } from '../state/theme.ts'
import { colourOf } from '../units.ts'
import { addReading, columnsOf, csvOf, type Points } from './chart-data.ts'
import { Download } from './icons.tsx'
import { makePlot, type Reading } from './plot.ts'

/** The stretch of time that is shown: the last so many milliseconds, moving; or a fixed one that was drawn. */
export type Span = { readonly lastMs: number } | { readonly from: number; readonly to: number }

export interface ChartProps {
  readonly node: string
  readonly sensor: string
  readonly unit: string
  readonly intervalMs: number | null
  /** Before this (Unix ms) there is nothing to show. */
  readonly since: number
  readonly span: Span
  readonly onZoom: (span: Span) => void
  readonly onBack: () => void
}

// The server's buckets are finer than what live readings make of them: ask again now and then.
const reloadMs = 60_000

/** One sensor of one node over time, live. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null)
  const [cursor, setCursor] = useState<Reading | null>(null)
  const points = useRef<Points | null>(null)
  const [empty, setEmpty] = useState(false)
  const colours = coloursChanged.value
  const connection = connections.value
  const { node, sensor, unit, intervalMs, since, span } = props
  const latest = useRef(props)
  latest.current = props

  useEffect(() => {
    const element = host.current!
    const plot = makePlot(element, {
      colour: colourOf(sensor),
      unit,
      onCursor: setCursor,
      onZoom: (from, to) => latest.current.onZoom({ from, to }),
      onBack: () => latest.current.onBack(),
    })
    const feed = feedPlot(plot, { node, sensor, intervalMs, since, span, points, setEmpty })
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      feed()
      plot.destroy()
    }
  }, [node, sensor, unit, intervalMs, since, span, colours, connection])

  return (
    <figure class="chart">
      <figcaption>
        <Readout cursor={cursor} sensor={sensor} unit={unit} />
        <button
          type="button"
          class="quiet"
          onClick={() => points.current && download(`${node}-${sensor}.csv`, csvOf(points.current))}
        >
          <Download /> CSV
        </button>
      </figcaption>
      <div ref={host} class="plot" role="img" aria-label={`${sensor} of ${node} over time`} />
      {empty && <p class="plot-empty dim">No readings in this time.</p>}
    </figure>
  )
}

const format = steadyFormatter(1)

/** What the cursor stands on; always there, so that nothing jumps. */
function Readout({ cursor, sensor, unit }: { cursor: Reading | null; sensor: string; unit: string }) {
  if (!cursor)
    return (
      <span class="readout dim">
        Point at the line for values<span class="mouse">; draw over it to zoom</span>
      </span>
    )
  const range = cursor.min !== cursor.max && `, ${format(sensor, cursor.min)} to ${format(sensor, cursor.max)}`
  return (
    <span class="readout">
      <time>{clockTime(cursor.time)}</time> <strong>{format(sensor, cursor.mean)}</strong> <span class="unit">{unit}</span>
      <span class="dim">{range}</span>
    </span>
  )
}

interface Feed {
  readonly node: string
  readonly sensor: string
  readonly intervalMs: number | null
  readonly since: number
  readonly span: Span
  readonly points: { current: Points | null }
  readonly setEmpty: (empty: boolean) => void
}

/** Loads, follows the live readings and moves the window, until the returned function is called. */
function feedPlot(plot: uPlot, feed: Feed): () => void {
  const moving = 'lastMs' in feed.span
  let ended = false

  const windowNow = () => ('lastMs' in feed.span ? movingWindow(feed.span.lastMs, feed.since) : feed.span)
  const draw = () => {
    if (ended || !feed.points.current) return
    const { from, to } = windowNow()
    plot.batch(() => {
      plot.setData(columnsOf(feed.points.current!, feed.intervalMs) as uPlot.AlignedData, false)
      plot.setScale('x', { min: from / 1000, max: to / 1000 })
    })
  }
  const load = async () => {
    const { from, to } = windowNow()
    // A little beyond now: a board's clock may be ahead.
    const query = {
      sensor: [feed.sensor],
      from: Math.floor(from),
      to: Math.ceil(moving ? to + 60_000 : to),
      points: pointsFor(plot.width),
    }
    const answer = await client.readings(feed.node, query).catch(() => null)
    if (ended || !answer) return
    const series = answer.series[feed.sensor] ?? { time: [], min: [], mean: [], max: [], count: [] }
    feed.points.current = { ...series, bucketMs: answer.bucket_ms }
    feed.setEmpty(series.time.length === 0)
    draw()
  }
  const listen = (reading: LiveReading) => {
    const value = reading.fields[feed.sensor]
    if (reading.node !== feed.node || value === undefined || !feed.points.current) return
    if (addReading(feed.points.current, reading.time, value)) feed.setEmpty(false)
  }

  feed.points.current = null
  void load()
  if (!moving) {
    return () => {
      ended = true
    }
  }
  readingListeners.add(listen)
  const drawing = setInterval(draw, 1000)
  const loading = setInterval(load, reloadMs)
  return () => {
    ended = true
    readingListeners.delete(listen)
    clearInterval(drawing)
    clearInterval(loading)
  }
}

/** A point every two pixels: closer, and mean and band melt into one. */
const pointsFor = (width: number): number => Math.max(100, Math.min(1000, Math.floor(width / 2)))

/** A node that is younger than the span fills the chart from its first message on; a minute is the least. */
function movingWindow(lastMs: number, since: number): { from: number; to: number } {
  const to = now.peek()
  return { from: Math.max(to - lastMs, Math.min(since, to - 60_000)), to }
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  URL.revokeObjectURL(url)
}
