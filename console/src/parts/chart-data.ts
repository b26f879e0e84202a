import type { SeriesView } from '../../../src/api/readings.ts'

/** The points of a chart: what the server answered, continued by live readings. Pure but for the arrays it owns. */
export interface Points extends SeriesView {
  /** 0: every reading is a point. */
  bucketMs: number
}

/** Adds a reading behind the last point: into its bucket, or as a new one on the same grid. False when it lies before (a backlog):
 *  then only the server can tell the picture. */
export function addReading(points: Points, time: number, value: number): boolean {
  const last = points.time.length - 1
  const lastTime = last < 0 ? Number.NEGATIVE_INFINITY : points.time[last]!
  if (time < lastTime) return false
  if (last >= 0 && (time === lastTime || time < lastTime + points.bucketMs)) {
    const count = points.count[last]!
    points.mean[last] = (points.mean[last]! * count + value) / (count + 1)
    points.min[last] = Math.min(points.min[last]!, value)
    points.max[last] = Math.max(points.max[last]!, value)
    points.count[last] = count + 1
    return true
  }
  const start =
    points.bucketMs > 0 && last >= 0 ? lastTime + Math.floor((time - lastTime) / points.bucketMs) * points.bucketMs : time
  push(points, start, value)
  return true
}

function push(points: Points, time: number, value: number): void {
  points.time.push(time)
  points.min.push(value)
  points.mean.push(value)
  points.max.push(value)
  points.count.push(1)
}

/** Columns for uPlot, in seconds: a hole longer than three intervals gets an empty point, so that no line crosses it. */
export function columnsOf(points: Points, intervalMs: number | null): [number[], ...(number | null)[][]] {
  const holeMs = Math.max(3 * (intervalMs ?? 0), 1.5 * points.bucketMs, 3 * medianStep(points.time))
  const time: number[] = []
  const min: (number | null)[] = []
  const mean: (number | null)[] = []
  const max: (number | null)[] = []
  for (let i = 0; i < points.time.length; i++) {
    const at = points.time[i]!
    if (i > 0 && at - points.time[i - 1]! > holeMs) {
      time.push((points.time[i - 1]! + 1) / 1000)
      min.push(null)
      mean.push(null)
      max.push(null)
    }
    time.push(at / 1000)
    min.push(points.min[i]!)
    mean.push(points.mean[i]!)
    max.push(points.max[i]!)
  }
  return [time, min, max, mean]
}

function medianStep(times: readonly number[]): number {
  const steps: number[] = []
  for (let i = Math.max(1, times.length - 200); i < times.length; i++) steps.push(times[i]! - times[i - 1]!)
  steps.sort((a, b) => a - b)
  return steps[steps.length >> 1] ?? 0
}

/** The point nearest to a moment: its place, or null where the nearest is further away than a point is wide on the screen. */
export function nearest(points: Points, ms: number, withinMs: number): number | null {
  const { time } = points
  let [low, high] = [0, time.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (time[middle]! < ms) low = middle + 1
    else high = middle
  }
  const at = low > 0 && ms - time[low - 1]! < time[low]! - ms ? low - 1 : low
  return at < time.length && Math.abs(time[at]! - ms) <= withinMs ? at : null
}

/** What is drawn between two moments, as CSV: the numbers as the API gave them. */
export function csvOf(points: Points, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY): string {
  const rows = points.time.flatMap((time, i) =>
    time < from || time >= to
      ? []
      : [[new Date(time).toISOString(), points.min[i], points.mean[i], points.max[i], points.count[i]].join(',')],
  )
  return `${['time,min,mean,max,count', ...rows].join('\n')}\n`
}
