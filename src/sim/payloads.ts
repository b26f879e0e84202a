import type { AckBody } from './command-memory.ts'
import type { RingRecord } from './ring.ts'
import type { Sample, SensorDeclaration } from './signals.ts'

/** The messages of a node as text (wire contract §2, §4, §5). Times come in Unix ms and go out in seconds. */

/** A reading's own members, without braces: the same text stands in a live message and in a batch. */
export function readingBody(timestampMs: number, sample: Sample, uptimeS: number): string {
  return `"timestamp":${timestampMs / 1_000},"sensors":${JSON.stringify(sample.sensors)},"wifi_rssi":${sample.rssi},"uptime":${uptimeS}`
}

type Oldest = { readonly boot: number; readonly seq: number }

const head = (id: string, first: RingRecord, oldest: Oldest): string =>
  `{"node_id":"node_${id}","boot":${first.boot},"seq":${first.seq},"oldest":{"boot":${oldest.boot},"seq":${oldest.seq}}`

export const liveText = (id: string, record: RingRecord, oldest: Oldest): string => `${head(id, record, oldest)},${record.body}}`

export const batchText = (id: string, records: readonly RingRecord[], oldest: Oldest): string =>
  `${head(id, records[0]!, oldest)},"readings":[${records.map(r => `{${r.body}}`).join(',')}]}`

export const ackText = (id: string, ack: AckBody, wallMs: number): string =>
  JSON.stringify({
    node_id: `node_${id}`,
    ...(ack.id !== null && { id: ack.id }),
    command: ack.command,
    state: ack.state,
    timestamp: wallMs / 1_000,
    ...(ack.result !== undefined && { result: ack.result }),
    ...(ack.error && { error: ack.error }),
  })

export interface StatusFacts {
  readonly timestampMs: number
  readonly boot: number
  readonly intervalS: number
  readonly uptimeS: number
  readonly rssi: number
  readonly firmware: string
  readonly resetReason: string
  readonly backlog: number
  readonly dropped: number
  readonly keep: 'puback' | 'receipt'
  readonly configRev: number
  readonly sensors: readonly SensorDeclaration[]
  readonly outputs: readonly string[]
}

export const statusText = (id: string, s: StatusFacts): string =>
  JSON.stringify({
    node_id: `node_${id}`,
    online: true,
    timestamp: s.timestampMs / 1_000,
    boot: s.boot,
    interval: s.intervalS,
    uptime: s.uptimeS,
    wifi_rssi: s.rssi,
    board: 'virtual',
    virtual: true,
    firmware: { version: s.firmware, slot: 'a', confirmed: true },
    reset_reason: s.resetReason,
    backlog: s.backlog,
    dropped: s.dropped,
    dropped_undatable: 0,
    keep: s.keep,
    caps: ['dedupe'],
    config_rev: s.configRev,
    sensors: s.sensors,
    outputs: s.outputs.map(name => ({ name })),
  })

export const willText = (id: string, boot: number): string => JSON.stringify({ node_id: `node_${id}`, online: false, boot })

/** Last words: like the will, with a reason when it is a planned absence. */
export const goodbyeText = (id: string, boot: number, reason: 'reboot' | null): string =>
  JSON.stringify({ node_id: `node_${id}`, online: false, boot, ...(reason && { reason }) })
