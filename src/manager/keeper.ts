import type { Applier, Position } from '../contract/events.ts'
import { comparePositions } from '../contract/events.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Journal } from '../journal/journal.ts'
import type { Clock } from '../kit/clock.ts'
import type { ReadingsStore } from '../store/readings.ts'

/** What keeps its state in the records and can write it down between two batches. */
export interface Checkpointed extends Applier {
  checkpoint(options: { sync: boolean }): Promise<void>
}

export interface Keeper {
  /** One turn of the rules below; called every second. */
  turn(): Promise<void>
  /** Writes everything down (synced) and lets the journal go as far as all have it. */
  settle(): Promise<void>
}

/** Writes down each minute, or each 16 MiB of journal: between two checkpoints the journal is what a restart replays, so a
 *  checkpoint a second would only wear the card (20 nodes: about 1 KiB a node and time). */
const checkpointEveryMs = 60_000
const checkpointEveryBytes = 16 * 1024 * 1024

/** Keeps the journal short: checkpoints the records' appliers, asks the store to seal when the journal is half full, and trims
 *  what all of them keep elsewhere. A checkpoint is synced before the journal may drop what it covers. */
export function createKeeper(parts: {
  readonly journal: Journal
  readonly lane: Pick<Lane, 'between'>
  readonly store: ReadingsStore
  readonly records: readonly Checkpointed[]
  readonly clock: Clock
}): Keeper {
  const { journal, lane, store, records, clock } = parts
  let checkpointedAt = clock.monoMs()
  let checkpointedBytes = journal.health().bytes
  let trimmed: Position = { segment: 0, offset: 0 }
  let sealing = false

  const checkpoint = (sync: boolean): Promise<void> =>
    lane.between(async () => {
      for (const applier of records) await applier.checkpoint({ sync })
      checkpointedAt = clock.monoMs()
      checkpointedBytes = journal.health().bytes
    })

  const settle = async (): Promise<void> => {
    await checkpoint(true)
    const upTo = [store, ...records].map(applier => applier.watermark()).reduce((a, b) => (comparePositions(a, b) <= 0 ? a : b))
    if (comparePositions(upTo, trimmed) <= 0) return
    await journal.trim(upTo)
    trimmed = upTo
    checkpointedBytes = journal.health().bytes
  }

  const sealSoon = (): void => {
    if (sealing) return
    sealing = true
    store
      .seal()
      .catch(() => undefined) // the store reports it in its stats and tries again
      .finally(() => {
        sealing = false
      })
  }

  return {
    settle,
    async turn() {
      const { bytes, boundBytes } = journal.health()
      if (bytes > boundBytes / 2) sealSoon()
      if (comparePositions(store.watermark(), trimmed) > 0) await settle()
      else if (clock.monoMs() - checkpointedAt >= checkpointEveryMs || bytes - checkpointedBytes >= checkpointEveryBytes)
        await checkpoint(false)
    },
  }
}
