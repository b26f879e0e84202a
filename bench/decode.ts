import { decodeTelemetry } from '../src/contract/decode.ts'
import { decode, decodeFast } from '../src/ingest/decode-fast.ts'

/** Telemetry to readings, in millions of messages a second of CPU: the fast decoder beside the reference decoder, and both beside the
 *  limit of anything that asks JSON.parse, which has judged nothing yet. Medians of five rounds. */
const utf8 = new TextEncoder()
const ids = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, '0'))
const now = 1_704_944_800_000

const messages = (body: (i: number) => object): Uint8Array[] =>
  ids.map((id, i) => utf8.encode(JSON.stringify({ node_id: `node_${id}`, ...body(i) })))

const tenths = (value: number): number => Math.round(value * 10) / 10

const shapes: Record<string, { readings: number; payloads: Uint8Array[] }> = {
  "the contract's example": {
    readings: 1,
    payloads: messages(i => ({
      timestamp: 1_704_844_800 + i,
      sensors: { temperature: tenths(22.5 + i / 10), humidity: 45.2 },
      wifi_rssi: -65,
      uptime: 3600 + i,
    })),
  },
  'as our nodes send it (5 sensors, boot, seq, oldest)': {
    readings: 1,
    payloads: messages(i => ({
      boot: 3_123_123_123,
      seq: i + 3,
      oldest: { boot: 3_123_123_123, seq: i },
      timestamp: (1_704_844_800_123 + i) / 1000,
      sensors: { temperature: tenths(22.5 + i / 10), humidity: 45.2, pressure: 1013.25, co2: 412, door: true },
      wifi_rssi: -65,
      uptime: 3600 + i,
    })),
  },
  'backlog of 64 readings': {
    readings: 64,
    payloads: messages(i => ({
      boot: 7,
      seq: 64 * i,
      readings: Array.from({ length: 64 }, (_, j) => ({
        timestamp: 1_704_844_800 + 64 * i + j,
        sensors: { temperature: tenths(22.5 + j / 10), humidity: 45.2 },
        wifi_rssi: -65,
        uptime: 3600 + j,
      })),
    })),
  },
}

export async function bench(): Promise<void> {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const ways: Record<string, (payload: Uint8Array, i: number) => unknown> = {
    'JSON.parse alone': payload => JSON.parse(text.decode(payload)),
    reference: (payload, i) => decodeTelemetry(payload, contexts[i]!),
    fast: (payload, i) => decode(payload, contexts[i]!),
  }
  const contexts = ids.map(topicNode => ({ topicNode, now, clockSuspect: false }))
  const table = []
  for (const [shape, { readings, payloads }] of Object.entries(shapes)) {
    if (payloads.some((payload, i) => !decodeFast(payload, contexts[i]!)))
      throw new Error(`${shape}: not read by the fast decoder`)
    const bytes = Math.round(payloads.reduce((sum, payload) => sum + payload.length, 0) / payloads.length)
    const rates = Object.entries(ways).map(([way, work]) => [way, rate(payloads, Math.ceil(200 / readings), work)] as const)
    const shown = rates.map(([way, value]) => [`${way}, M/s`, Math.round(value * 1000) / 1000])
    table.push({ shape, bytes, ...Object.fromEntries(shown), 'fast : JSON.parse': tenths(rates[2]![1] / rates[0]![1]) })
  }
  console.table(table)
}

function rate(payloads: readonly Uint8Array[], rounds: number, work: (payload: Uint8Array, i: number) => unknown): number {
  const rates = []
  for (let run = 0; run < 6; run++) {
    const before = process.cpuUsage()
    for (let r = 0; r < rounds; r++) for (let i = 0; i < payloads.length; i++) work(payloads[i]!, i)
    const { user } = process.cpuUsage(before)
    if (run > 0) rates.push((rounds * payloads.length) / user)
  }
  return rates.sort((a, b) => a - b)[2]!
}
