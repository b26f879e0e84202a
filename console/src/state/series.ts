import type { LiveReading } from '../../../src/api/events.ts'
import { addReading, type Points } from '../parts/chart-data.ts'
import { client, now } from './connection.ts'
import { readingListeners } from './house.ts'
import type { Span, Window } from './span.ts'

export interface SeriesWish {
  readonly node: string
  readonly span: Span
  /** Before this (Unix ms) there is nothing to show. */
  readonly since: number
  /** Buckets a sensor at most. */
  readonly points: number
  /** By sensor; called at each answer, and each second while the window moves. */
  readonly onPoints: (series: ReadonlyMap<string, Points>, window: Window) => void
  readonly onError: (error: unknown) => void
}

// The server's buckets are finer than what live readings make of them: ask again now and then.
const reloadMs = 60_000

/** All sensors of a node over a span, asked for at once and continued by live readings, until the returned function is called. */
export function followSeries(wish: SeriesWish): () => void {
  const moving = 'lastMs' in wish.span
  const window = (): Window => ('lastMs' in wish.span ? movingWindow(wish.span.lastMs, wish.since) : wish.span)
  const series = new Map<string, Points>()
  let bucketMs = 0
  let ended = false
  let asked = false

  const show = () => !ended && asked && wish.onPoints(series, window())
  const load = async () => {
    const { from, to } = window()
    // A little beyond now: a board's clock may be ahead.
    const query = { from: Math.floor(from), to: Math.ceil(moving ? to + 60_000 : to), points: wish.points }
    try {
      const answer = await client.readings(wish.node, query)
      if (ended) return
      bucketMs = answer.bucket_ms
      series.clear()
      for (const [sensor, view] of Object.entries(answer.series)) series.set(sensor, { ...view, bucketMs })
      asked = true
      show()
    } catch (error) {
      if (!ended) wish.onError(error)
    }
  }
  const listen = ({ node, time, fields }: LiveReading) => {
    if (node !== wish.node || !asked) return
    for (const [sensor, value] of Object.entries(fields)) {
      const points = series.get(sensor) ?? { time: [], min: [], mean: [], max: [], count: [], bucketMs }
      series.set(sensor, points)
      addReading(points, time, value)
    }
  }
  void load()
  const stops = moving ? [repeat(show, 1000), repeat(load, reloadMs), listenTo(listen)] : []
  return () => {
    ended = true
    for (const stop of stops) stop()
  }
}

function repeat(work: () => void, ms: number): () => void {
  const timer = setInterval(work, ms)
  return () => clearInterval(timer)
}

function listenTo(listen: (reading: LiveReading) => void): () => void {
  readingListeners.add(listen)
  return () => readingListeners.delete(listen)
}

/** A node that is younger than the span fills the chart from its first message on; a minute is the least. */
function movingWindow(lastMs: number, since: number): Window {
  const to = now.peek()
  return { from: Math.max(to - lastMs, Math.min(since, to - 60_000)), to }
}
