import type { BrokerNotice } from '../broker.ts'
import { keepOps } from './keep.ts'
import type { Qos } from './message.ts'
import type { BrokerLimits } from './options.ts'
import type { Permissions } from './permissions.ts'
import type { Publish, Publisher } from './publish.ts'
import type { Batch } from './queue.ts'
import type { NodeReach } from './reach.ts'
import type { Revocations } from './revocations.ts'
import type { Session } from './session.ts'
import { keptDelivery, lower, type Sessions } from './sessions.ts'
import { isStaleWill, readStatus } from './will.ts'

/** What happens to a publish in its turn. Before the commit: may it, is it a repeat, who gets it, what has to be durable for that.
 *  After it: deliveries in the order of the group, then the acknowledgement. */
export class Routing {
  private readonly sessions: Sessions
  private readonly permissions: Permissions
  private readonly limits: BrokerLimits
  private readonly alarm: (sentence: string) => void
  private readonly notice: (notice: BrokerNotice) => void
  private readonly revocations: Revocations
  private retainedFull = false

  constructor(
    sessions: Sessions,
    permissions: Permissions,
    limits: BrokerLimits,
    alarm: (sentence: string) => void,
    notice: (notice: BrokerNotice) => void,
    revocations: Revocations,
  ) {
    this.sessions = sessions
    this.permissions = permissions
    this.limits = limits
    this.alarm = alarm
    this.notice = notice
    this.revocations = revocations
  }

  prepare(publish: Publish, batch: Batch): void {
    const { known, publisher } = publish
    if (publisher !== null) {
      if (this.revocations.since(publisher.askedAt, publisher.identity.user)) return
      if (publish.qos === 2 && publish.id !== 0 && !this.markOpen(publish, publisher, batch)) return
      if (!this.mayPublish(publish, publisher)) return
      if (known.node !== null && !this.noteNode(publish, publisher.session, known.node)) return
      publish.permitted = true
      if (known.ingested) batch.ingested.push(publish)
      else this.tell(publish, publisher)
      if (!known.forwarded) return
    }
    publish.permitted = true
    if (known.targetsVersion !== this.sessions.router.version) {
      known.targets = this.sessions.router.match(known.levels)
      known.targetsVersion = this.sessions.router.version
    }
    publish.targets = known.targets
    if (known.targets.anyPersistent) this.keepForPersistent(publish, batch)
    if (publish.retain) this.retain(publish, batch)
  }

  finish(publish: Publish): void {
    if (publish.permitted) this.route(publish)
    if (publish.id !== 0) publish.publisher!.acknowledge(publish.qos, publish.id)
    publish.routed?.()
  }

  private route(publish: Publish): void {
    for (const { session, qos: granted } of publish.targets.all) {
      if (session.ended) continue
      const qos = lower(granted, publish.qos)
      if (publish.evidence !== null && publish.known.node?.holders.has(session)) {
        this.deliverCommand(publish, session, qos)
        continue
      }
      if (qos > 0 && session.persistent) {
        const kept = publish.kept?.get(session)
        if (kept !== undefined) session.offer(kept)
      } else if (this.permissions.receive(session.identity, publish.known)) {
        session.deliver(publish, qos, false)
      }
    }
  }

  /** To whoever holds a command topic, a command goes now or not at all: the manager keeps it, not a session (contract §5). */
  private deliverCommand(publish: Publish, session: Session, qos: Qos): void {
    if (!this.permissions.receive(session.identity, publish.known)) return
    const evidence = this.sessions.reach.own(publish.known.node!).includes(session) ? publish.evidence! : null
    const delivery = session.reserve(publish, qos, false, {
      transient: true,
      acknowledged: () => evidence?.(qos === 0 ? 'write' : 'puback'),
    })
    if (delivery !== null) session.offer(delivery)
  }

  /** Marks a QoS 2 id on arrival. false: it is a repeat (acknowledged again, nothing more), or one too many. */
  private markOpen(publish: Publish, publisher: Publisher, batch: Batch): boolean {
    const session = publisher.session
    if (session === null || session.openIncoming.has(publish.id)) return false
    if (session.openIncoming.size >= this.limits.incomingIds) {
      publisher.fail(`more than ${this.limits.incomingIds} unreleased QoS 2 messages`)
      return false
    }
    session.openIncoming.add(publish.id)
    if (session.persistent) batch.opsBehind.push(keepOps.incoming(session.number, publish.id))
    return true
  }

  private mayPublish(publish: Publish, publisher: Publisher): boolean {
    if (!publish.known.beyondLimits && this.permissions.publish(publisher.identity, publish.known)) return true
    const { topic, payload } = publish
    this.sessions.deny(publisher, { action: 'publish', topic, address: publisher.address, payload })
    return false
  }

  /** What no applier of the journal will ever see. */
  private tell({ known, topic, payload, arrived, user }: Publish, { identity, client, address }: Publisher): void {
    const { parsed } = known
    if (parsed.kind === 'log') this.notice({ kind: 'log', node: parsed.node, user, payload, arrived })
    else if (parsed.kind === 'other') this.notice({ kind: 'unrouted', identity, client, address, topic, payload })
  }

  /** Births and speakers. false: a will that speaks for an earlier boot. */
  private noteNode(publish: Publish, session: Session | null, node: NodeReach): boolean {
    const kind = publish.known.parsed.kind
    if (kind === 'status') {
      if (publish.will) return !isStaleWill(publish.payload, node.boot)
      const status = readStatus(publish.payload)
      if (status?.online) node.boot = status.boot
    } else if (kind !== 'telemetry') return true
    if (session !== null && session.identity.role === 'local') this.sessions.reach.spoke(node, session)
    return true
  }

  private keepForPersistent(publish: Publish, batch: Batch): void {
    for (const { session, qos: granted } of publish.targets.all) {
      const qos = lower(granted, publish.qos)
      if (!session.persistent || qos === 0 || !this.permissions.receive(session.identity, publish.known)) continue
      if (publish.evidence !== null && publish.known.node?.holders.has(session)) continue
      const delivery = session.reserve(publish, qos, false)
      if (delivery === null) continue
      publish.kept ??= new Map()
      publish.kept.set(session, delivery)
      batch.ops.push(keepOps.delivery(session.number, keptDelivery(delivery)))
      batch.sync = true
    }
  }

  private retain(publish: Publish, batch: Batch): void {
    const fits = this.sessions.retained.set(publish)
    if (fits === this.retainedFull) {
      this.retainedFull = !fits
      const { retainedTopics, retainedBytes } = this.limits
      if (!fits)
        this.alarm(`retained messages are full (${retainedTopics} topics or ${retainedBytes} bytes): new ones are not kept`)
    }
    // `$…` is the broker's own and made anew at each start.
    if (!fits || publish.topic.startsWith('$')) return
    const { topic, payload, qos } = publish
    batch.ops.push(payload.length === 0 ? keepOps.noRetained(topic) : keepOps.retained({ topic, payload, qos }))
    batch.sync = true
  }
}
