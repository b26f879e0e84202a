import {
  type DecodedReading,
  type DecodedTelemetry,
  decodeTelemetry,
  type TelemetryContext,
  type TelemetryMessage,
} from '../contract/decode.ts'
import { limits } from '../contract/limits.ts'
import {
  booleanAt,
  bootKey,
  closeList,
  closeObject,
  colon,
  comma,
  end,
  isNodeId,
  keyAt,
  moveEnd,
  nodeIdKey,
  numberAt,
  oldestKey,
  openList,
  openObject,
  quote,
  readingsKey,
  rssiKey,
  sensorsKey,
  seqKey,
  skipSpace,
  space,
  timestampKey,
  uint32At,
  unknownKey,
  uptimeKey,
} from './decode-fast-scan.ts'
import { emptyShape, type Shape } from './shapes.ts'

/** The telemetry every node sends, good and in its usual form, read byte by byte without JSON.parse. Ugly on purpose: 3.3 against
 *  0.3 M messages/s of the reference and 1.2 of JSON.parse alone (bench/decode, the contract's example, a machine busy with more).
 *  Promise: the same answer as contract/decode.ts, or `undefined`, and then that one decides: whatever is rejected, null, unknown,
 *  repeated, escaped, or a number that needs more than one exact division.
 *  Held by: contract/vectors, decode-fast.property.test.ts. */
export function decodeFast(bytes: Uint8Array, context: TelemetryContext): TelemetryMessage | undefined {
  if (bytes.length > limits.telemetryBytes) return undefined
  let p = skipSpace(bytes, 0)
  if (bytes[p] !== openObject) return undefined
  let seen = 0
  let time: number | null = null
  let shape: Shape | null = null
  let rssi = 0
  let uptime = 0
  let boot: number | null = null
  let seq: number | null = null
  let oldest: TelemetryMessage['oldest'] = null
  let readings: DecodedReading[] | null = null
  do {
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== quote) return undefined
    const key = keyAt(bytes, ++p)
    if (key === unknownKey || (seen & key) !== 0) return undefined
    seen |= key
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== colon) return undefined
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    switch (key) {
      case nodeIdKey:
        if (!isNodeId(bytes, p, context.topicNode)) return undefined
        break
      case timestampKey:
        time = timeAt(bytes, p, context)
        if (time === noTime) return undefined
        break
      case sensorsKey:
        shape = sensorsAt(bytes, p)
        if (shape === null) return undefined
        break
      case rssiKey:
        rssi = numberAt(bytes, p)
        if (Number.isNaN(rssi)) return undefined
        break
      case uptimeKey:
        uptime = numberAt(bytes, p)
        if (Number.isNaN(uptime)) return undefined
        break
      case bootKey:
        boot = uint32At(bytes, p)
        if (boot < 0) return undefined
        break
      case seqKey:
        seq = uint32At(bytes, p)
        if (seq < 0) return undefined
        break
      case oldestKey:
        oldest = oldestAt(bytes, p)
        if (oldest === null) return undefined
        break
      case readingsKey:
        readings = readingsAt(bytes, p, context)
        if (readings === null) return undefined
        break
    }
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
  } while (bytes[p] === comma)
  if (bytes[p] !== closeObject || skipSpace(bytes, p + 1) !== bytes.length) return undefined

  if ((seen & nodeIdKey) === 0 || (boot === null) !== (seq === null)) return undefined
  if (oldest !== null && (boot === null || (oldest.boot === boot && oldest.seq > seq!))) return undefined
  if (readings !== null) {
    // Top-level wifi_rssi and uptime of a batch are not stored.
    if ((seen & (timestampKey | sensorsKey)) !== 0) return undefined
    if (seq !== null && seq + readings.length - 1 > limits.uint32Max) return undefined
    return accepted(context.topicNode, boot, seq, oldest, true, readings)
  }
  if (shape === null || (time === null && boot !== null)) return undefined
  const hasRssi = (seen & rssiKey) !== 0
  const hasUptime = (seen & uptimeKey) !== 0
  let count = shape.depth
  if (hasRssi) scratch[count++] = rssi
  if (hasUptime) scratch[count++] = uptime
  return accepted(context.topicNode, boot, seq, oldest, false, [
    { index: 0, time, names: shape.names(hasRssi, hasUptime), values: scratched(count) },
  ])
}

/** The fast way where it answers, the reference where it does not. */
export function decode(payload: Uint8Array, context: TelemetryContext): DecodedTelemetry {
  return decodeFast(payload, context) ?? decodeTelemetry(payload, context)
}

function accepted(
  node: string,
  boot: number | null,
  firstSeq: number | null,
  oldest: TelemetryMessage['oldest'],
  batch: boolean,
  readings: DecodedReading[],
): TelemetryMessage {
  return { ok: true, node, boot, firstSeq, oldest, batch, ignoredKeys: 0, nullValues: 0, readings, rejects: noRejects }
}

const noRejects: TelemetryMessage['rejects'] = []

