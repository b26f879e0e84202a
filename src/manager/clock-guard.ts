import type { Applier, DurableBatch, Position } from '../contract/events.ts'
import type { Clock } from '../kit/clock.ts'

/** Is the wall clock believed? A Pi has no battery clock and may start in 1970 or last week (wire contract §8): more than an hour
 *  behind the newest commit, or before 2026, it is `suspect`: ingest goes on without the future window, broker/status carries no
 *  time, and nothing expires. It follows the journal as an applier to know the newest commit; `newest` is kept by the keeper. */
export interface ClockGuard extends Applier {
  suspect(): boolean
  newestCommit(): number
}

const notBefore = Date.UTC(2026, 0, 1)
const mayLagMs = 3_600_000

export function createClockGuard(clock: Clock, newestKnown: number): ClockGuard {
  let newest = newestKnown
  let end: Position = { segment: 0, offset: 0 }
  return {
    suspect: () => clock.wallMs() < notBefore || clock.wallMs() < newest - mayLagMs,
    newestCommit: () => newest,
    apply(batch: DurableBatch) {
      for (const event of batch.events) if (event.arrived > newest) newest = event.arrived
      end = batch.end
    },
    watermark: () => end,
  }
}
