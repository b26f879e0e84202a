import type { Incoming } from '../broker/broker.ts'
import { type RejectReason, rejectDetail } from '../contract/codes.ts'
import type { TelemetryMessage } from '../contract/decode.ts'
import type { RejectEvent } from '../contract/events.ts'
import { limits } from '../contract/limits.ts'
import { readingExtents } from '../contract/reading-text.ts'

/** A message that is rejected as a whole: it settles nothing (wire contract §3). */
export function rejectedMessage(message: Incoming, node: string | null, reason: RejectReason, detail: string): RejectEvent {
  const { payload } = message
  return {
    kind: 'reject',
    node,
    topic: message.topic,
    arrived: message.arrived,
    reason,
    detail,
    size: payload.length,
    raw: copied(payload, 0, limits.rejectRawBytes),
    truncated: payload.length > limits.rejectRawBytes,
    count: 1,
    indices: null,
    settles: null,
  }
}

/** Readings of one message that share a reason. */
interface Group {
  readonly reason: RejectReason
  readonly detail: string
  readonly indices: number[]
  readonly seqs: number[]
  /** The first one's own text, as the decoder cut it; null: cut it when the event is made. */
  readonly raw: { readonly raw: Uint8Array; readonly truncated: boolean } | null
}

/** Gathers a message's rejected readings into one reject a reason (wire contract §2), so that a bad batch can't flush others out. */
export class Rejections {
  private readonly groups = new Map<RejectReason, Group>()
  private readonly message: Incoming
  private readonly decoded: TelemetryMessage

  constructor(message: Incoming, decoded: TelemetryMessage) {
    this.message = message
    this.decoded = decoded
  }

  /** `seq`: of a reading that this settles, else null. `detail` and `raw` count for the first of its reason. */
  add(index: number, seq: number | null, reason: RejectReason, detail: () => string, raw: Group['raw'] = null): void {
    let group = this.groups.get(reason)
    if (!group) this.groups.set(reason, (group = { reason, detail: detail(), indices: [], seqs: [], raw }))
    group.indices.push(index)
    if (seq !== null) group.seqs.push(seq)
  }

  *events(): Generator<RejectEvent> {
    for (const group of this.groups.values()) yield this.event(group)
  }

  private event(group: Group): RejectEvent {
    const { message, decoded } = this
    const { boot, batch } = decoded
    return {
      kind: 'reject',
      node: decoded.node,
      topic: message.topic,
      arrived: message.arrived,
      reason: group.reason,
      detail: group.detail,
      size: message.payload.length,
      ...(group.raw ?? this.cut(group.indices[0]!)),
      count: group.indices.length,
      indices: batch ? group.indices : null,
      settles: boot !== null && group.seqs.length > 0 ? { boot, seqs: group.seqs } : null,
    }
  }

  private cut(index: number): { raw: Uint8Array; truncated: boolean } {
    const { payload } = this.message
    const { start, end } = this.decoded.batch ? readingExtents(payload)[index]! : { start: 0, end: payload.length }
    const stop = Math.min(end, start + limits.rejectRawBytes)
    return { raw: copied(payload, start, stop), truncated: stop < end }
  }
}

/** The payload may be a view into the socket's buffer, which an event must not keep alive. */
const copied = (payload: Uint8Array, start: number, end: number): Uint8Array => new Uint8Array(payload.subarray(start, end))

/** What only the lane can tell, in the contract's words. */
export const laneDetails = {
  badTopic: (topic: string) => rejectDetail('bad_topic', `the topic is ${JSON.stringify(topic)}`),
  retainedReplay: () => rejectDetail('retained_replay', 'the broker delivered it with the retain flag, as an old message'),
  removed: (node: string) => rejectDetail('removed', `node ${node} was removed`),
  unclaimed: (node: string) => rejectDetail('unclaimed', `nobody added or claimed node ${node}`),
  unknownCommand: (ack: { id?: string; command: string }) =>
    rejectDetail(
      'unknown_command_id',
      ack.id === undefined ? `${ack.command} without id` : `${ack.command} with id ${JSON.stringify(ack.id)}`,
    ),
  tooLargePacket: (size: number) => rejectDetail('packet_too_large', `the packet announced ${size} bytes`),
  conflict: (field: string, value: number, stored: number, time: number) =>
    rejectDetail('conflict', `${field} is ${value} at ${shownTime(time)}, where ${stored} is stored`),
  bootReused: (boot: number, seq: number, time: number) =>
    rejectDetail('boot_reused', `boot ${boot} seq ${seq} at ${shownTime(time)} is not the reading that came first`),
  columnLimit: (names: readonly string[]) =>
    rejectDetail('column_limit', `the reading has ${names.length} fields, some of them new`),
  quota: (readingsPerS: number) => rejectDetail('quota', `more than ${readingsPerS} readings a second`),
}

const shownTime = (time: number): string => new Date(time).toISOString()
