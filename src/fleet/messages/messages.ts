import type { LogLine, MessageView, Verdict } from '../../api/messages.ts'
import type { BrokerNotice } from '../../broker/broker.ts'
import type { Applier } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'

export { openMessages } from './open.ts'

/** messages: what boards just said and what became of it, of this run. Durable events come in as an applier of the journal, refusals
 *  and misdirected publishes as notices of the broker; views go out to whoever asks or listens. It keeps the last few hundred of what
 *  went well and of what did not, each apart, so that a busy fleet flushes no trouble out. It shows a bounded number a second and says
 *  how many it left out: it must never cost ingest. Nothing of it is durable. */
export interface Messages extends Applier {
  notice(notice: BrokerNotice): void
  /** Newest first; `before` is the `next` of the page before. */
  list(query: MessageQuery): { items: MessageView[]; next: string | null }
  /** A node's last log lines, newest first. */
  logs(node: string): LogLine[]
  /** Called with every message that is shown, also again with a higher count. Returns the way to stop. */
  on(listener: (message: MessageView) => void): () => void
  /** Called when a node brings its first reading, with the names of its sensors. */
  onFirstReading(listener: (node: string, sensors: readonly string[]) => void): () => void
  /** Its next reading is a first one: it was added, or removed. */
  forget(node: string): void
}

export interface MessageQuery {
  readonly node?: string
  readonly verdict?: Verdict
  readonly before?: string
  readonly limit: number
}

export interface MessagesParts {
  readonly clock: Clock
  readonly root?: string
  /** Nodes that brought readings before this run. */
  readonly spoke: Iterable<string>
  /** Was somebody added under this user name? For the sentence of a refused log-in; null: nobody knows. */
  readonly isKnown: (user: string) => boolean | null
  /** Messages kept of what went well, and as many of what did not; default 500. */
  readonly kept?: number
}
