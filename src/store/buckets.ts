import type { Series } from './readings.ts'

/** The grid of a downsampled range: bucket k covers [origin + k · bucketMs, origin + (k + 1) · bucketMs). */
export interface Grid {
  readonly bucketMs: number
  readonly origin: number
  readonly count: number
}

/** A grid of at most `points` buckets over [from, to). Its width is a round number and its starts are multiples of it, so that a
 *  chart that is asked for again a second later keeps its buckets; only a single bucket starts at `from` itself. From half a day a bucket
 *  on it is whole hours, so that roll-ups can fill it. `unit` is what cannot be divided (1 = nothing): where only roll-ups are left. */
export function gridOver(from: number, to: number, points: number, unit = 1): Grid {
  if (points <= 1) {
    const origin = Math.floor(from / unit) * unit
    return { bucketMs: Math.ceil((to - origin) / unit) * unit, origin, count: 1 }
  }
  const exact = Math.ceil((to - from) / (points - 1)) // one bucket is kept back for the two that stick out at the ends
  const step = Math.max(unit, stepOf(exact))
  const bucketMs = Math.ceil(exact / step) * step
  const origin = Math.floor(from / bucketMs) * bucketMs
  return { bucketMs, origin, count: Math.floor((to - 1 - origin) / bucketMs) + 1 }
}

function stepOf(exactMs: number): number {
  if (exactMs < 1_000) return 1
  if (exactMs < 60_000) return 1_000
  if (exactMs < 600_000) return 10_000
  if (exactMs < 3_600_000) return 60_000
  return exactMs < 43_200_000 ? 600_000 : 3_600_000
}

/** Min, max, sum and count a bucket of one field, filled value by value or by partial sums from files. */
export class Buckets {
  readonly grid: Grid
  private readonly low: Float64Array
  private readonly high: Float64Array
  private readonly sum: Float64Array
  private readonly counted: Float64Array

  constructor(grid: Grid) {
    this.grid = grid
    this.low = new Float64Array(grid.count).fill(Number.POSITIVE_INFINITY)
    this.high = new Float64Array(grid.count).fill(Number.NEGATIVE_INFINITY)
    this.sum = new Float64Array(grid.count)
    this.counted = new Float64Array(grid.count)
  }

  add(time: number, value: number): void {
    this.addPart(Math.floor((time - this.grid.origin) / this.grid.bucketMs), value, value, value, 1)
  }

  addPart(bucket: number, low: number, high: number, sum: number, count: number): void {
    if (low < this.low[bucket]!) this.low[bucket] = low
    if (high > this.high[bucket]!) this.high[bucket] = high
    this.sum[bucket]! += sum
    this.counted[bucket]! += count
  }

  /** Empty buckets are left out. */
  series(): Series {
    const series = emptySeries()
    for (let k = 0; k < this.grid.count; k++) {
      const count = this.counted[k]!
      if (count === 0) continue
      series.time.push(this.grid.origin + k * this.grid.bucketMs)
      series.min.push(this.low[k]!)
      series.mean.push(this.sum[k]! / count)
      series.max.push(this.high[k]!)
      series.count.push(count)
    }
    return series
  }
}

export const emptySeries = (): Series => ({ time: [], min: [], mean: [], max: [], count: [] })

/** A raw value as a bucket of its own. */
export function addRaw(series: Series, time: number, value: number): void {
  series.time.push(time)
  series.min.push(value)
  series.mean.push(value)
  series.max.push(value)
  series.count.push(1)
}
