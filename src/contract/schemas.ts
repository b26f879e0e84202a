import { type Static, type TSchema, Type } from 'typebox'
import { limits } from './limits.ts'
import { reservedNames } from './reserved-names.ts'

/** The shape of every message on the wire (wire contract §2–§7), once: types, contract/schema, docs/reference/wire.md and the
 *  checks come from here. Times are Unix seconds with an optional fraction. Keys that are not listed are allowed and kept. */

const Seconds = Type.Number({ description: 'Unix seconds, fraction allowed' })
const Duration = Type.Number({ minimum: 0, description: 'seconds' })
const Uint32 = Type.Integer({ minimum: 0, maximum: limits.uint32Max })
const Count = Type.Integer({ minimum: 0 })
const Short = Type.String({ maxLength: 64 })
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** `node_` and the id of the topic. */
export const NodeIdField = Type.String({
  pattern: '^node_[A-Za-z0-9][A-Za-z0-9_-]{0,31}$',
  description: '`node_` and the id in the topic',
})

export const sensorNamePattern = '^[a-z][a-z0-9_]{0,31}$'

/** A number, a boolean (stored 1 or 0), or null: the sensor failed. */
export const SensorValue = Type.Union([Type.Number(), Type.Boolean(), Type.Null()])

export const Sensors = Type.Record(Type.String({ pattern: sensorNamePattern }), SensorValue, {
  minProperties: 1,
  maxProperties: limits.sensors,
  additionalProperties: false,
  description: `${limits.sensors} sensors at most; a name is [a-z][a-z0-9_]{0,31}, none of ${reservedNames.join(', ')}`,
})
export type Sensors = Static<typeof Sensors>

const readingExtras = {
  wifi_rssi: Type.Optional(Nullable(Type.Number({ description: 'dBm; null is absent' }))),
  uptime: Type.Optional(Nullable(Type.Number({ description: 'seconds; null is absent' }))),
}

const bootSeq = {
  boot: Type.Optional(
    Type.Integer({ minimum: 0, maximum: limits.uint32Max, description: 'drawn at random at each boot; with seq or not at all' }),
  ),
  seq: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: limits.uint32Max,
      description: '0 at boot, one more a reading; of a batch: its first reading',
    }),
  ),
  oldest: Type.Optional(
    Type.Object({ boot: Uint32, seq: Uint32 }, { description: 'the oldest reading the node still holds; needs boot and seq' }),
  ),
}

/** One reading of a batch. */
export const BatchReading = Type.Object({ timestamp: Seconds, sensors: Sensors, ...readingExtras })
export type BatchReading = Static<typeof BatchReading>

/** One reading a message. */
export const SingleTelemetry = Type.Object(
  { node_id: NodeIdField, timestamp: Type.Optional(Seconds), sensors: Sensors, ...readingExtras, ...bootSeq },
  {
    not: { required: ['readings'] },
    description: 'one reading; without timestamp the time is the arrival (then no boot and seq)',
  },
)
export type SingleTelemetry = Static<typeof SingleTelemetry>

/** Several readings of one boot without a hole. */
export const BatchTelemetry = Type.Object(
  { node_id: NodeIdField, readings: Type.Array(BatchReading, { minItems: 1, maxItems: limits.readings }), ...bootSeq },
  {
    not: { anyOf: [{ required: ['timestamp'] }, { required: ['sensors'] }] },
    description: 'several readings of one boot, their seq rising by one',
  },
)
export type BatchTelemetry = Static<typeof BatchTelemetry>

/** Documentation and sender-side shape. What is accepted is decided by decode.ts, reading by reading. */
export const Telemetry = Type.Union([SingleTelemetry, BatchTelemetry])
export type Telemetry = Static<typeof Telemetry>

export const SensorInfo = Type.Object({
  name: Short,
  unit: Type.Optional(Type.String({ maxLength: 16 })),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
})
export type SensorInfo = Static<typeof SensorInfo>

