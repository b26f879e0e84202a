import type { JournalEvent } from '../contract/events.ts'

/** ledger: from boot and seq it knows, by node, what was expected, stored, duplicate, rejected, missing and lost, and when
 *  (wire contract §3). Verdicts of the lane come in, receipts and reports go out. Pure: no clock, no disk. Kept as ranges, so that
 *  `oldest` may book 2^32 − 1 readings at once. Replaying the same events gives the same ledger. */
export interface Ledger {
  /** Was this very (boot, seq) stored or rejected before? */
  known(node: string, boot: number, seq: number): 'no' | 'stored' | 'rejected'
  /** Would this word on the oldest reading a node holds change the account? Nodes say it in every message; the lane makes an event
   *  of it only then. It may say yes too often, never no wrongly. */
  oldestIsNews(node: string, boot: number, seq: number): boolean
  /** Applies a verdict, in the order of the journal: live once it is durable, and at a start every replayed event that the restored
   *  snapshot does not hold. A (boot, seq) that came before changes nothing. */
  apply(event: JournalEvent): void
  /** The receipt payload's entries for a node: first the boots `asked` for, then the newest of the last 30 days, 8 in all; empty:
   *  nothing to say. */
  receipt(node: string, now: number, asked?: readonly number[]): ReceiptEntry[]
  report(node: string): LedgerReport
  /** Nodes with at least one boot, by id. */
  nodes(): string[]
  /** JSON of one node's state, for the records; undefined when there is none. */
  snapshot(node: string): unknown
  restore(node: string, snapshot: unknown): void
  /** Nodes changed since the last call. */
  takeChanged(): string[]
  forget(node: string): void
}

export interface ReceiptEntry {
  readonly boot: number
  /** Everything up to here is settled; null while seq 0 is not. */
  readonly seq: number | null
  /** The highest settled seq. */
  readonly seen: number
  readonly rejected?: number
}

/** expected = stored + rejected + missing + lost, of readings with boot and seq. */
export interface LedgerReport {
  readonly node: string
  readonly expected: number
  readonly stored: number
  /** All repeats since the node numbers its readings. */
  readonly duplicates: number
  readonly rejected: number
  readonly missing: number
  readonly lost: number
  readonly gaps: readonly Gap[]
}

/** A run of seqs that did not come. The times are those of the neighbours that did, null where there is none. */
export interface Gap {
  readonly boot: number
  readonly from: number
  readonly to: number
  readonly first_ms: number | null
  readonly last_ms: number | null
  readonly state: 'open' | 'lost'
}
