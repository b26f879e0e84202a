import type { Topic } from './topic.ts'

export type Qos = 0 | 1 | 2

/** What is delivered. `payload` may be replaced by a copy of the same bytes (see `detached`). */
export interface Message {
  readonly known: Topic
  payload: Uint8Array
  readonly qos: Qos
}

/** Where a session writes while a connection holds it. */
export interface Sink {
  /** Hands a PUBLISH to the socket. false: not taken (QoS 0 beyond the unsent bound). */
  publish(message: Message, qos: Qos, id: number, retain: boolean, dup: boolean): boolean
  pubrel(id: number): void
  /** May it be handed more than QoS 0? */
  ready(): boolean
}

/** One message on its way to one session. `order` rises by one a delivery of the session. */
export interface Delivery {
  /** null once nothing can need it again: sent by a session that is not kept, or released (QoS 2). */
  message: Message | null
  readonly bytes: number
  readonly qos: Qos
  readonly retain: boolean
  /** Packet id, 0 for QoS 0. Given when the delivery is made, so that a kept one goes out under one id for ever. */
  readonly id: number
  readonly order: number
  /** Ends with the connection, whatever the session: commands, whose queue is the manager's (wire contract §5). */
  readonly transient: boolean
  state: 'reserved' | 'waiting' | 'sent' | 'released'
  readonly acknowledged: (() => void) | null
}

/** The same message, fit to be held for long: no reference to the connection it came by, and a payload that does not hold the
 *  64 KiB of socket data it was cut from. */
export function detached(message: Message): Message {
  const { known, payload, qos } = message
  if (payload.buffer.byteLength > payload.length * 2 + 64) message.payload = Uint8Array.prototype.slice.call(payload)
  return { known, payload: message.payload, qos }
}
