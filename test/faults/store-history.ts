import type { DurableBatch, ReadingEvent } from '../../src/contract/events.ts'
import { seeded } from '../../src/kit/random.ts'

/** The journal of the store's kill test: batch k is decided by the seed alone, so a process that died and the one that checks what it
 *  left agree on every row. Ten minutes a batch, so that days end and files are merged; some batches come days late. */
export const historyStart = Date.UTC(2024, 0, 10)
export const batchMs = 600_000
const rowsABatch = 40

export const nowAt = (k: number): number => historyStart + k * batchMs

export function batchAt(seed: number, k: number): DurableBatch {
  const random = seeded(seed).fork(String(k))
  const late = k % 7 === 3 ? 3 * 86_400_000 : 0
  const node = `n${k % 5}`
  const boot = Math.floor(k / 500)
  const events = Array.from(
    { length: rowsABatch },
    (_, i): ReadingEvent => ({
      kind: 'reading',
      node,
      arrived: nowAt(k),
      time: nowAt(k) - late + i * 1000 + (late ? 500 : 0),
      boot,
      seq: k * rowsABatch + i,
      names: ['t', 'h'],
      values: [Math.round(random.normal() * 100) / 10, k],
    }),
  )
  return { events, end: { segment: Math.floor(k / 50), offset: k } }
}
