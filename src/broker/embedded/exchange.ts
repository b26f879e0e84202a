import { parseTopic } from '../../contract/topics.ts'
import type { Clock } from '../../kit/clock.ts'
import type { BrokerHandlers, Identity } from '../broker.ts'
import { type Keep, type Kept, type KeptDelivery, keepOps } from './keep.ts'
import type { BrokerLimits } from './options.ts'
import { subackFailure } from './packets.ts'
import type { Permissions } from './permissions.ts'
import { type Evidence, Publish, type Publisher } from './publish.ts'
import { type Batch, CommitQueue, type Entry, Inbox } from './queue.ts'
import { type NodeReach, Reach } from './reach.ts'
import { RetainedMessages } from './retained.ts'
import { Router } from './router.ts'
import { type Delivery, type Message, type Qos, Session, type SessionBounds, type Sink } from './session.ts'
import { isFilter, Topics } from './topic.ts'
import { isStaleWill, readStatus, type Will } from './will.ts'

/** A connection as the exchange sees it: admitted, with a name of its own. */
export interface Client extends Publisher, Sink {
  /** Unique among all sessions: what a take-over goes by. */
  readonly key: string
  readonly client: string
  readonly identity: Identity
  session: Session | null
  readonly open: boolean
  /** CONNACK: the session is there. */
  accepted(sessionPresent: boolean): void
  /** CONNACK with another code, then close. */
  refuse(code: number): void
  subscribed(id: number, codes: readonly number[]): void
  unsubscribed(id: number): void
  /** PUBREL. */
  pubrel(id: number): void
  /** PUBCOMP. */
  complete(id: number): void
  /** Gone at once: another connection has its name now (with its will), or its identity was revoked (without). */
  cutOff(withWill: boolean): void
  /** It may have stopped reading for want of room. */
  goOn(): void
  /** Its last step is done: nothing more will be written. */
  shut(): void
}

export interface ExchangeParts {
  readonly root: string
  readonly limits: BrokerLimits
  readonly permissions: Permissions
  readonly handlers: BrokerHandlers
  readonly keep: Keep
  readonly clock: Clock
  readonly commitWindowMs: number
  readonly alarm: (sentence: string) => void
}

/** The broker behind its sockets: sessions, subscriptions, retained messages. Whatever changes or uses them goes through the one
 *  commit queue as a step; the targets of a publish are those at its turn, and they are what is written with its group. */
export class Exchange {
  readonly queue: CommitQueue
  readonly router = new Router()
  readonly retained: RetainedMessages
  readonly reach: Reach
  readonly topics: Topics
  readonly sessions = new Map<string, Session>()
  /** Admitted connections by key. */
  readonly online = new Map<string, Client>()
  readonly denied = new Map<string, number>()
  /** Of sessions that are over. */
  droppedBefore = 0
  /** Publishers wait: a connected service's queue is over half full and it is still taking. */
  slow = false
  private readonly parts: ExchangeParts
  private readonly inboxes = new Map<string, Inbox>()
  private readonly own = new Inbox()
  private readonly services = new Set<Session>()
  private readonly progress = new Map<Session, number>()
  private readonly slowed = new Set<Client>()
  private nextNumber = 1
  private persistentSessions = 0
  private retainedFull = false

  constructor(parts: ExchangeParts) {
    this.parts = parts
    this.retained = new RetainedMessages(parts.limits)
    this.reach = new Reach((node, reachable) => parts.handlers.reachability(node, reachable))
    this.topics = new Topics(parts.root, parts.limits, this.reach)
    this.queue = new CommitQueue(
      {
        accept: group => parts.handlers.accept(group),
        write: (ops, sync) => parts.keep.write(ops, sync),
      },
      () => this.room(),
      parts.limits,
      parts.commitWindowMs,
      parts.clock,
    )
  }

