import { type DurableBatch, firstPosition, type Position } from '../contract/events.ts'
import type { Clock } from '../kit/clock.ts'
import type { Records } from '../store/records.ts'
import type { Checkpointed } from './keeper.ts'

/** Is the wall clock believed? A Pi has no battery clock and may start in 1970 or last week (wire contract §8): more than an hour
 *  behind the newest commit, or before 2026, it is `suspect`: ingest goes on without the future window, broker/status carries no
 *  time, and nothing expires. It follows the journal as an applier to know the newest commit. */
export interface ClockGuard extends Checkpointed {
  suspect(): boolean
}

const notBefore = Date.UTC(2026, 0, 1)
const mayLagMs = 3_600_000

export async function openClockGuard(records: Records, clock: Clock): Promise<ClockGuard> {
  let newest = (await records.get<number>('manager', 'newest_commit')) ?? 0
  // With its place: an applier that begins at the journal's first would make a start blind for a segment that is gone.
  let applied = (await records.get<Position>('manager', 'newest_commit_applied')) ?? firstPosition
  let kept = applied
  return {
    suspect: () => clock.wallMs() < notBefore || clock.wallMs() < newest - mayLagMs,
    apply(batch: DurableBatch) {
      for (const event of batch.events) if (event.arrived > newest) newest = event.arrived
      applied = batch.end
    },
    watermark: () => kept,
    async checkpoint(options) {
      const upTo = applied
      const changes = [
        { collection: 'manager', key: 'newest_commit', value: newest },
        { collection: 'manager', key: 'newest_commit_applied', value: upTo },
      ]
      await records.write(changes, options)
      if (options.sync) kept = upTo
    },
  }
}
