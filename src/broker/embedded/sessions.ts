import { parseTopic } from '../../contract/topics.ts'
import type { BrokerNotice, Identity } from '../broker.ts'
import { subackFailure } from '../wire/packets.ts'
import { type KeepOp, type Kept, type KeptDelivery, keepOps } from './keep.ts'
import type { Delivery, Message, Qos } from './message.ts'
import type { BrokerLimits } from './options.ts'
import type { Permissions } from './permissions.ts'
import type { Batch } from './queue.ts'
import { type NodeReach, Reach } from './reach.ts'
import { RetainedMessages } from './retained.ts'
import { Router } from './router.ts'
import { Session, type SessionBounds } from './session.ts'
import { isFilter, Topics } from './topic.ts'
import { readStatus } from './will.ts'

export interface SessionsParts {
  readonly root: string
  readonly limits: BrokerLimits
  readonly permissions: Permissions
  /** Takes a deletion in the keep that may be written whenever there is a group. */
  readonly later: (op: KeepOp) => void
  readonly reachability: (node: string, reachable: boolean) => void
  readonly notice: (notice: BrokerNotice) => void
}

/** All sessions with what they subscribed to, and the retained messages that new subscriptions get: the state a turn changes.
 *  Every change says what the keep has to hold of it, in the batch of its turn. */
export class Sessions {
  readonly router = new Router()
  readonly retained: RetainedMessages
  readonly reach: Reach
  readonly topics: Topics
  readonly byKey = new Map<string, Session>()
  /** Denied publishes and subscriptions by user. */
  readonly denied = new Map<string, number>()
  private readonly root: string
  private readonly limits: BrokerLimits
  private readonly permissions: Permissions
  private readonly later: (op: KeepOp) => void
  private readonly notice: (notice: BrokerNotice) => void
  private nextNumber = 1
  private persistent = 0
  /** Lost by sessions that are over. */
  private droppedBefore = 0

  constructor(parts: SessionsParts) {
    this.root = parts.root
    this.limits = parts.limits
    this.permissions = parts.permissions
    this.later = parts.later
    this.notice = parts.notice
    this.retained = new RetainedMessages(parts.limits)
    this.reach = new Reach(parts.reachability)
    this.topics = new Topics(parts.root, parts.limits, this.reach)
  }

  /** Is there room for one more session that outlives its connection? */
  get full(): boolean {
    return this.persistent >= this.limits.persistentSessions
  }

  dropped(): number {
    let sum = this.droppedBefore
    for (const session of this.byKey.values()) sum += session.dropped
    return sum
  }

  /** Puts back what the keep held. Before the first connection. */
  restore(kept: Kept): void {
    for (const message of kept.retained) {
      const known = this.topics.of(message.topic)
      this.retained.set({ known, payload: message.payload, qos: message.qos })
      if (known.node !== null && known.parsed.kind === 'status') known.node.boot = readStatus(message.payload)?.boot ?? null
    }
    for (const { session: is, deliveries, openIncoming } of kept.sessions) {
      const session = this.create({ ...is, persistent: true })
      for (const [filter, qos] of is.subscriptions) this.hold(session, filter, qos)
      for (const id of openIncoming) session.openIncoming.add(id)
      const sentUpTo = is.sentUpTo ?? deliveries[Math.min(deliveries.length, this.bounds(is.identity).window) - 1]?.order ?? 0
      for (const delivery of deliveries) {
        const { message, order } = delivery
        const back =
          message === null ? null : { known: this.topics.of(message.topic), payload: message.payload, qos: message.qos }
        session.restore({ ...delivery, message: back, sent: order <= sentUpTo })
      }
    }
  }

  create(is: { key: string; client: string; persistent: boolean; identity: Identity; number?: number }): Session {
    const number = is.number ?? this.nextNumber
    const session = new Session({ ...is, number }, this.bounds(is.identity), (of, delivery) => {
      this.later(keepOps.noDelivery(of.number, delivery.order))
    })
    this.byKey.set(is.key, session)
    this.nextNumber = Math.max(this.nextNumber, number + 1)
    if (is.persistent) this.persistent++
    return session
  }

  private bounds(identity: Identity): SessionBounds {
    const { windowNode, windowService, windowLocal, windowBytes, queueMessages, queueBytes } = this.limits
    const window = identity.role === 'node' ? windowNode : identity.role === 'service' ? windowService : windowLocal
    return { window, windowBytes, queueMessages, queueBytes }
  }

