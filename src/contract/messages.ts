import type { TSchema } from 'typebox'
import { limits } from './limits.ts'
import * as schemas from './schemas.ts'

/** Every topic of the wire contract §1 with what it carries: the reference and the JSON Schemas are made of it. */
export interface MessageKind {
  /** File name of its schema and title of its chapter. */
  readonly name: string
  /** `{id}` stands for a node. */
  readonly topic: string
  readonly publisher: string
  readonly qos: string
  readonly retained: string
  readonly maxBytes: number
  readonly schema: TSchema
  readonly about: string
  readonly example: unknown
}

const nodeId = 'node_01'
const boot = 3_405_691_582
const commandId = '01J0000000000000000000000A'

export const messageKinds: readonly MessageKind[] = [
  {
    name: 'telemetry',
    topic: 'iot/node/{id}/telemetry',
    publisher: 'node',
    qos: '1 (0 is accepted)',
    retained: 'no',
    maxBytes: limits.telemetryBytes,
    schema: schemas.Telemetry,
    about: 'Readings, one or a batch. Each is judged by itself; what is not stored is kept as a reject with its reason.',
    example: {
      node_id: nodeId,
      timestamp: 1704844800,
      sensors: { temperature: 22.5, humidity: 45.2 },
      wifi_rssi: -65,
      uptime: 3600,
    },
  },
  {
    name: 'status',
    topic: 'iot/node/{id}/status',
    publisher: 'node; also its last will',
    qos: '1',
    retained: 'yes',
    maxBytes: limits.statusBytes,
    schema: schemas.Status,
    about:
      'What a node says of itself: at its birth, every 60 s and when something changes. An empty retained payload clears it.',
    example: { node_id: nodeId, online: true, boot, interval: 10, firmware: { version: '1.0.0', confirmed: true } },
  },
  {
    name: 'ack',
    topic: 'iot/node/{id}/ack',
    publisher: 'node',
    qos: '1',
    retained: 'no',
    maxBytes: limits.ackBytes,
    schema: schemas.Ack,
    about: 'How far a command got. Without id it answers the oldest command of that name that is open.',
    example: { node_id: nodeId, id: commandId, command: 'ping', state: 'done', result: { uptime: 3600 } },
  },
  {
    name: 'log',
    topic: 'iot/node/{id}/log',
    publisher: 'node, if it likes',
    qos: '0',
    retained: 'no',
    maxBytes: limits.logBytes,
    schema: schemas.Log,
    about: 'A line of its log. Anything that is not such an object is taken as plain text.',
    example: { level: 'warn', msg: 'sensor is slow' },
  },
  {
    name: 'command',
    topic: 'iot/node/{id}/command',
    publisher: 'manager',
    qos: '1',
    retained: 'never: a node ignores a retained command',
    maxBytes: limits.commandBytes,
    schema: schemas.Command,
    about: 'What a node shall do. The manager always adds id and expires.',
    example: { id: commandId, command: 'set_led', params: { state: 'on', brightness: 128 }, expires: 1704845100 },
  },
  {
    name: 'receipt',
    topic: 'iot/node/{id}/receipt',
    publisher: 'manager',
    qos: '1',
    retained: 'no',
    maxBytes: limits.receiptBytes,
    schema: schemas.Receipts,
    about: 'What is settled: a node may forget every reading of a boot up to seq. Only for nodes that send boot and seq.',
    example: { receipts: [{ boot, seq: 41, seen: 60, rejected: 1 }] },
  },
  {
    name: 'broker-status',
    topic: 'iot/broker/status',
    publisher: 'manager; also its last will',
    qos: '1',
    retained: 'yes',
    maxBytes: limits.brokerStatusBytes,
    schema: schemas.BrokerStatus,
    about: 'Health of broker and machine, every 10 s. A node may set its clock by a timestamp that is not retained.',
    example: { online: true, receipts: true, timestamp: 1704844800.25, version: '0.1.0', profile: 'embedded', uptime: 60 },
  },
  {
    name: 'broker-stats',
    topic: 'iot/broker/stats',
    publisher: 'manager',
    qos: '0',
    retained: 'no',
    maxBytes: limits.brokerStatusBytes,
    schema: schemas.BrokerStats,
    about: 'Throughput, connections and queues, every 10 s; null where the broker does not tell.',
    example: {
      timestamp: 1704844800.25,
      interval: 10,
      messages_in_s: 3,
      messages_out_s: 6.2,
      bytes_in_s: 420,
      bytes_out_s: 910.5,
      clients: 5,
      subscriptions: 12,
      retained: 4,
      queued: 0,
      inflight: 0,
      dropped_total: 0,
      stored_total: 1800,
      rejected_total: 0,
    },
  },
]
