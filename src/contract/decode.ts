import { rejectDetail } from './codes.ts'
import { type Envelope, judgeEnvelope } from './decode-envelope.ts'
import { parseObject } from './decode-json.ts'
import { countUnknownReadingKeys, judgeReading, type Reading, type ReadingReason } from './decode-reading.ts'
import { limits } from './limits.ts'
import { nodeIdFault } from './node-id.ts'
import { readingExtents } from './reading-text.ts'
import { type MessageReject, type Refused, refused } from './refused.ts'

export { type DecodedCommand, decodeCommand, decodeReceipts } from './decode-for-node.ts'
export { decodeAck, decodeLog, decodeStatus } from './decode-messages.ts'
export type { MessageReject, ReadingReason, Refused }

/** The reference decoder of telemetry (wire contract §2): bytes in, readings or reasons out; any bytes, never a throw. It knows
 *  nothing of other messages: what needs memory (boot_reused, conflict, column_limit, quota …) is judged by the lane.
 *  Held by contract/vectors; ingest/decode-fast.ts gives the same answers. */
export interface TelemetryContext {
  /** The id in the topic, e.g. `01`. */
  readonly topicNode: string
  /** Wall clock, Unix ms. */
  readonly now: number
  /** The wall clock is not believed: no future window (§8). */
  readonly clockSuspect: boolean
}

export interface DecodedReading {
  /** Its place in the batch; 0 for a single reading. Its seq is `firstSeq + index`. */
  readonly index: number
  /** Unix ms, or null: the lane dates it by its arrival. */
  readonly time: number | null
  /** Sensors in the order of the JSON, then wifi_rssi, uptime. Empty: every sensor was null, the reading makes no point. */
  readonly names: readonly string[]
  readonly values: readonly number[]
}

/** The readings of one message that are rejected for one reason. */
export interface ReadingsReject {
  readonly reason: ReadingReason
  /** About the first of them. */
  readonly detail: string
  /** Their places, rising; [0] for a single reading. */
  readonly indices: readonly number[]
  /** The first `limits.rejectRawBytes` of the first one's own text; of a single reading: of the message. */
  readonly raw: Uint8Array
  readonly truncated: boolean
}

export interface TelemetryMessage {
  readonly ok: true
  readonly node: string
  readonly boot: number | null
  /** Of the message's first reading, null without boot. */
  readonly firstSeq: number | null
  readonly oldest: { readonly boot: number; readonly seq: number } | null
  /** The batch form: then rejects carry `indices`. */
  readonly batch: boolean
  /** Keys nobody knows: of the envelope and, in a batch, of accepted readings. */
  readonly ignoredKeys: number
  /** Sensors that said null in accepted readings. */
  readonly nullValues: number
  /** The accepted ones, in order. */
  readonly readings: readonly DecodedReading[]
  /** In the order in which the reasons were met. Every reading is either in `readings` or in one of these. */
  readonly rejects: readonly ReadingsReject[]
}

export type DecodedTelemetry = Refused | TelemetryMessage

export function decodeTelemetry(payload: Uint8Array, context: TelemetryContext): DecodedTelemetry {
  const parsed = parseObject(payload, limits.telemetryBytes)
  if (!parsed.ok) return refused(parsed.reason, parsed.got)
  const object = parsed.object
  const stranger = nodeIdFault(object, context.topicNode)
  if (stranger) return stranger
  const envelope = judgeEnvelope(object)
  if (!envelope.ok) return envelope
  return judgeReadings(payload, object, envelope, context)
}

function judgeReadings(payload: Uint8Array, object: Reading, envelope: Envelope, context: TelemetryContext): TelemetryMessage {
  const { batch } = envelope
  const readingContext = {
    now: context.now,
    clockSuspect: context.clockSuspect,
    needsTime: batch !== null || envelope.boot !== null,
  }
  const readings: DecodedReading[] = []
  const faults = new Map<ReadingReason, { got: string; indices: number[] }>()
  let nullValues = 0
  let ignoredKeys = countUnknownKeys(object)
  const entries = batch ?? [object]
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!
    const judged = judgeReading(entry, readingContext)
    if (judged.ok) {
      readings.push({ index, time: judged.time, names: judged.names, values: judged.values })
      nullValues += judged.nullValues
      if (batch) ignoredKeys += countUnknownReadingKeys(entry)
    } else {
      const same = faults.get(judged.reason)
      if (same) same.indices.push(index)
      else faults.set(judged.reason, { got: batch ? `readings[${index}]: ${judged.got}` : judged.got, indices: [index] })
    }
  }
  return {
    ok: true,
    node: context.topicNode,
    boot: envelope.boot,
    firstSeq: envelope.firstSeq,
    oldest: envelope.oldest,
    batch: batch !== null,
    ignoredKeys,
    nullValues,
    readings,
    rejects: withRawText(payload, batch !== null, faults),
  }
}

function withRawText(
  payload: Uint8Array,
  batch: boolean,
  faults: ReadonlyMap<ReadingReason, { got: string; indices: number[] }>,
): ReadingsReject[] {
  if (faults.size === 0) return []
  const extents = batch ? readingExtents(payload) : [{ start: 0, end: payload.length }]
  const rejects: ReadingsReject[] = []
  for (const [reason, { got, indices }] of faults) {
    const { start, end } = extents[indices[0]!]!
    // A copy: the payload may be a view into the socket's buffer.
    const raw = new Uint8Array(payload.subarray(start, Math.min(end, start + limits.rejectRawBytes)))
    rejects.push({ reason, detail: rejectDetail(reason, got), indices, raw, truncated: raw.length < end - start })
  }
  return rejects
}

const envelopeKeys: ReadonlySet<string> = new Set([
  'node_id',
  'timestamp',
  'sensors',
  'wifi_rssi',
  'uptime',
  'boot',
  'seq',
  'oldest',
  'readings',
])

function countUnknownKeys(object: Reading): number {
  let unknown = 0
  for (const key in object) if (!envelopeKeys.has(key)) unknown++
  return unknown
}
