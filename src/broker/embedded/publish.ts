import type { Identity, Incoming } from '../broker.ts'
import type { Delivery, Message, Qos } from './message.ts'
import type { Batch, Entry } from './queue.ts'
import { noTargets, type Targets } from './router.ts'
import type { Routing } from './routing.ts'
import type { Session } from './session.ts'
import type { Topic } from './topic.ts'

/** Where a publish came from and where its acknowledgement goes. */
export interface Publisher {
  readonly identity: Identity
  /** How many revocations there were when it was asked for its credentials. */
  readonly askedAt: number
  readonly client: string
  /** Host and port of its socket. */
  readonly address: string
  /** null until its CONNECT had its turn. */
  readonly session: Session | null
  /** Writes PUBACK or PUBREC, if there is still someone to read it. */
  acknowledge(qos: Qos, id: number): void
  /** Ends the connection for a violation of the protocol. */
  fail(why: string): void
}

/** What the manager wants to hear of a command (see `Broker.sendCommand`). */
export type Evidence = (kind: 'write' | 'puback') => void

/** One PUBLISH on its way through the broker: what ingest sees, what subscribers get, and the step of the queue, in one object
 *  because there is one for each message. */
export class Publish implements Incoming, Message, Entry {
  readonly known: Topic
  payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly arrived: number
  /** null: the manager's own. */
  readonly publisher: Publisher | null
  /** Packet id to acknowledge, 0 for none. */
  readonly id: number
  /** Set in its turn, before commit. */
  permitted = false
  targets: Targets = noTargets
  kept: Map<Session, Delivery> | null = null
  will = false
  evidence: Evidence | null = null
  /** Told when it was routed. */
  routed: (() => void) | null = null
  private readonly routing: Routing

  constructor(
    routing: Routing,
    known: Topic,
    payload: Uint8Array,
    qos: Qos,
    retain: boolean,
    arrived: number,
    publisher: Publisher | null,
    id: number,
  ) {
    this.routing = routing
    this.known = known
    this.payload = payload
    this.qos = qos
    this.retain = retain
    this.arrived = arrived
    this.publisher = publisher
    this.id = id
  }

  get topic(): string {
    return this.known.name
  }
  get replay(): boolean {
    return false
  }
  get client(): string {
    return this.publisher?.client ?? ''
  }
  get user(): string | null {
    return this.publisher?.identity.user ?? null
  }
  get bytes(): number {
    return this.payload.length + 64
  }

  prepare(batch: Batch): void {
    this.routing.prepare(this, batch)
  }

  finish(): void {
    this.routing.finish(this)
  }
}
