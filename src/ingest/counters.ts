import type { JournalEvent } from '../contract/events.ts'

/** Totals since the start, of what is durable: they rise when a batch is applied, never before. */
export class Counters {
  stored = 0
  duplicates = 0
  batches = 0
  logs = 0
  private readonly rejected = new Map<string, number>()

  count(events: readonly JournalEvent[]): void {
    this.batches++
    for (const event of events) {
      switch (event.kind) {
        case 'reading':
        case 'settled':
          this.stored++
          break
        case 'counts':
          this.duplicates += event.duplicates
          break
        case 'reject':
          this.rejected.set(event.reason, (this.rejected.get(event.reason) ?? 0) + event.count)
          break
      }
    }
  }

  rejectedByReason(): Record<string, number> {
    return Object.fromEntries(this.rejected)
  }
}
