import { limits } from './limits.ts'
import type { Ack, BrokerStats, BrokerStatus, Command, Receipt, Sensors, Status } from './schemas.ts'

/** Every message as bytes, for the manager, the virtual nodes and tests (wire contract §2–§7). What these encoders write, decode.ts
 *  reads back as it was. Numbers are written by JSON.stringify: the shortest digits that give the same double. */

export interface ReadingToSend {
  /** Unix ms, a whole number; null: the manager dates it by its arrival. */
  readonly timeMs: number | null
  readonly sensors: Sensors
  readonly wifiRssi?: number | null
  readonly uptimeS?: number | null
}

/** A reading as a ring keeps it. */
export interface NumberedReading {
  readonly boot: number
  readonly seq: number
  /** Of `readingBody`. */
  readonly body: string
}

export interface Oldest {
  readonly boot: number
  readonly seq: number
}

/** The members of a reading without braces. A ring keeps this text, and live message and backlog are cut from it: what was sent
 *  once never changes, to the last digit (§2). */
export function readingBody(reading: ReadingToSend): string {
  return JSON.stringify({
    timestamp: reading.timeMs === null ? undefined : reading.timeMs / 1000,
    sensors: reading.sensors,
    wifi_rssi: reading.wifiRssi ?? undefined,
    uptime: reading.uptimeS ?? undefined,
  }).slice(1, -1)
}

/** One reading without boot and seq: what a ten-line sketch sends. */
export const encodePlainTelemetry = (id: string, reading: ReadingToSend): Uint8Array =>
  utf8.encode(`{${nodeIdMember(id)},${readingBody(reading)}}`)

/** One reading, live. */
export const encodeTelemetry = (id: string, reading: NumberedReading, oldest?: Oldest): Uint8Array =>
  utf8.encode(`{${head(id, reading, oldest)},${reading.body}}`)

/** The readings must be of one boot and without a hole: `batchLength` says how many are. */
export const encodeBatch = (id: string, readings: readonly NumberedReading[], oldest?: Oldest): Uint8Array =>
  utf8.encode(`{${head(id, readings[0]!, oldest)},"readings":[${readings.map(reading => `{${reading.body}}`).join(',')}]}`)

/** Room for node_id, boot, seq, oldest and the brackets, with the longest of each. */
const batchHeadBytes = 192

/** How many readings from `start` on fit one batch: one boot, no hole, within the limits of count and bytes; at least 1. */
export function batchLength(readings: readonly NumberedReading[], start = 0, maxBytes: number = limits.telemetryBytes): number {
  const first = readings[start]!
  let bytes = batchHeadBytes
  let length = 0
  while (start + length < readings.length && length < limits.readings) {
    const { boot, seq, body } = readings[start + length]!
    if (boot !== first.boot || seq !== first.seq + length) break
    bytes += utf8.encode(body).length + 3 // braces and comma
    if (bytes > maxBytes) break
    length++
  }
  return Math.max(1, length)
}

const head = (id: string, first: NumberedReading, oldest: Oldest | undefined): string =>
  `${nodeIdMember(id)},"boot":${first.boot},"seq":${first.seq}${oldest ? `,"oldest":{"boot":${oldest.boot},"seq":${oldest.seq}}` : ''}`

const nodeIdMember = (id: string): string => `"node_id":"node_${id}"`

export const encodeStatus = (id: string, status: Omit<Status, 'node_id'>): Uint8Array =>
  bounded({ node_id: `node_${id}`, ...status }, limits.statusBytes)

/** The last will: QoS 1, retained (§4). */
export const encodeWill = (id: string, boot: number): Uint8Array => encodeStatus(id, { online: false, boot })

export const encodeAck = (id: string, ack: Omit<Ack, 'node_id'>): Uint8Array =>
  bounded({ node_id: `node_${id}`, ...ack }, limits.ackBytes)

/** Of the manager: with `id` and `expires` (Unix seconds). Longer than `limits.commandBytes` if its params are: the caller refuses it
 *  (HTTP 413). A resend must be byte-identical: keep the bytes, or encode the same values. */
export const encodeCommand = ({ id, command, params, expires }: Required<Command>): Uint8Array =>
  utf8.encode(JSON.stringify({ id, command, params, expires }))

/** Newest boot first, at most `limits.receiptEntries`. Eight full entries would not fit: then the oldest boots lose their optional
 *  `rejected`. */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  if (receipts.length === 0 || receipts.length > limits.receiptEntries) {
    throw new RangeError(`a receipt has 1 to ${limits.receiptEntries} entries, not ${receipts.length}`)
  }
  const entries = receipts.map(({ boot, seq, seen, rejected }) => ({ boot, seq, seen, rejected }))
  let text = JSON.stringify({ receipts: entries })
  for (let i = entries.length - 1; text.length > limits.receiptBytes && i >= 0; i--) {
    entries[i]!.rejected = undefined
    text = JSON.stringify({ receipts: entries })
  }
  return utf8.encode(text)
}

export const encodeBrokerStatus = (status: BrokerStatus): Uint8Array => bounded(status, limits.brokerStatusBytes)

export const encodeBrokerStats = (stats: BrokerStats): Uint8Array => bounded(stats, limits.brokerStatusBytes)

const utf8 = new TextEncoder()

/** A message of ours that is too long is a bug of ours. */
function bounded(message: object, maxBytes: number): Uint8Array {
  const bytes = utf8.encode(JSON.stringify(message))
  if (bytes.length > maxBytes) throw new RangeError(`a message of ${bytes.length} bytes, ${maxBytes} are allowed`)
  return bytes
}