  /** Puts back what the keep held. Before the first connection. */
  restore(kept: Kept): void {
    for (const message of kept.retained) {
      const known = this.topics.of(message.topic)
      this.retained.set({ known, payload: message.payload, qos: message.qos })
      if (known.node !== null && known.parsed.kind === 'status') known.node.boot = readStatus(message.payload)?.boot ?? null
    }
    for (const { session: is, deliveries, openIncoming } of kept.sessions) {
      const session = this.newSession({ ...is, persistent: true })
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

  inboxOf(key: string): Inbox {
    let inbox = this.inboxes.get(key)
    if (inbox === undefined) this.inboxes.set(key, (inbox = new Inbox()))
    return inbox
  }

  /** A connection with a right name: whoever had it goes first, then its CONNECT has its turn. */
  admit(client: Client, clean: boolean): void {
    this.online.get(client.key)?.cutOff(true)
    this.online.set(client.key, client)
    let present = false
    let refused = false
    this.step(client, {
      prepare: batch => {
        const before = this.sessions.get(client.key)
        if (before !== undefined && !clean && before.persistent) {
          present = true
          before.identity = client.identity
          client.session = before
        } else {
          if (before !== undefined) this.discard(before, batch)
          if (!clean && this.persistentSessions >= this.parts.limits.persistentSessions) {
            refused = true
            return
          }
          const { key, client: name, identity } = client
          client.session = this.newSession({ key, client: name, persistent: !clean, number: this.nextNumber, identity })
        }
        this.keepSession(client.session, batch, null)
      },
      finish: () => {
        if (!client.open) return
        if (refused) return client.refuse(3)
        const session = client.session!
        client.accepted(present)
        session.attach(client)
        if (session.identity.role === 'service') {
          this.services.add(session)
          this.progressed(session)
        }
        for (const node of this.commandsOf(session)) this.reach.settle(node)
      },
    })
  }

  /** The connection is gone, or reads no more. Its will, if any, is published behind all that it published itself. */
  leave(client: Client, will: Will | null): void {
    if (this.online.get(client.key) === client) this.online.delete(client.key)
    this.slowed.delete(client)
    if (will !== null) {
      const { topic, payload, qos, retain } = will
      const publish = new Publish(this, this.topics.of(topic), payload, qos, retain, this.parts.clock.wallMs(), client, 0)
      publish.will = true
      this.queue.push(this.inboxOf(client.key), publish)
    }
    let nodes: NodeReach[] = []
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || session.ended) return
        nodes = this.commandsOf(session)
        this.detach(client)
        if (session.persistent) this.keepSession(session, null, session.sentUpTo)
        else this.discard(session, batch)
      },
      finish: () => {
        for (const node of nodes) this.reach.settle(node)
        client.shut()
        const inbox = this.inboxOf(client.key)
        if (inbox.open === 0 && !this.online.has(client.key)) this.inboxes.delete(client.key)
      },
    })
  }

  /** The socket is gone: what comes for the session waits from now on. */
  detach(client: Client): void {
    const session = client.session
    if (session === null || session.sink !== client) return
    session.detach()
    this.services.delete(session)
    this.progress.delete(session)
    this.judgeSlow()
  }

  subscribe(client: Client, id: number, filters: readonly { readonly topic: string; readonly qos: Qos }[]): void {
    const codes: number[] = []
    const retained: Delivery[] = []
    const nodes: NodeReach[] = []
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || session.ended) return
        for (const { topic, qos } of filters) codes.push(this.grant(session, topic, qos, batch, retained, nodes))
        this.keepSession(session, batch, null)
      },
      finish: () => {
        if (!client.open || client.session?.ended !== false) return
        client.subscribed(id, codes)
        for (const delivery of retained) client.session.offer(delivery)
        for (const node of nodes) this.reach.settle(node)
      },
    })
  }

  unsubscribe(client: Client, id: number, filters: readonly string[]): void {
    const nodes: NodeReach[] = []
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || session.ended) return
        for (const filter of filters) {
          if (!session.subscriptions.has(filter)) continue
          const node = this.commandNode(filter)
          if (node !== null) nodes.push(node)
          this.release(session, filter)
        }
        this.keepSession(session, batch, null)
      },
      finish: () => {
        for (const node of nodes) this.reach.settle(node)
        if (client.open) client.unsubscribed(id)
      },
    })
  }

  /** PUBREL: the id is free again, and PUBCOMP says so only when a restart would know it too; else a new message under it would
   *  be taken for the old one. */
  released(client: Client, id: number): void {
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || !session.openIncoming.delete(id) || !session.persistent) return
        batch.ops.push(keepOps.noIncoming(session.number, id))
        batch.sync = true
      },
      finish: () => client.open && client.complete(id),
    })
  }

  /** PUBREC of a subscriber. Kept before PUBREL leaves: else a restart would send the message again to one that forgot its id. */
  received(client: Client, id: number): void {
    const session = client.session
    if (session === null) return
    if (!session.persistent) {
      session.received(id)
      client.pubrel(id)
      return
    }
    this.step(client, {
      prepare: batch => {
        const delivery = session.ended ? null : session.received(id)
        if (delivery === null) return
        batch.ops.push(keepOps.delivery(session.number, keptDelivery(delivery)))
        batch.sync = true
      },
      finish: () => client.open && client.pubrel(id),
    })
  }

  /** PUBACK or PUBCOMP of a subscriber. */
  settled(client: Client, id: number, completed: boolean): void {
    const session = client.session
    if (session === null) return
    if (completed) session.completed(id)
    else session.acked(id)
    if (session.identity.role === 'service') this.progressed(session)
  }

  /** The socket took bytes. */
  taken(client: Client): void {
    const session = client.session
    if (session === null || session.sink !== client) return
    session.drain()
    if (session.identity.role === 'service') this.progressed(session)
  }

  /** Publishes as the manager. Resolves when it was routed. */
  publishOwn(topic: string, payload: Uint8Array, qos: Qos, retain: boolean, evidence: Evidence | null = null): Promise<void> {
    return new Promise(resolve => {
      const publish = new Publish(this, this.topics.of(topic), payload, qos, retain, this.parts.clock.wallMs(), null, 0)
      publish.evidence = evidence
      publish.routed = resolve
      this.queue.push(this.own, publish)
    })
  }

  /** Takes away all that an identity holds: live connections close, kept sessions are forgotten. */
  revoke(user: string): Promise<void> {
    return new Promise(resolve => {
      for (const client of [...this.online.values()]) if (client.identity.user === user) client.cutOff(false)
      const entry = {
        bytes: 0,
        prepare: (batch: Batch) => {
          for (const session of [...this.sessions.values()]) if (session.identity.user === user) this.discard(session, batch)
        },
        finish: resolve,
      }
      this.queue.push(this.own, entry)
    })
  }

  /** A client that stopped reading because of `slow` is told when it may go on. */
  waitForService(client: Client): void {
    this.slowed.add(client)
  }

  /** Time passed: a service that takes nothing for long slows nobody any more; deletions are written. */
  tick(): void {
    this.judgeSlow()
    this.queue.flushLazy()
  }

  dropped(): number {
    let sum = this.droppedBefore
    for (const session of this.sessions.values()) sum += session.dropped
    return sum
  }

  // ---- a publish in its turn ------------------------------------------------------------------------------------------------

  preparePublish(publish: Publish, batch: Batch): void {
    const { known, publisher } = publish
    if (publisher !== null) {
      if (publish.qos === 2 && publish.id !== 0 && !this.open(publish, publisher, batch)) return
      if (!this.mayPublish(publish, publisher)) return
      if (known.node !== null && !this.noteNode(publish, publisher.session, known.node)) return
      publish.permitted = true
      if (known.ingested) batch.ingested.push(publish)
      if (!known.forwarded) return
    }
    publish.permitted = true
    if (known.targetsVersion !== this.router.version) {
      known.targets = this.router.match(known.levels)
      known.targetsVersion = this.router.version
    }
    publish.targets = known.targets
    if (known.targets.anyPersistent) this.keepForPersistent(publish, batch)
    if (publish.retain) this.retain(publish, batch)
  }

  finishPublish(publish: Publish): void {
    if (publish.permitted) this.route(publish)
    if (publish.id !== 0) publish.publisher!.acknowledge(publish.qos, publish.id)
    publish.routed?.()
  }

  private route(publish: Publish): void {
    for (const { session, qos: granted } of publish.targets.all) {
      if (session.ended) continue
      const qos = lower(granted, publish.qos)
      if (publish.evidence !== null && publish.known.node!.holders.has(session)) {
        this.deliverCommand(publish, session, qos)
        continue
      }
      if (qos > 0 && session.persistent) {
        const kept = publish.kept?.get(session)
        if (kept !== undefined) session.offer(kept)
      } else if (this.parts.permissions.receive(session.identity, publish.known)) {
        session.deliver(publish, qos, false)
      }
    }
  }

  /** To whoever holds a command topic, a command goes now or not at all: the manager keeps it, not a session (contract §5). */
  private deliverCommand(publish: Publish, session: Session, qos: Qos): void {
    if (!this.parts.permissions.receive(session.identity, publish.known)) return
    const evidence = this.reach.own(publish.known.node!).includes(session) ? publish.evidence! : null
    const delivery = session.reserve(publish, qos, false, {
      transient: true,
      acknowledged: () => evidence?.(qos === 0 ? 'write' : 'puback'),
    })
    if (delivery !== null) session.offer(delivery)
  }

  /** Marks a QoS 2 id on arrival. false: it is a repeat (acknowledged again, nothing more), or one too many. */
  private open(publish: Publish, publisher: Publisher, batch: Batch): boolean {
    const session = publisher.session
    if (session === null || session.openIncoming.has(publish.id)) return false
    if (session.openIncoming.size >= this.parts.limits.incomingIds) {
      publisher.fail(`more than ${this.parts.limits.incomingIds} unreleased QoS 2 messages`)
      return false
    }
    session.openIncoming.add(publish.id)
    if (session.persistent) {
      batch.ops.push(keepOps.incoming(session.number, publish.id))
      batch.sync = true
    }
    return true
  }

  private mayPublish(publish: Publish, publisher: Publisher): boolean {
    if (!publish.known.beyondLimits && this.parts.permissions.publish(publisher.identity, publish.known)) return true
    this.deny(publisher.identity)
    return false
  }

  /** Births and speakers. false: a will that speaks for an earlier boot. */
  private noteNode(publish: Publish, session: Session | null, node: NodeReach): boolean {
    const kind = publish.known.parsed.kind
    if (kind === 'status') {
      if (publish.will) return !isStaleWill(publish.payload, node.boot)
      const status = readStatus(publish.payload)
      if (status?.online) node.boot = status.boot
    } else if (kind !== 'telemetry') return true
    if (session !== null && session.identity.role === 'local') this.reach.spoke(node, session)
    return true
  }

  private keepForPersistent(publish: Publish, batch: Batch): void {
    for (const { session, qos: granted } of publish.targets.all) {
      const qos = lower(granted, publish.qos)
      if (!session.persistent || qos === 0 || !this.parts.permissions.receive(session.identity, publish.known)) continue
      if (publish.evidence !== null && publish.known.node!.holders.has(session)) continue
      const delivery = session.reserve(publish, qos, false)
      if (delivery === null) continue
      publish.kept ??= new Map()
      publish.kept.set(session, delivery)
      batch.ops.push(keepOps.delivery(session.number, keptDelivery(delivery)))
      batch.sync = true
    }
  }

  private retain(publish: Publish, batch: Batch): void {
    const fits = this.retained.set(publish)
    if (fits === this.retainedFull) {
      this.retainedFull = !fits
      const { retainedTopics, retainedBytes } = this.parts.limits
      if (!fits)
        this.parts.alarm(`retained messages are full (${retainedTopics} topics or ${retainedBytes} bytes): new ones are not kept`)
    }
    // `$…` is the broker's own and made anew at each start.
    if (!fits || publish.topic.startsWith('$')) return
    const { topic, payload, qos } = publish
    batch.ops.push(payload.length === 0 ? keepOps.noRetained(topic) : keepOps.retained({ topic, payload, qos }))
    batch.sync = true
  }

  // ---- sessions and subscriptions -------------------------------------------------------------------------------------------

  private newSession(is: { key: string; client: string; persistent: boolean; number: number; identity: Identity }): Session {
    const session = new Session(is, this.bounds(is.identity), (of, delivery) => {
      this.queue.later(keepOps.noDelivery(of.number, delivery.order))
    })
    this.sessions.set(is.key, session)
    this.nextNumber = Math.max(this.nextNumber, is.number + 1)
    if (is.persistent) this.persistentSessions++
    return session
  }

  private bounds(identity: Identity): SessionBounds {
    const { windowNode, windowService, windowLocal, windowBytes, queueMessages, queueBytes } = this.parts.limits
    const window = identity.role === 'node' ? windowNode : identity.role === 'service' ? windowService : windowLocal
    return { window, windowBytes, queueMessages, queueBytes }
  }

  /** Ends a session for good, with all that is kept of it. */
  private discard(session: Session, batch: Batch): void {
    session.ended = true
    this.droppedBefore += session.dropped
    this.sessions.delete(session.key)
    for (const filter of [...session.subscriptions.keys()]) this.release(session, filter)
    this.reach.gone(session)
    if (!session.persistent) return
    this.persistentSessions--
    batch.ops.push(keepOps.noSession(session.number))
    for (const delivery of session.deliveries()) {
      if (session.keeps(delivery)) batch.ops.push(keepOps.noDelivery(session.number, delivery.order))
    }
    for (const id of session.openIncoming) batch.ops.push(keepOps.noIncoming(session.number, id))
    batch.sync = true
  }

  private keepSession(session: Session, batch: Batch | null, sentUpTo: number | null): void {
    if (!session.persistent) return
    const { number, key, client, identity } = session
    const op = keepOps.session({ number, key, client, identity, subscriptions: [...session.subscriptions], sentUpTo })
    if (batch === null) {
      this.queue.later(op)
      return
    }
    batch.ops.push(op)
    batch.sync = true
  }

  /** SUBACK's code for one filter; retained messages for it are reserved, to leave behind the SUBACK. */
  private grant(session: Session, filter: string, qos: Qos, batch: Batch, retained: Delivery[], nodes: NodeReach[]): number {
    const { permissions, limits } = this.parts
    const beyond =
      Buffer.byteLength(filter) > limits.topicBytes ||
      filter.split('/').length > limits.topicLevels ||
      (session.subscriptions.size >= limits.subscriptions && !session.subscriptions.has(filter))
    if (beyond || !isFilter(filter) || !permissions.subscribe(session.identity, filter)) {
      this.deny(session.identity)
      return subackFailure
    }
    this.hold(session, filter, qos)
    const node = this.commandNode(filter)
    if (node !== null) nodes.push(node)
    for (const message of this.retained.matching(filter)) this.reserveRetained(session, message, qos, batch, retained)
    return qos
  }

  private reserveRetained(session: Session, message: Message, granted: Qos, batch: Batch, into: Delivery[]): void {
    if (!this.parts.permissions.receive(session.identity, message.known)) return
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

  private release(session: Session, filter: string): void {
    session.subscriptions.delete(filter)
    this.router.remove(filter, session)
    this.commandNode(filter)?.holders.delete(session)
  }

  /** The node whose command topic this filter exactly is. */
  private commandNode(filter: string): NodeReach | null {
    const parsed = parseTopic(filter, this.parts.root)
    return parsed.kind === 'command' ? this.reach.entry(parsed.node) : null
  }

  private commandsOf(session: Session): NodeReach[] {
    return [...session.subscriptions.keys()].map(filter => this.commandNode(filter)).filter(node => node !== null)
  }

  private deny(identity: Identity): void {
    const user = identity.user ?? 'anonymous'
    this.denied.set(user, (this.denied.get(user) ?? 0) + 1)
  }

  private step(client: Client, does: { prepare(batch: Batch): void; finish(): unknown }): void {
    const entry: Entry = { bytes: 64, prepare: does.prepare, finish: does.finish }
    this.queue.push(this.inboxOf(client.key), entry)
  }

  // ---- services are not outrun ----------------------------------------------------------------------------------------------

  private progressed(session: Session): void {
    this.progress.set(session, this.parts.clock.monoMs())
    if (this.slow) this.judgeSlow()
  }

  private *taking(): Iterable<Session> {
    const stuckBefore = this.parts.clock.monoMs() - this.parts.limits.stuckMs
    for (const session of this.services) if ((this.progress.get(session) ?? 0) >= stuckBefore) yield session
  }

  /** How many messages the next group may bring without a service that is taking losing one. */
  private room(): number {
    let least = Number.POSITIVE_INFINITY
    for (const session of this.taking()) least = Math.min(least, session.room)
    this.judgeSlow()
    return least
  }

  private judgeSlow(): void {
    let slow = false
    let room = true
    for (const session of this.taking()) {
      slow ||= session.congested
      room &&= session.room > 0
    }
    if (room) this.queue.wake()
    if (slow === this.slow) return
    this.slow = slow
    if (slow) return
    const waited = [...this.slowed]
    this.slowed.clear()
    for (const client of waited) client.goOn()
  }
}

/** A subscriber gets a message at the lower of its grant and the message's own QoS. */
const lower = (granted: Qos, published: Qos): Qos => Math.min(granted, published) as Qos

function keptDelivery(delivery: Delivery): KeptDelivery {
  const { id, order, qos, retain, message } = delivery
  return {
    id,
    order,
    qos,
    retain,
    message: message === null ? null : { topic: message.known.name, payload: message.payload, qos: message.qos },
  }
}
