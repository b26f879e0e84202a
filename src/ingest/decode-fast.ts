import {
  type DecodedReading,
  type DecodedTelemetry,
  decodeTelemetry,
  type TelemetryContext,
  type TelemetryMessage,
} from '../contract/decode.ts'
import { limits } from '../contract/limits.ts'
import { emptyShape, type Shape } from './shapes.ts'

/** The telemetry every node sends, good and in its usual form, read byte by byte without JSON.parse. Ugly on purpose (bench/decode).
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

const space = 0x20
const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const colon = 0x3a
const openList = 0x5b
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

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

/** Where the value or key that was read last ended. */
let end = 0

function skipSpace(bytes: Uint8Array, at: number): number {
  let p = at
  while (bytes[p]! <= space && (bytes[p] === space || bytes[p] === 0x0a || bytes[p] === 0x0d || bytes[p] === 0x09)) p++
  return p
}

const unknownKey = 0
const nodeIdKey = 1
const timestampKey = 2
const sensorsKey = 4
const rssiKey = 8
const uptimeKey = 16
const bootKey = 32
const seqKey = 64
const oldestKey = 128
const readingsKey = 256

const ascii = (text: string): Uint8Array => new TextEncoder().encode(`${text}"`)
const nodeIdBytes = ascii('node_id')
const timestampBytes = ascii('timestamp')
const sensorsBytes = ascii('sensors')
const rssiBytes = ascii('wifi_rssi')
const uptimeBytes = ascii('uptime')
const bootBytes = ascii('boot')
const seqBytes = ascii('seq')
const oldestBytes = ascii('oldest')
const readingsBytes = ascii('readings')

function keyAt(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x6e:
      return isAt(bytes, at, nodeIdBytes) ? nodeIdKey : unknownKey
    case 0x74:
      return isAt(bytes, at, timestampBytes) ? timestampKey : unknownKey
    case 0x73:
      return isAt(bytes, at, sensorsBytes) ? sensorsKey : isAt(bytes, at, seqBytes) ? seqKey : unknownKey
    case 0x77:
      return isAt(bytes, at, rssiBytes) ? rssiKey : unknownKey
    case 0x75:
      return isAt(bytes, at, uptimeBytes) ? uptimeKey : unknownKey
    case 0x62:
      return isAt(bytes, at, bootBytes) ? bootKey : unknownKey
    case 0x6f:
      return isAt(bytes, at, oldestBytes) ? oldestKey : unknownKey
    case 0x72:
      return isAt(bytes, at, readingsBytes) ? readingsKey : unknownKey
    default:
      return unknownKey
  }
}

function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  const length = wanted.length
  for (let i = 0; i < length; i++) if (bytes[at + i] !== wanted[i]) return false
  end = at + length
  return true
}

/** `"node_` and the id of the topic, which is ASCII. */
function isNodeId(bytes: Uint8Array, at: number, node: string): boolean {
  if (bytes[at] !== quote || bytes[at + 1] !== 0x6e || bytes[at + 2] !== 0x6f || bytes[at + 3] !== 0x64) return false
  if (bytes[at + 4] !== 0x65 || bytes[at + 5] !== 0x5f) return false
  const from = at + 6
  for (let i = 0; i < node.length; i++) if (bytes[from + i] !== node.charCodeAt(i)) return false
  if (bytes[from + node.length] !== quote) return false
  end = from + node.length + 1
  return true
}

/** Powers of ten that are exact doubles: a whole number up to 2^53 divided by one is rounded once, as JSON.parse would. */
const powers = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** NaN: not a plain decimal number, or too long for one exact division. */
function numberAt(bytes: Uint8Array, at: number): number {
  let p = at
  const negative = bytes[p] === minus
  if (negative) p++
  let digit = bytes[p]! - 48
  if (!(digit >= 0 && digit <= 9)) return Number.NaN
  let mantissa = digit
  const leadingZero = digit === 0
  const first = p
  digit = bytes[++p]! - 48
  while (digit >= 0 && digit <= 9) {
    mantissa = mantissa * 10 + digit
    digit = bytes[++p]! - 48
  }
  if (leadingZero && p - first > 1) return Number.NaN
  let places = 0
  if (bytes[p] === point) {
    const from = p + 1
    digit = bytes[++p]! - 48
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit
      digit = bytes[++p]! - 48
    }
    places = p - from
    if (places === 0) return Number.NaN
  }
  // 15 digits are below 2^53. An exponent is left to JSON.parse.
  if (p - first > 16 || bytes[p] === 0x65 || bytes[p] === 0x45) return Number.NaN
  end = p
  if (mantissa === 0) return 0
  if (mantissa > 9_007_199_254_740_991) return Number.NaN
  const value = places === 0 ? mantissa : mantissa / powers[places]!
  return negative ? -value : value
}

/** -1: none. */
function uint32At(bytes: Uint8Array, at: number): number {
  const value = numberAt(bytes, at)
  return value >= 0 && value <= limits.uint32Max && Math.floor(value) === value ? value : -1
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
  end = p + 1
  return shape
}

const trueBytes = new TextEncoder().encode('true')
const falseBytes = new TextEncoder().encode('false')

/** -1: neither. */
function booleanAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 0x74) return isAt(bytes, at, trueBytes) ? 1 : -1
  return bytes[at] === 0x66 && isAt(bytes, at, falseBytes) ? 0 : -1
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
  end = p + 1
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
  end = p + 1
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
  end = p + 1
  const hasRssi = (seen & rssiKey) !== 0
  const hasUptime = (seen & uptimeKey) !== 0
  let count = shape.depth
  if (hasRssi) scratch[count++] = rssi
  if (hasUptime) scratch[count++] = uptime
  return { index, time, names: shape.names(hasRssi, hasUptime), values: scratched(count) }
}

const readingKeys = timestampKey | sensorsKey | rssiKey | uptimeKey