const scratch = new Float64Array(limits.sensors + 2)

/** The first values of `scratch` as a list of just that length: a literal is made in one piece, a list that grows is not. */
function scratched(count: number): number[] {
  const s = scratch
  switch (count) {
    case 1:
      return [s[0]!]
    case 2:
      return [s[0]!, s[1]!]
    case 3:
      return [s[0]!, s[1]!, s[2]!]
    case 4:
      return [s[0]!, s[1]!, s[2]!, s[3]!]
    case 5:
      return [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!]
    case 6:
      return [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!]
    case 7:
      return [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!, s[6]!]
    case 8:
      return [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!, s[6]!, s[7]!]
    default:
      return Array.from(s.subarray(0, count))
  }
}

/** No time before 1970 is allowed, so this is none. */
const noTime = -1

function timeAt(bytes: Uint8Array, at: number, context: TelemetryContext): number {
  const timestamp = numberAt(bytes, at)
  if (!(timestamp < limits.timestampMsFrom)) return noTime
  const time = Math.round(timestamp * 1000)
  if (time < limits.oldestTimestampS * 1000) return noTime
  if (time - context.now > limits.futureS * 1000 && !context.clockSuspect) return noTime
  return time
}

/** The values go to `scratch`. */
function sensorsAt(bytes: Uint8Array, at: number): Shape | null {
  if (bytes[at] !== openObject) return null
  let shape: Shape | null = emptyShape
  let p = at
  do {
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== quote) return null
    shape = shape.step(bytes, p + 1)
    if (shape === null) return null
    if (bytes[(p += shape.bytes.length + 2)]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== colon) return null
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    let value = numberAt(bytes, p)
    if (Number.isNaN(value)) {
      value = booleanAt(bytes, p)
      if (value < 0) return null
    }
    scratch[shape.depth - 1] = value
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
  } while (bytes[p] === comma)
  if (bytes[p] !== closeObject) return null
  moveEnd(p + 1)
  return shape
}

function oldestAt(bytes: Uint8Array, at: number): TelemetryMessage['oldest'] {
  if (bytes[at] !== openObject) return null
  let boot = -1
  let seq = -1
  let p = at
  do {
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== quote) return null
    const key = keyAt(bytes, p + 1)
    if (key !== bootKey && key !== seqKey) return null
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== colon) return null
    const value = uint32At(bytes, skipSpace(bytes, p + 1))
    if (value < 0 || (key === bootKey ? boot : seq) >= 0) return null
    if (key === bootKey) boot = value
    else seq = value
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
  } while (bytes[p] === comma)
  if (bytes[p] !== closeObject || boot < 0 || seq < 0) return null
  moveEnd(p + 1)
  return { boot, seq }
}

function readingsAt(bytes: Uint8Array, at: number, context: TelemetryContext): DecodedReading[] | null {
  if (bytes[at] !== openList) return null
  const readings: DecodedReading[] = []
  let p = at
  do {
    if (readings.length === limits.readings) return null
    const reading = readingAt(bytes, skipSpace(bytes, p + 1), readings.length, context)
    if (reading === null) return null
    readings.push(reading)
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
  } while (bytes[p] === comma)
  if (bytes[p] !== closeList) return null
  moveEnd(p + 1)
  return readings
}

function readingAt(bytes: Uint8Array, at: number, index: number, context: TelemetryContext): DecodedReading | null {
  if (bytes[at] !== openObject) return null
  let seen = 0
  let time = noTime
  let shape: Shape | null = null
  let rssi = 0
  let uptime = 0
  let p = at
  do {
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== quote) return null
    const key = keyAt(bytes, p + 1)
    if ((key & readingKeys) === 0 || (seen & key) !== 0) return null
    seen |= key
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
    if (bytes[p] !== colon) return null
    if (bytes[++p]! <= space) p = skipSpace(bytes, p)
    switch (key) {
      case timestampKey:
        time = timeAt(bytes, p, context)
        if (time === noTime) return null
        break
      case sensorsKey:
        shape = sensorsAt(bytes, p)
        if (shape === null) return null
        break
      case rssiKey:
        rssi = numberAt(bytes, p)
        if (Number.isNaN(rssi)) return null
        break
      case uptimeKey:
        uptime = numberAt(bytes, p)
        if (Number.isNaN(uptime)) return null
        break
    }
    if (bytes[(p = end)]! <= space) p = skipSpace(bytes, p)
  } while (bytes[p] === comma)
  if (bytes[p] !== closeObject || time === noTime || shape === null) return null
  moveEnd(p + 1)
  const hasRssi = (seen & rssiKey) !== 0
  const hasUptime = (seen & uptimeKey) !== 0
  let count = shape.depth
  if (hasRssi) scratch[count++] = rssi
  if (hasUptime) scratch[count++] = uptime
  return { index, time, names: shape.names(hasRssi, hasUptime), values: scratched(count) }
}

const readingKeys = timestampKey | sensorsKey | rssiKey | uptimeKey
