import type { DurableBatch, ReadingEvent } from '../../src/contract/events.ts'
import { seeded } from '../../src/kit/random.ts'
import { type KeepLimits, keepAll } from '../../src/store/parquet/keep-limits.ts'

/** The journal of the sweep's kill test: four hours a batch, so that weeks end and readings grow old within seconds; every seventh batch
 *  comes three weeks late, into weeks that have been rolled up or taken. Values are eighths: their sums are exact in any order. */
const dayMs = 86_400_000
const start = Date.UTC(2026, 5, 1)
const rowsABatch = 60

export const limits: KeepLimits = { ...keepAll, rawAgeMs: 15 * dayMs }

export const nowAt = (k: number): number => start + k * 4 * 3_600_000

export function batchAt(seed: number, k: number): DurableBatch {
  const random = seeded(seed).fork(String(k))
  const late = k % 7 === 3 ? 21 * dayMs : 0
  const events = Array.from(
    { length: rowsABatch },
    (_, i): ReadingEvent => ({
      kind: 'reading',
      node: `n${k % 3}`,
      arrived: nowAt(k),
      time: nowAt(k) - late + i * 90_000 + (late ? 250 : 0),
      boot: 1,
      seq: k * rowsABatch + i,
      names: ['t', 'k'],
      values: [random.below(800) / 8, k],
    }),
  )
  return { events, end: { segment: Math.floor(k / 50), offset: k } }
}