/** What a node says of itself (§4), retained; also its last will. Only `node_id` and `online` are required; null is absent. */
export const Status = Type.Object({
  node_id: NodeIdField,
  online: Type.Boolean(),
  timestamp: Type.Optional(Seconds),
  boot: Type.Optional(Uint32),
  reason: Type.Optional(Type.String({ maxLength: 64, description: 'why it goes: reboot, sleep or update' })),
  wake_in: Type.Optional(Duration),
  interval: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'seconds between readings' })),
  uptime: Type.Optional(Duration),
  wifi_rssi: Type.Optional(Type.Number({ description: 'dBm' })),
  board: Type.Optional(Short),
  virtual: Type.Optional(Type.Boolean()),
  firmware: Type.Optional(
    Type.Object({ version: Type.Optional(Short), slot: Type.Optional(Short), confirmed: Type.Optional(Type.Boolean()) }),
  ),
  reset_reason: Type.Optional(Short),
  free_heap: Type.Optional(Type.Number({ minimum: 0, description: 'bytes' })),
  ip: Type.Optional(Short),
  backlog: Type.Optional(Count),
  dropped: Type.Optional(Count),
  dropped_undatable: Type.Optional(Count),
  keep: Type.Optional(Type.Enum(['puback', 'receipt'])),
  caps: Type.Optional(Type.Array(Short)),
  config_rev: Type.Optional(Uint32),
  sensors: Type.Optional(Type.Array(SensorInfo)),
  outputs: Type.Optional(Type.Array(Type.Object({ name: Short }))),
})
export type Status = Static<typeof Status>

export const ackStates = ['accepted', 'running', 'done', 'failed', 'rejected', 'expired'] as const
export const AckState = Type.Enum([...ackStates])
export type AckState = (typeof ackStates)[number]

/** A node's answer to a command (§5); null is absent, except in `result`. */
export const Ack = Type.Object({
  node_id: NodeIdField,
  id: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'of the command, as it came' })),
  command: Type.String({ minLength: 1, maxLength: 64 }),
  state: AckState,
  timestamp: Type.Optional(Seconds),
  result: Type.Optional(Type.Unknown()),
  progress: Type.Optional(Type.Number({ description: 'percent' })),
  error: Type.Optional(Type.Object({ code: Short, message: Type.Optional(Type.String()) })),
})
export type Ack = Static<typeof Ack>

export const Params = Type.Record(Type.String(), Type.Unknown())

/** Manager → node (§5). `id` and `expires` are always there when the manager sends it. */
export const Command = Type.Object({
  id: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'ULID' })),
  command: Type.String({ minLength: 1, maxLength: 64 }),
  params: Type.Optional(Params),
  expires: Type.Optional(Seconds),
})
export type Command = Static<typeof Command>

export const Receipt = Type.Object({
  boot: Uint32,
  seq: Type.Union([Uint32, Type.Null()], { description: 'all up to here is settled; null while seq 0 is not' }),
  seen: Type.Integer({ minimum: 0, maximum: limits.uint32Max, description: 'the highest settled seq' }),
  rejected: Type.Optional(Count),
})
export type Receipt = Static<typeof Receipt>

/** Manager → node (§3): what is settled, so that the node may forget it. */
export const Receipts = Type.Object({ receipts: Type.Array(Receipt, { minItems: 1, maxItems: limits.receiptEntries }) })
export type Receipts = Static<typeof Receipts>

/** A line of a node's log (§1); plain text is one too. */
export const Log = Type.Object({ level: Type.String(), msg: Type.String(), timestamp: Type.Optional(Seconds) })
export type Log = Static<typeof Log>

const Measured = Nullable(Type.Number())

/** Health of broker and machine (§7), retained; also the manager's last will, which has only `online` and `receipts`. */
export const BrokerStatus = Type.Object({
  online: Type.Boolean(),
  receipts: Type.Boolean({ description: 'true: keep a reading until a receipt covers it; false: until its PUBACK' }),
  timestamp: Type.Optional(Nullable(Seconds)),
  version: Type.Optional(Short),
  profile: Type.Optional(Short),
  broker: Type.Optional(Short),
  uptime: Type.Optional(Measured),
  cpu_percent: Type.Optional(Measured),
  rss_bytes: Type.Optional(Measured),
  mem_free_bytes: Type.Optional(Measured),
  disk_free_bytes: Type.Optional(Measured),
  temperature_c: Type.Optional(Measured),
  net_rx_bytes_s: Type.Optional(Measured),
  net_tx_bytes_s: Type.Optional(Measured),
})
export type BrokerStatus = Static<typeof BrokerStatus>

/** Throughput, connections and queues of the last interval (§7); null where the broker does not tell. */
export const BrokerStats = Type.Object({
  timestamp: Nullable(Seconds),
  interval: Duration,
  messages_in_s: Measured,
  messages_out_s: Measured,
  bytes_in_s: Measured,
  bytes_out_s: Measured,
  clients: Measured,
  subscriptions: Measured,
  retained: Measured,
  queued: Measured,
  inflight: Measured,
  dropped_total: Measured,
  stored_total: Measured,
  rejected_total: Measured,
})
export type BrokerStats = Static<typeof BrokerStats>
