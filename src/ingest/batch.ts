import type { JournalEvent } from '../contract/events.ts'

/** The events of the batch being judged, closed by number or by weight, whichever comes first: a thousand messages of 256
 *  readings must not become one frame, and what is judged but not applied stays small. Weights are estimates of the journal's
 *  bytes, on the safe side; exact ones would mean to encode twice. */
export class Batch {
  private list: JournalEvent[] = []
  private weight = 0
  private readonly bounds: BatchBounds

  constructor(bounds: BatchBounds = defaultBounds) {
    this.bounds = bounds
  }

  get events(): readonly JournalEvent[] {
    return this.list
  }

  add(event: JournalEvent): void {
    this.list.push(event)
    this.weight += weightOf(event)
  }

  get empty(): boolean {
    return this.list.length === 0
  }

  full(): boolean {
    return this.list.length >= this.bounds.events || this.weight >= this.bounds.bytes
  }

  /** Hands the events over and begins anew. */
  take(): readonly JournalEvent[] {
    const events = this.list
    this.list = []
    this.weight = 0
    return events
  }
}

export interface BatchBounds {
  readonly events: number
  readonly bytes: number
}

/** A quarter of a journal segment; 5,000 rows are where the store's rate stops rising (store.md, numbers of P). */
export const defaultBounds: BatchBounds = { events: 5_000, bytes: 1024 * 1024 }

function weightOf(event: JournalEvent): number {
  switch (event.kind) {
    case 'reading':
      return 64 + 10 * event.values.length
    case 'reject':
      return (
        192 +
        event.raw.length +
        3 * event.detail.length +
        5 * (event.indices?.length ?? 0) +
        5 * (event.settles?.seqs.length ?? 0)
      )
    case 'status':
    case 'ack':
      // Bounded by the contract at 4 KiB each; their JSON is not measured again.
      return 4_096
    default:
      return 64
  }
}
