import type { Broker, Incoming } from '../broker/broker.ts'
import type { Applier } from '../contract/events.ts'
import type { Journal } from '../journal/journal.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ReadingsStore } from '../store/readings.ts'
import type { BatchBounds } from './batch.ts'
import type { RateLimit } from './nodes.ts'

export { LaneClosed } from './closed.ts'
export type { KeptReject } from './kept.ts'
export { openLane } from './lane.ts'
export { openRejects, type RejectQuery, type Rejects } from './rejects.ts'

/** ingest: MQTT messages in, durable batches out. `accept` answers only after journal.append() has answered, and so PUBACK leaves
 *  after durability. Rejected messages are appended too, as rejects. Appliers are called in order right after the append, before
 *  the next group is judged. It knows no topic by name (contract does) and no store by name (the port does); it drops nothing:
 *  when journal or store can't follow, `accept` stays open and the broker pauses its sockets. It rejects only at the end, with
 *  LaneClosed or JournalClosed: then nothing of the group may be acknowledged. */
export interface Lane {
  accept(group: readonly Incoming[]): Promise<void>
  oversize(notice: { client: string | null; user: string | null; size: number; arrived: number }): void
  /** Runs `work` between two batches, when ledger and appliers stand exactly at what is durable (checkpoints, backup); no batch is
   *  applied while it runs. Does not wait for an append that hangs: at the journal's bound a checkpoint is what ends the wait. Must
   *  not be called from inside a `work`. */
  between<T>(work: () => T | Promise<T>): Promise<T>
  stats(): LaneStats
  /** A node was born (wire contract §4), says whoever knows its presence while a batch is applied: it gets a receipt behind it. */
  born(node: string): void
  /** Receipts are sent from here on, through this broker. */
  sendReceiptsThrough(broker: Pick<Broker, 'publish'>): void
  /** The node gets no receipt until the answer is called: for whoever wants to see whether it keeps what is unsettled. */
  holdReceipts(node: string): () => void
  /** Takes no further group, waits for the batch under way. Groups not judged yet are refused, unacknowledged. */
  close(): Promise<void>
}

/** Totals since the start. */
export interface LaneStats {
  readonly stored: number
  readonly duplicates: number
  readonly rejected: Readonly<Record<string, number>>
  readonly batches: number
  /** Messages on log topics, which make no event. */
  readonly logs: number
  readonly ok: boolean
  readonly detail: string
}

export interface LaneParts {
  readonly journal: Journal
  readonly ledger: Ledger
  readonly store: ReadingsStore
  /** In this order; the readings store is one of them. */
  readonly appliers: readonly Applier[]
  readonly clock: Clock
  /** `unknown_command_id`: does an ack match a command? Asked before the ack is made an event. */
  readonly ackMatches: (node: string, ack: { id?: string; command: string }) => boolean
  /** Is this wall clock believed (wire contract §8)? Without it there is no future window. */
  readonly clockSuspect: () => boolean
  /** Ids that were removed: what they say is quarantined (`removed`). */
  readonly removed: (node: string) => boolean
  /** Nodes that nobody claimed, where that is not enough: what they say is kept apart (`unclaimed`). Default: it is enough. */
  readonly unclaimed?: (node: string) => boolean
  /** Readings a node may bring; default: no limit (`quota`). */
  readonly rateLimit?: RateLimit
  /** When a batch is closed; the default is for a disk, tests may want less. */
  readonly batchBounds?: BatchBounds
}
