import type { RejectReason } from './codes.ts'
import { parseObject, textOf } from './decode-json.ts'
import { firstFault, withoutNulls } from './fault.ts'
import { limits } from './limits.ts'
import { nodeIdFault } from './node-id.ts'
import { type Refused, refused } from './refused.ts'
import { Ack, Log, Status } from './schemas.ts'

/** The reference decoders of what nodes send besides telemetry (wire contract §1, §4, §5). Any bytes, never a throw. */
export type DecodedStatus = { readonly ok: true; readonly status: Status | null } | Refused
export type DecodedAck = { readonly ok: true; readonly ack: Ack } | Refused

/** `status` null: the retained status was cleared by an empty retained payload. Unknown keys are kept; an optional key that holds
 *  null is left out. Faults of node_id keep their reasons, every other is `bad_status`. */
export function decodeStatus(payload: Uint8Array, context: { topicNode: string; retained: boolean }): DecodedStatus {
  if (payload.length === 0 && context.retained) return { ok: true, status: null }
  const decoded = decodeShape(payload, context.topicNode, Status, limits.statusBytes, 'bad_status')
  return decoded.ok ? { ok: true, status: decoded.value as Status } : decoded
}

/** As decodeStatus; every fault but node_id's is `bad_ack`. */
export function decodeAck(payload: Uint8Array, context: { topicNode: string }): DecodedAck {
  const decoded = decodeShape(payload, context.topicNode, Ack, limits.ackBytes, 'bad_ack')
  return decoded.ok ? { ok: true, ack: decoded.value as Ack } : decoded
}

function decodeShape(
  payload: Uint8Array,
  topicNode: string,
  schema: typeof Status | typeof Ack,
  maxBytes: number,
  reason: RejectReason,
): { ok: true; value: unknown } | Refused {
  const parsed = parseObject(payload, maxBytes)
  if (!parsed.ok) return refused(reason, parsed.got)
  const stranger = nodeIdFault(parsed.object, topicNode)
  if (stranger) return stranger
  const value = withoutNulls(schema, parsed.object)
  const fault = firstFault(schema, value)
  return fault ? refused(reason, `${fault.path} is ${fault.got}`, fault.allowed) : { ok: true, value }
}

export interface DecodedLog {
  /** null: plain text. */
  readonly level: string | null
  readonly msg: string
  /** Unix seconds as sent, or null. */
  readonly timestamp: number | null
  readonly truncated: boolean
}

/** A log line is never a reject: what is not our JSON is plain text, what is not UTF-8 is shown with replacement characters, what
 *  is longer than the contract allows is cut. */
export function decodeLog(payload: Uint8Array): DecodedLog {
  const truncated = payload.length > limits.logBytes
  const text = truncated ? null : textOf(payload)
  const log = text === null ? null : parseLog(text)
  if (log) return { level: log.level, msg: log.msg, timestamp: log.timestamp ?? null, truncated }
  return { level: null, msg: new TextDecoder().decode(payload.subarray(0, limits.logBytes)), timestamp: null, truncated }
}

function parseLog(text: string): Log | null {
  try {
    const value = withoutNulls(Log, JSON.parse(text))
    return firstFault(Log, value) === null ? (value as Log) : null
  } catch {
    return null
  }
}
