import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

const Rate = Nullable(Type.Number())
const Gauge = Nullable(Count)

export const ListenerView = Type.Object({
  host: Type.String(),
  port: Type.Integer(),
  tls: Type.Boolean(),
  auth: Type.String({ description: 'who may connect, in words' }),
})
export type ListenerView = Static<typeof ListenerView>

/** The broker, with the latest figures of `iot/broker/stats` (wire contract §7); null where the broker does not tell. */
export const BrokerView = Type.Object({
  kind: Type.String({ description: '`embedded` or `mosquitto`' }),
  version: Type.String(),
  up: Type.Boolean(),
  profile: Type.String({ description: '`embedded` or `site`' }),
  receipts: Type.Boolean({ description: 'nodes keep a reading until its receipt' }),
  listeners: Type.Array(ListenerView),
  denied: Type.Record(Type.String(), Count, { description: 'denied publishes and subscriptions by user' }),
  timestamp: Nullable(UnixMs),
  interval: Type.Number({ description: 'seconds the rates are taken over' }),
  messages_in_s: Rate,
  messages_out_s: Rate,
  bytes_in_s: Rate,
  bytes_out_s: Rate,
  clients: Gauge,
  subscriptions: Gauge,
  retained: Gauge,
  queued: Gauge,
  inflight: Gauge,
  dropped_total: Gauge,
  stored_total: Gauge,
  rejected_total: Gauge,
})
export type BrokerView = Static<typeof BrokerView>
