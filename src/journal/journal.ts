import type { DurableBatch, JournalEvent, Position } from '../contract/events.ts'
import type { Clock } from '../kit/clock.ts'

export { JournalClosed } from './closed.ts'

/** journal: the point of durability. Judged events come in by the batch; when `append` answers they are on the disk, and only
 *  then may anything be acknowledged. Appliers read them back from their watermarks after a crash. It promises order, at most
 *  one batch in flight, and that a batch is there as a whole or not at all; it never drops what was appended, never decides what
 *  an event means, and never answers before the sync did. Files: `DATA/journal/NNNNNNNN.log`, see frame.ts and
 *  segment-files.ts. */
export interface Journal {
  /** Makes the batch durable and answers with the position behind it. Calls are served in order. A failed write or sync is
   *  tried again in a new segment until it succeeds or `close()` is called (then it rejects with `JournalClosed`); meanwhile
   *  `health().ok` is false. While the journal is at its bound it waits for `trim`. */
  append(events: readonly JournalEvent[]): Promise<Position>
  /** Gives every durable batch behind `from`, in order. Before the first append only. */
  replay(from: Position, apply: (batch: DurableBatch) => void): Promise<ReplayReport>
  /** Everything before `upTo` is no longer needed: whole segments below it are deleted. */
  trim(upTo: Position): Promise<void>
  /** The position behind the last durable batch. */
  end(): Position
  health(): JournalHealth
  /** Waits for the batch in flight, then closes. Batches that wait for disk space are given up (never acknowledged). */
  close(): Promise<void>
}

/** The journal as files in a folder. */
export interface JournalOnDisk extends Journal {
  /** Everything that is durable at this moment, to be copied while the journal goes on. It stays readable, also when it is trimmed
   *  meanwhile, until the cut is closed. */
  cut(): JournalCut
}

export interface JournalCut {
  readonly end: Position
  /** In order. `name` is that of the file in a journal's folder; behind its pieces a segment is zeros up to `bytes`. */
  readonly segments: readonly {
    readonly name: string
    readonly bytes: number
    /** Its bytes up to the end, then a number: how many zeros follow. */
    pieces(): AsyncIterable<Uint8Array | number>
  }[]
  close(): Promise<void>
}

export interface ReplayReport {
  readonly batches: number
  readonly events: number
  /** Places where frames were damaged although valid ones follow (bit rot), or where the tail was cut; for health and the loss report. */
  readonly damaged: readonly {
    readonly segment: number
    readonly offset: number
    readonly bytes: number
    readonly what: 'tail' | 'rot'
  }[]
}

export interface JournalHealth {
  readonly ok: boolean
  /** One sentence when not ok. */
  readonly detail: string
  readonly bytes: number
  readonly boundBytes: number
  readonly segments: number
  readonly appended: number
  /** Writes and syncs that failed and were tried again. */
  readonly failures: number
}

export interface JournalOptions {
  readonly dir: string
  /** Default 4 MiB (store.md: a growing file costs four times the device bytes). */
  readonly segmentBytes?: number
  /** Default 256 MiB. At the bound append waits: the sockets are paused, nothing is dropped. */
  readonly boundBytes?: number
  /** Called with the seconds each commit took (metrics). */
  readonly onCommit?: (seconds: number) => void
  /** Called when health changes: full disk, failed sync, recovered. */
  readonly onHealth?: (health: JournalHealth) => void
  /** Measures the commits; default the machine's own. */
  readonly clock?: Clock
}
