import type { Clock } from '../../kit/clock.ts'
import type { BrokerHandlers, BrokerNotice, Incoming } from '../broker.ts'
import { answer, connackCode } from '../wire/packets.ts'
import type { Client } from './client.ts'
import { type Keep, type KeepOp, keepOps } from './keep.ts'
import type { Delivery, Qos } from './message.ts'
import type { BrokerLimits } from './options.ts'
import { Pace } from './pace.ts'
import type { Permissions } from './permissions.ts'
import { type Evidence, Publish } from './publish.ts'
import { type Batch, CommitQueue, Inbox } from './queue.ts'
import type { NodeReach } from './reach.ts'
import { Revocations } from './revocations.ts'
import { Routing } from './routing.ts'
import { keptDelivery, Sessions } from './sessions.ts'
import type { Will } from './will.ts'

export interface ExchangeParts {
  readonly root: string
  readonly limits: BrokerLimits
  readonly permissions: Permissions
  readonly handlers: BrokerHandlers
  readonly keep: Keep
  readonly clock: Clock
  readonly commitWindowMs: number
  readonly alarm: (sentence: string) => void
  readonly notice: (notice: BrokerNotice) => void
}

/** The broker behind its sockets: sessions, subscriptions, retained messages. Whatever changes or uses them goes through the one
 *  commit queue as a step; the targets of a publish are those at its turn, and they are what is written with its group. */
export class Exchange {
  readonly queue: CommitQueue
  readonly sessions: Sessions
  readonly routing: Routing
  readonly pace: Pace
  readonly revocations = new Revocations()
  /** Admitted connections by key. */
  readonly online = new Map<string, Client>()
  private readonly clock: Clock
  private readonly notice: (notice: BrokerNotice) => void
  private readonly inboxes = new Map<string, Inbox>()
  private readonly own = new Inbox()

  constructor(parts: ExchangeParts) {
    const { root, limits, permissions, handlers, keep, clock } = parts
    this.clock = clock
    this.notice = parts.notice
    this.pace = new Pace(clock, limits.stuckMs, () => this.queue.wake())
    const commit = {
      accept: (group: readonly Incoming[]) => handlers.accept(group),
      write: (ops: readonly KeepOp[], sync: boolean) => keep.write(ops, sync),
      routed: () => this.pace.judge(),
    }
    this.queue = new CommitQueue(
      commit,
      () => parts.alarm('messages are no longer committed: the broker takes nothing more'),
      () => this.pace.room(),
      limits,
      parts.commitWindowMs,
      clock,
    )
    this.sessions = new Sessions({
      root,
      limits,
      permissions,
      later: op => this.queue.later(op),
      reachability: (node, reachable) => handlers.reachability(node, reachable),
      notice: parts.notice,
    })
    this.routing = new Routing(this.sessions, permissions, limits, parts.alarm, parts.notice, this.revocations)
  }

  inboxOf(key: string): Inbox {
    let inbox = this.inboxes.get(key)
    if (inbox === undefined) this.inboxes.set(key, (inbox = new Inbox()))
    return inbox
  }

  /** A connection with a right name: whoever had it goes first, then its CONNECT has its turn. */
  admit(client: Client, clean: boolean): void {
    const before = this.online.get(client.key)
    if (before !== undefined) {
      const { identity, client: name, address } = client
      this.notice({ kind: 'takeover', identity, client: name, address, before: before.address })
      before.cutOff(true)
    }
    this.online.set(client.key, client)
    let present = false
    let refused = false
    this.step(client, {
      prepare: batch => {
        if (this.revoked(client)) return
        const before = this.sessions.byKey.get(client.key)
        if (before !== undefined && !clean && before.persistent && !this.revoked(before)) {
          present = true
          before.identity = client.identity
          client.session = before
        } else {
          if (before !== undefined) this.sessions.discard(before, batch)
          if (!clean && this.sessions.full) {
            refused = true
            return
          }
          const { key, client: name, identity } = client
          client.session = this.sessions.create({ key, client: name, persistent: !clean, identity })
        }
        client.session.askedAt = client.askedAt
        this.sessions.keep(client.session, batch, null)
      },
      finish: () => {
        if (refused) return client.refuse(connackCode.unavailable)
        const session = client.session
        if (session === null) return // its rights were taken before its turn came, and its socket with them
        client.writer.connack(connackCode.accepted, present && client.knowsSessionPresent)
        if (!client.writer.open) return
        session.attach(client.writer)
        this.pace.progressed(session)
        for (const node of this.sessions.commandsOf(session)) this.sessions.reach.settle(node)
      },
    })
  }

