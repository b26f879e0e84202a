import type { PresenceState } from '../../api/nodes.ts'
import type { Status } from '../../contract/schemas.ts'
import type { Clock } from '../../kit/clock.ts'

/** What a conformance run needs of the world: to hear a node, to talk to it past the queue of commands, and to trouble its line. */
export interface Air {
  readonly node: string
  readonly clock: Clock
  /** Everything the node publishes from now on, as it came; the answer is how to stop. */
  listen(hear: (heard: Heard) => void): () => void
  /** Acks of this command id are nobody else's business: they match no command of a person. */
  claim(id: string): void
  /** Publishes on the node's command topic, QoS 1. */
  command(payload: Uint8Array, retain: boolean): Promise<void>
  /** Sends the node no receipt until the answer is called. */
  holdReceipts(): () => void
  /** Cuts the node's line as a bad network would. false: that can't be done behind this broker. */
  cut(): Promise<boolean>
  /** Its last status with online:true; null: it never published one. */
  status(): Partial<Status> | null
  /** Whether it is there, as the fleet sees it; null: it never spoke. */
  presence(): PresenceState | null
  /** Waits; resolves early when the run is given up. */
  pause(ms: number): Promise<void>
  /** The manager stops: nothing more is asked of the node, only what was changed is put back. */
  givenUp(): boolean
  newId(): string
}

export interface Heard {
  readonly channel: 'telemetry' | 'status' | 'ack'
  readonly payload: Uint8Array
  /** Unix ms, wall clock. */
  readonly arrived: number
}
