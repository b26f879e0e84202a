import { type Static, Type } from 'typebox'
import type { AlertView } from './alerts.ts'
import type { BrokerView } from './broker.ts'
import type { CommandView } from './commands.ts'
import type { MessageView } from './messages.ts'
import { PresenceState } from './nodes.ts'
import type { RejectView } from './rejects.ts'
import type { RetentionView } from './retention.ts'
import { Count, Nullable, UnixMs } from './shapes.ts'

/** A reading right after it became durable, `fields` as stored. */
export const LiveReading = Type.Object({
  node: Type.String(),
  time: UnixMs,
  fields: Type.Record(Type.String(), Type.Number()),
  boot: Nullable(Type.Integer()),
  seq: Nullable(Type.Integer()),
})
export type LiveReading = Static<typeof LiveReading>

export const PresenceChange = Type.Object({ node: Type.String(), state: PresenceState, time: UnixMs })
export type PresenceChange = Static<typeof PresenceChange>

/** Events between the client's Last-Event-ID and the oldest one still held: at most this many were missed of this run. */
export const MissedEvents = Type.Object({ missed: Count })
export type MissedEvents = Static<typeof MissedEvents>

/** `data` of each event type on GET /api/events. */
export interface EventData {
  readings: LiveReading[]
  presence: PresenceChange
  command: CommandView
  reject: RejectView
  broker: BrokerView
  alert: AlertView
  message: MessageView
  retention: RetentionView
  gap: MissedEvents
}
export type EventType = keyof EventData

/** An event as the client gives it; `id` is null for `gap`, which is not kept. */
export type ApiEvent = {
  [T in EventType]: { readonly id: string | null; readonly type: T; readonly data: EventData[T] }
}[EventType]
