import { type DurableBatch, firstPosition, type Position, type RejectEvent } from '../contract/events.ts'

/** A kept reject as it lies in the records and as API, CLI and console show it. */
export interface KeptReject {
  /** Sortable, made of the place in the journal: the same again in a replay. */
  readonly id: string
  readonly node: string | null
  readonly topic: string | null
  readonly reason: string
  readonly detail: string
  /** Arrival, Unix ms. */
  readonly time: number
  readonly size: number
  readonly raw_base64: string
  readonly truncated: boolean
  readonly count: number
  readonly indices: readonly number[] | null
}

/** What is remembered of each kept reject, so that lists are filtered without a read. */
export interface KeptEntry {
  readonly id: string
  readonly node: string | null
  readonly reason: string
  readonly time: number
  /** What it weighs against `limits.rejectsKeptBytes`. */
  readonly bytes: number
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** Ordered by byte as the journal is ordered: segment, offset of the batch's end, place in the batch. */
export function rejectId(batch: DurableBatch, index: number): string {
  return `${hex(batch.end.segment, 8)}-${hex(batch.end.offset, 8)}-${hex(index, 5)}`
}

export function keptReject(id: string, event: RejectEvent): KeptReject {
  return {
    id,
    node: event.node,
    topic: event.topic,
    reason: event.reason,
    detail: event.detail,
    time: event.arrived,
    size: event.size,
    raw_base64: Buffer.from(event.raw.buffer, event.raw.byteOffset, event.raw.byteLength).toString('base64'),
    truncated: event.truncated,
    count: event.count,
    indices: event.indices,
  }
}

export function keptEntry(reject: KeptReject): KeptEntry {
  const bytes =
    reject.raw_base64.length + reject.detail.length + (reject.topic?.length ?? 0) + 5 * (reject.indices?.length ?? 0) + 128
  return { id: reject.id, node: reject.node, reason: reject.reason, time: reject.time, bytes }
}

/** The state beside the rejects: counters that never go back, and how far in the journal they reach. */
export interface RejectMarks {
  readonly watermark: Position
  readonly total: number
  readonly byReason: Readonly<Record<string, number>>
}

export const noMarks: RejectMarks = { watermark: firstPosition, total: 0, byReason: {} }