  /** Ends a session for good, with all that is kept of it. */
  discard(session: Session, batch: Batch): void {
    session.ended = true
    this.droppedBefore += session.dropped
    this.byKey.delete(session.key)
    for (const filter of [...session.subscriptions.keys()]) this.release(session, filter)
    this.reach.gone(session)
    if (!session.persistent) return
    this.persistent--
    batch.ops.push(keepOps.noSession(session.number))
    for (const delivery of session.deliveries()) {
      if (session.keeps(delivery)) batch.ops.push(keepOps.noDelivery(session.number, delivery.order))
    }
    for (const id of session.openIncoming) {
      batch.ops.push(keepOps.noIncoming(session.number, id))
      batch.opsBehind.push(keepOps.noIncoming(session.number, id)) // it may have come with this very group
    }
    batch.sync = true
  }

  /** In the order of the turns, also when nobody waits for it: written later, it would undo what a next connection changed.
   *  `sentUpTo` null: a connection holds the session. */
  keep(session: Session, batch: Batch, sentUpTo: number | null): void {
    if (!session.persistent) return
    const { number, key, client, identity } = session
    batch.ops.push(keepOps.session({ number, key, client, identity, subscriptions: [...session.subscriptions], sentUpTo }))
    if (sentUpTo === null) batch.sync = true
  }

  /** SUBACK's code for one filter; retained messages for it are reserved, to leave behind the SUBACK. */
  grant(session: Session, filter: string, qos: Qos, batch: Batch, retained: Delivery[], nodes: NodeReach[]): number {
    const { permissions, limits } = this
    const beyond =
      Buffer.byteLength(filter) > limits.topicBytes ||
      filter.split('/').length > limits.topicLevels ||
      (session.subscriptions.size >= limits.subscriptions && !session.subscriptions.has(filter))
    if (beyond || !isFilter(filter) || !permissions.subscribe(session.identity, filter)) {
      this.deny(session, { action: 'subscribe', topic: filter, address: null, payload: null })
      return subackFailure
    }
    this.hold(session, filter, qos)
    const node = this.commandNode(filter)
    if (node !== null) nodes.push(node)
    for (const message of this.retained.matching(filter)) this.reserveRetained(session, message, qos, batch, retained)
    return qos
  }

  private reserveRetained(session: Session, message: Message, granted: Qos, batch: Batch, into: Delivery[]): void {
    if (!this.permissions.receive(session.identity, message.known)) return
    const delivery = session.reserve(message, lower(granted, message.qos), true)
    if (delivery === null) return
    into.push(delivery)
    if (!session.keeps(delivery)) return
    batch.ops.push(keepOps.delivery(session.number, keptDelivery(delivery)))
    batch.sync = true
  }

  private hold(session: Session, filter: string, qos: Qos): void {
    session.subscriptions.set(filter, qos)
    this.router.add(filter, session, qos)
    this.commandNode(filter)?.holders.add(session)
  }

  release(session: Session, filter: string): void {
    session.subscriptions.delete(filter)
    this.router.remove(filter, session)
    this.commandNode(filter)?.holders.delete(session)
  }

  /** The node whose command topic this filter exactly is. */
  commandNode(filter: string): NodeReach | null {
    const parsed = parseTopic(filter, this.root)
    return parsed.kind === 'command' ? this.reach.entry(parsed.node) : null
  }

  commandsOf(session: Session): NodeReach[] {
    return [...session.subscriptions.keys()].map(filter => this.commandNode(filter)).filter(node => node !== null)
  }

  deny({ identity, client }: { identity: Identity; client: string }, what: Denied): void {
    const user = identity.user ?? 'anonymous'
    this.denied.set(user, (this.denied.get(user) ?? 0) + 1)
    this.notice({ kind: 'denied', identity, client, ...what })
  }
}

type Denied = Pick<Extract<BrokerNotice, { kind: 'denied' }>, 'action' | 'topic' | 'address' | 'payload'>

/** A subscriber gets a message at the lower of its grant and the message's own QoS. */
export const lower = (granted: Qos, published: Qos): Qos => Math.min(granted, published) as Qos

export function keptDelivery(delivery: Delivery): KeptDelivery {
  const { id, order, qos, retain, message } = delivery
  return {
    id,
    order,
    qos,
    retain,
    message: message === null ? null : { topic: message.known.name, payload: message.payload, qos: message.qos },
  }
}
