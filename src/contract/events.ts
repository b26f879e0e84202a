import type { RejectReason } from './codes.ts'
import type { Ack, Status } from './schemas.ts'

/** What MQTT messages become once they have been judged: the events that the journal makes durable, in order, and that every
 *  applier (readings store, fleet, rejects, live view) applies. An event holds the verdict, so a replay never judges again:
 *  applying it gives the same state as the first time. Times are Unix milliseconds, integers. */
export type JournalEvent = ReadingEvent | SettledEvent | CountsEvent | RejectEvent | OldestEvent | StatusEvent | AckEvent

/** A reading that adds values: a new row (node, time), or new fields of one that is there. `names` and `values` run in parallel
 *  (sensors, then wifi_rssi, uptime); readings of one shape may share the `names` array. */
export interface ReadingEvent {
  readonly kind: 'reading'
  readonly node: string
  readonly arrived: number
  readonly time: number
  readonly boot: number | null
  readonly seq: number | null
  readonly names: readonly string[]
  readonly values: readonly number[]
}

/** A reading that is settled as stored but adds no value: all its sensors null, or all its fields equal to those already there
 *  under another (boot, seq). */
export interface SettledEvent {
  readonly kind: 'settled'
  readonly node: string
  readonly arrived: number
  readonly time: number
  readonly boot: number | null
  readonly seq: number | null
}

/** What a message brought that makes no reading: duplicates, sensors that said null, keys nobody knows. */
export interface CountsEvent {
  readonly kind: 'counts'
  readonly node: string
  readonly arrived: number
  readonly duplicates: number
  readonly nullValues: number
  readonly ignoredKeys: number
}

/** A message, or those readings of one message that share a reason, not stored and kept with the raw bytes. */
export interface RejectEvent {
  readonly kind: 'reject'
  /** null: the topic names no node. */
  readonly node: string | null
  readonly topic: string | null
  readonly arrived: number
  readonly reason: RejectReason
  /** One sentence: what was there, what is allowed, how to mend it. */
  readonly detail: string
  /** Bytes of the whole payload (of the announced packet for `packet_too_large`). */
  readonly size: number
  /** The first `limits.rejectRawBytes` of the message, or of the first such reading's own text. */
  readonly raw: Uint8Array
  readonly truncated: boolean
  /** Readings it stands for; 1 for a message. */
  readonly count: number
  /** Their places in `readings`; null for a message or a single reading. */
  readonly indices: readonly number[] | null
  /** The boot and the seqs that this reject settles, in rising order; null when it settles nothing. */
  readonly settles: { readonly boot: number; readonly seqs: readonly number[] } | null
}

/** A node's word on the oldest reading it still holds (wire contract §2, §3). `ownBoot` is the boot of the message. */
export interface OldestEvent {
  readonly kind: 'oldest'
  readonly node: string
  readonly arrived: number
  readonly ownBoot: number
  readonly boot: number
  readonly seq: number
}

/** A status message. `live` false: a retained one received at (re)subscribe, not an event (wire contract §4).
 *  `status` null: the retained status was cleared. */
export interface StatusEvent {
  readonly kind: 'status'
  readonly node: string
  readonly arrived: number
  readonly live: boolean
  readonly status: Status | null
}

export interface AckEvent {
  readonly kind: 'ack'
  readonly node: string
  readonly arrived: number
  readonly ack: Ack
}

/** A place in the journal: everything before it is named by it. Positions are ordered by segment, then offset. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

export const firstPosition: Position = { segment: 0, offset: 0 }

export const comparePositions = (a: Position, b: Position): number => a.segment - b.segment || a.offset - b.offset

/** One durable batch as appliers get it: its events in order, and the position right behind it. */
export interface DurableBatch {
  readonly events: readonly JournalEvent[]
  readonly end: Position
}

/** Something that follows the journal. Every applier is called with every batch, in order, first by replay and then live. */
export interface Applier {
  /** Synchronous, in memory, never throws for an event the contract allows. Doing it twice for a batch behind the watermark
   *  is prevented by the caller: batches with `end` ≤ watermark() are not given at replay. `live` is false in a replay. */
  apply(batch: DurableBatch, live: boolean): void
  /** Everything before this position is kept elsewhere: the journal may drop it. */
  watermark(): Position
}
