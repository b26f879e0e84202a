import type { Publisher } from './publish.ts'
import type { Session } from './session.ts'
import type { Writer } from './writer.ts'

/** A connection as the exchange sees it: admitted, with a name of its own. */
export interface Client extends Publisher {
  /** Unique among all sessions: what a take-over goes by. */
  readonly key: string
  session: Session | null
  /** Its CONNACK has a session present flag; the byte is reserved in MQTT 3.1. */
  readonly knowsSessionPresent: boolean
  /** Where answers and deliveries go. */
  readonly writer: Writer
  /** CONNACK with another code than 0, then close. */
  refuse(code: number): void
  /** Gone at once: another connection has its name now (with its will), or its identity was revoked (without). */
  cutOff(withWill: boolean): void
  /** It may have stopped reading for want of room. */
  goOn(): void
  /** Its last step is done: nothing more will be written. */
  shut(): void
}