  /** The connection is gone, or reads no more. Its will, if any, is published behind all that it published itself. */
  leave(client: Client, will: Will | null): void {
    if (this.online.get(client.key) === client) this.online.delete(client.key)
    this.pace.stopWaiting(client)
    if (will !== null) {
      const publish = this.publish(will, client)
      publish.will = true
      this.queue.push(this.inboxOf(client.key), publish)
    }
    let nodes: NodeReach[] = []
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || session.ended) return
        nodes = this.sessions.commandsOf(session)
        this.detach(client)
        if (session.persistent) this.sessions.keep(session, batch, session.sentUpTo)
        else this.sessions.discard(session, batch)
      },
      finish: () => {
        for (const node of nodes) this.sessions.reach.settle(node)
        client.shut()
        const inbox = this.inboxOf(client.key)
        if (inbox.open === 0 && !this.online.has(client.key)) this.inboxes.delete(client.key)
      },
    })
  }

  /** The socket is gone: what comes for the session waits from now on. */
  detach(client: Client): void {
    const session = client.session
    if (session === null || session.sink !== client.writer) return
    session.detach()
    this.pace.left(session)
  }

  subscribe(client: Client, id: number, filters: readonly { readonly topic: string; readonly qos: Qos }[]): void {
    const codes: number[] = []
    const retained: Delivery[] = []
    const nodes: NodeReach[] = []
    this.step(client, {
      prepare: batch => {
        const session = client.session
        if (session === null || session.ended) return
        for (const { topic, qos } of filters) codes.push(this.sessions.grant(session, topic, qos, batch, retained, nodes))
        this.sessions.keep(session, batch, null)
      },
      finish: () => {
        const session = client.session
        if (session === null || session.ended) return
        client.writer.suback(id, codes)
        for (const delivery of retained) session.offer(delivery)
        for (const node of nodes) this.sessions.reach.settle(node)
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
          const node = this.sessions.commandNode(filter)
          if (node !== null) nodes.push(node)
          this.sessions.release(session, filter)
        }
        this.sessions.keep(session, batch, null)
      },
      finish: () => {
        for (const node of nodes) this.sessions.reach.settle(node)
        client.writer.answer(answer.unsuback, id)
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
        batch.opsBehind.push(keepOps.noIncoming(session.number, id))
      },
      finish: () => {
        client.writer.answer(answer.pubcomp, id)
      },
    })
  }

  /** PUBREC of a subscriber. Kept before PUBREL leaves: else a restart would send the message again to one that forgot its id. */
  received(client: Client, id: number): void {
    const session = client.session
    if (session === null) return
    if (!session.persistent) {
      session.received(id)
      client.writer.pubrel(id)
      return
    }
    this.step(client, {
      prepare: batch => {
        const delivery = session.ended ? null : session.received(id)
        if (delivery === null) return
        batch.ops.push(keepOps.delivery(session.number, keptDelivery(delivery)))
        batch.sync = true
      },
      finish: () => {
        client.writer.pubrel(id)
      },
    })
  }

  /** PUBACK or PUBCOMP of a subscriber. */
  settled(client: Client, id: number, completed: boolean): void {
    const session = client.session
    if (session === null) return
    if (completed) session.completed(id)
    else session.acked(id)
    this.pace.progressed(session)
  }

  /** The socket took bytes. */
  taken(client: Client): void {
    const session = client.session
    if (session === null || session.sink !== client.writer) return
    session.drain()
    this.pace.progressed(session)
  }

  /** Publishes as the manager. Resolves when it was routed. */
  publishOwn(topic: string, payload: Uint8Array, qos: Qos, retain: boolean, evidence: Evidence | null = null): Promise<void> {
    return new Promise(resolve => {
      const publish = this.publish({ topic, payload, qos, retain }, null)
      publish.evidence = evidence
      publish.routed = resolve
      this.queue.push(this.own, publish)
    })
  }

  /** Takes away all that an identity holds: live connections close, kept sessions are forgotten. */
  revoke(user: string): Promise<void> {
    return new Promise(resolve => {
      this.revocations.add(user)
      for (const client of [...this.online.values()]) if (client.identity.user === user) client.cutOff(false)
      const prepare = (batch: Batch): void => {
        for (const session of [...this.sessions.byKey.values()])
          if (session.identity.user === user && this.revoked(session)) this.sessions.discard(session, batch)
      }
      this.queue.push(this.own, { bytes: 0, prepare, finish: resolve })
    })
  }

  private revoked({ askedAt, identity }: Pick<Client, 'askedAt' | 'identity'>): boolean {
    return this.revocations.since(askedAt, identity.user)
  }

  /** Time passed: a service that takes nothing for long slows nobody any more; deletions are written. */
  tick(): void {
    this.pace.judge()
    this.queue.flushLazy()
  }

  /** One that no PUBLISH packet brought. */
  private publish({ topic, payload, qos, retain }: Will, publisher: Client | null): Publish {
    return new Publish(this.routing, this.sessions.topics.of(topic), payload, qos, retain, this.clock.wallMs(), publisher, 0)
  }

  private step(client: Client, does: { prepare(batch: Batch): void; finish(): void }): void {
    this.queue.push(this.inboxOf(client.key), { bytes: 64, ...does })
  }
}
