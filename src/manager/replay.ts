import { type Applier, comparePositions, type DurableBatch, type JournalEvent, type Position } from '../contract/events.ts'
import type { Journal, ReplayReport } from '../journal/journal.ts'

/** After a start: gives every applier the durable batches behind its own watermark, in order. `ledger` follows `fleet`, whose
 *  checkpoint holds the ledger's state: it is handed exactly the events that are new to that applier. */
export async function replay(
  journal: Journal,
  appliers: readonly Applier[],
  follow: { readonly applier: Applier; readonly event: (event: JournalEvent) => void },
): Promise<ReplayReport> {
  const marks = new Map<Applier, Position>(appliers.map(applier => [applier, applier.watermark()]))
  const inOrder = [...marks.values()].sort(comparePositions)
  const report = await journal.replay(inOrder[0]!, (batch: DurableBatch) => {
    if (comparePositions(batch.end, marks.get(follow.applier)!) > 0) for (const event of batch.events) follow.event(event)
    for (const [applier, mark] of marks) if (comparePositions(batch.end, mark) > 0) applier.apply(batch, false)
  })
  const last = inOrder.at(-1)!
  if (comparePositions(last, journal.end()) <= 0) return report
  // A disk that lied has lost the journal's end behind a watermark. Asked for what lies behind it, the journal numbers new segments
  // past it, so that no later batch is taken for one that was applied, and says what is gone.
  const { damaged } = await journal.replay(last, () => undefined)
  return { ...report, damaged: [...report.damaged, ...damaged] }
}
