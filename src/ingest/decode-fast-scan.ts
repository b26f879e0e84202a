import { limits } from '../contract/limits.ts'

/** The small readers of decode-fast.ts: bytes at a place to a key, a number, a boolean. Each leaves in `end` where it stopped, which
 *  saves an object a value. Promise, test and measurement are those of decode-fast.ts. */

export const space = 0x20
export const quote = 0x22
export const comma = 0x2c
const minus = 0x2d
const point = 0x2e
export const colon = 0x3a
export const openList = 0x5b
export const closeList = 0x5d
export const openObject = 0x7b
export const closeObject = 0x7d

/** Where the value or key that was read last ended. */
export let end = 0

/** For the readers of what has parts, in decode-fast.ts. */
export function moveEnd(to: number): void {
  end = to
}

export function skipSpace(bytes: Uint8Array, at: number): number {
  let p = at
  while (bytes[p]! <= space && (bytes[p] === space || bytes[p] === 0x0a || bytes[p] === 0x0d || bytes[p] === 0x09)) p++
  return p
}

export const unknownKey = 0
export const nodeIdKey = 1
export const timestampKey = 2
export const sensorsKey = 4
export const rssiKey = 8
export const uptimeKey = 16
export const bootKey = 32
export const seqKey = 64
export const oldestKey = 128
export const readingsKey = 256

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

export function keyAt(bytes: Uint8Array, at: number): number {
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
export function isNodeId(bytes: Uint8Array, at: number, node: string): boolean {
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
export function numberAt(bytes: Uint8Array, at: number): number {
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
export function uint32At(bytes: Uint8Array, at: number): number {
  const value = numberAt(bytes, at)
  return value >= 0 && value <= limits.uint32Max && Math.floor(value) === value ? value : -1
}

const trueBytes = new TextEncoder().encode('true')
const falseBytes = new TextEncoder().encode('false')

/** -1: neither. */
export function booleanAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 0x74) return isAt(bytes, at, trueBytes) ? 1 : -1
  return bytes[at] === 0x66 && isAt(bytes, at, falseBytes) ? 0 : -1
}
