import { isIP } from 'node:net'
import { brokerTopic, defaultRoot, nodeTopic } from '../../contract/topics.ts'
import { backoffMs } from '../../kit/backoff.ts'
import type { Broker, BrokerHandlers, BrokerHealth, Outgoing } from '../broker.ts'
import { subackFailure } from '../wire/packets.ts'
import { dial } from './dial.ts'
import { Intake } from './intake.ts'
import { closedByBroker, type Delivered, Link, type LinkOwner } from './link.ts'
import { defaultLimits, type MosquittoOptions, type SubscriberLimits } from './options.ts'
import { BrokerAway, OutgoingMessages } from './outgoing.ts'
import { SysView, sysFilters } from './sys.ts'
import { takeOver } from './take-over.ts'
import { KnownTopics, nodeFilters } from './topics.ts'

export type { MosquittoOptions, MqttCredentials, SubscriberLimits } from './options.ts'
export { BrokerAway } from './outgoing.ts'

/** What the subscriber can say beyond the port. */
export interface MosquittoBroker extends Broker {
  readonly kind: 'mosquitto'
  /** Connections that began with a new session at the broker though this process had one before: it was deleted there. */
  sessionsLost(): number
}

const checkEveryMs = 500
/** How long the end of our own connection may take to be seen. */
const ownEndMs = 500
/** QoS 0 is for figures of the moment: they don't pile up behind a socket that takes nothing. */
const unsentBytes = 1024 * 1024

/** Somebody else's broker (mosquitto, or any other that speaks MQTT 3.1.1): one durable session that subscribes to all nodes. Their
 *  messages come in by groups and are acknowledged to that broker after `accept`; what it has taken in is not durable before, and what
 *  it loses (mosquitto acknowledges before it writes) is brought again by nodes that keep until receipt. Answers at once, connected or
 *  not; the connection is made anew for ever. Other than the embedded broker it can't see who connects, who is refused or denied, and
 *  it can't refuse a packet that is too large: that one is passed over and acknowledged. */
export function openMosquittoBroker(options: MosquittoOptions, handlers: BrokerHandlers): MosquittoBroker {
  return new Subscriber(options, handlers)
}

class Subscriber implements MosquittoBroker, LinkOwner {
  readonly kind = 'mosquitto'
  private link: Link | null = null
  private up = false
  private closing: Promise<void> | null = null
  private detail = 'not connected yet'
  private attempt = 0
  private openedAt = 0
  private retry: NodeJS.Timeout | null = null
  /** This process subscribed before, so a session that is still there has its subscriptions. */
  private subscribed = false
  private lost = 0
  private user: string | null = null
  /** Why it was away, since it was last there. */
  private readonly told = new Set<string>()
  private arrived = 0
  private awaited: 'nodes' | 'sys' | null = null
  private readonly options: MosquittoOptions
  private readonly handlers: BrokerHandlers
  private readonly limits: SubscriberLimits
  private readonly root: string
  private readonly topics: KnownTopics
  private readonly intake: Intake
  private readonly outgoing: OutgoingMessages
  private readonly sys = new SysView()
  private readonly timer: NodeJS.Timeout

  constructor(options: MosquittoOptions, handlers: BrokerHandlers) {
    this.options = options
    this.handlers = handlers
    this.limits = { ...defaultLimits, ...options.limits }
    this.root = options.root ?? defaultRoot
    this.topics = new KnownTopics(this.root)
    this.intake = new Intake(handlers, this.limits, () => this.link?.stopReading())
    this.outgoing = new OutgoingMessages(this.limits.inflight, this.limits.unsent)
    this.timer = setInterval(() => this.link?.check(options.clock.monoMs()), checkEveryMs)
    void this.connect()
  }

  // ---- the port -------------------------------------------------------------------------------------------------------------

  async publish(message: Outgoing): Promise<void> {
    if (message.qos === 0) {
      if (!this.up || this.link!.unsent > unsentBytes) throw new BrokerAway('the broker is not connected, or takes nothing')
      this.link!.publish(message, 0)
      return
    }
    // What the manager says of itself has the time in it, and nodes set their clocks by it: late it would be wrong.
    const ownStatus = message.topic === brokerTopic('status', this.root)
    await this.outgoing.publish(message, ownStatus ? 'give up' : 'latest')
  }

  async sendCommand(node: string, payload: Uint8Array, evidence: (kind: 'write' | 'puback') => void): Promise<void> {
    const topic = nodeTopic(node, 'command', this.root)
    await this.outgoing.publish({ topic, payload, qos: 1, retain: false }, 'give up')
    evidence('puback')
  }

  /** The broker tells nobody who is connected to it: whether a node is there is what its own words say (wire contract §5). */
  reachable(): boolean {
    return this.up
  }

  /** A broker that makes the client id of the user name throws out ourselves instead: then it can't be done. */
  async cut(node: string): Promise<boolean> {
    const before = this.link
    if (before === null || !(await takeOver(this.options, node))) return false
    await new Promise(resolve => setTimeout(resolve, ownEndMs))
    return this.link === before
  }

  sessionsLost(): number {
    return this.lost
  }

  health(): BrokerHealth {
    const { host, port, tls } = this.options
    return {
      up: this.up,
      detail: this.closing ? 'stopped' : this.detail,
      version: this.sys.version,
      listeners: [{ host, port, tls, auth: this.user === null ? 'we connect as anonymous' : `we connect as ${this.user}` }],
      denied: {},
      ...this.sys.figures,
      queued: null,
      inflight: null,
    }
  }

  close(): Promise<void> {
    this.closing ??= this.stop()
    return this.closing
  }

  private async stop(): Promise<void> {
    if (this.retry !== null) clearTimeout(this.retry)
    const { link } = this
    link?.stopReading()
    await within(this.limits.closeMs, this.intake.drained())
    this.up = false
    await link?.leave(this.limits.closeMs / 4)
    this.outgoing.end()
    clearInterval(this.timer)
  }

  // ---- coming and going -----------------------------------------------------------------------------------------------------

  private async connect(): Promise<void> {
    const { options, limits } = this
    try {
      const credentials = await options.credentials()
      const socket = await dial(options, credentials, limits.openMs)
      if (this.closing) {
        socket.destroy()
        return
      }
      this.user = credentials.user
      const { packetBytes, openMs } = limits
      const connect = this.connectPacket(credentials)
      this.link = new Link({ socket, connect, owner: this, clock: options.clock, packetBytes, openMs })
    } catch (error) {
      this.away((error as Error).message || (error as NodeJS.ErrnoException).code || 'no connection')
    }
  }

  private connectPacket({ user, password }: { user: string | null; password: string | null }) {
    const will = {
      topic: brokerTopic('status', this.root),
      payload: Buffer.from('{"online":false,"receipts":true}'),
      qos: 1 as const,
      retain: true,
    }
    return {
      protocolId: 'MQTT' as const,
      protocolVersion: 4 as const,
      clientId: this.options.clientId,
      clean: false,
      keepalive: this.limits.keepAliveS,
      will,
      ...(user !== null && { username: user }),
      ...(user !== null && password !== null && { password: Buffer.from(password) }),
    }
  }

  opened(sessionPresent: boolean): void {
    this.intake.begin(this.link!)
    this.sys.forget()
    if (sessionPresent && this.subscribed) {
      // Retained statuses are not asked for again: `online` from before says nothing new of a node (wire contract §4).
      this.awaited = 'sys'
    } else {
      if (this.subscribed) this.lost++
      this.awaited = 'nodes'
      this.link!.subscribe(nodeFilters(this.root))
    }
    this.link!.subscribe(sysFilters)
  }

  granted(codes: readonly number[]): void {
    if (this.awaited === 'nodes') {
      this.awaited = 'sys'
      const refused = nodeFilters(this.root).filter((_, i) => codes[i] === undefined || codes[i] === subackFailure)
      if (refused.length > 0)
        this.link!.close(`the broker does not let us subscribe to ${refused.map(({ topic }) => topic).join(', ')}`)
      return
    }
    if (this.awaited === null) return
    this.awaited = null
    this.subscribed = true
    this.openedAt = this.options.clock.monoMs()
    this.link!.ready()
    if (this.closing) return
    this.up = true
    this.detail = ''
    this.outgoing.opened((message, id) => this.link!.publish(message, id))
    this.options.onUp?.()
  }

  closed(why: string, admitted: boolean): void {
    const steady = this.up && this.options.clock.monoMs() - this.openedAt > this.limits.steadyMs
    if (steady) this.attempt = 0
    const thrownOut = admitted && !steady && why === closedByBroker
    this.away(
      thrownOut ? `${why} soon after it had let us in; does another client use the client id ${this.options.clientId}?` : why,
    )
  }

  private away(why: string): void {
    if (this.up) this.told.clear()
    this.up = false
    this.link = null
    this.awaited = null
    this.outgoing.closed()
    if (this.closing) return
    this.detail = `${this.where} is not connected: ${why}`
    // One that is away for long, now for this reason and now for that, fills no log.
    if (!this.told.has(why) && this.told.size < 8) this.options.onTrouble?.(this.detail)
    if (this.told.size < 8) this.told.add(why)
    const { backoff } = this.limits
    this.retry = setTimeout(() => void this.connect(), backoffMs(this.attempt++, backoff, this.options.random))
  }

  private get where(): string {
    const { host, port, tls } = this.options
    return `${tls ? 'mqtts' : 'mqtt'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  }

  // ---- messages -------------------------------------------------------------------------------------------------------------

  delivered({ bytes, topicStart, topicEnd, payloadStart, end, retain, id }: Delivered): void {
    const topic = this.topics.fromWire(bytes, topicStart, topicEnd)
    const { intake } = this
    intake.owe(id)
    if (topic.kind === 'sys') this.sys.note(topic.name, bytes.subarray(payloadStart, end))
    if (topic.kind === 'sys' || topic.kind === 'other') return
    if (this.arrived === 0) this.arrived = this.options.clock.wallMs()
    const payload = bytes.subarray(payloadStart, end)
    if (topic.kind === 'log') {
      if (topic.node !== null && !retain)
        this.options.onNotice?.({ kind: 'log', node: topic.node, user: null, payload, arrived: this.arrived })
      return
    }
    intake.add({
      topic: topic.name,
      payload,
      qos: id === 0 ? 0 : 1,
      // A live delivery doesn't say whether it was published with RETAIN. An empty status can only be one that clears.
      retain: topic.status && payload.length === 0,
      replay: retain,
      arrived: this.arrived,
      client: '',
      user: null,
    })
  }

  large({ bytes, topicStart, topicEnd, id }: Delivered, size: number): void {
    const topic = this.topics.fromWire(bytes, topicStart, topicEnd)
    if (topic.kind === 'ingest') {
      // The broker's ACL lets only the node itself publish here, so the topic is proof of who it was.
      const user = topic.node
      this.handlers.oversize({ client: user, user, size, arrived: this.options.clock.wallMs() })
    }
    // With the next group, and so behind the reject that was just handed over.
    this.intake.owe(id)
  }

  read(): boolean {
    this.arrived = 0
    const { full } = this.intake
    this.intake.turn()
    return full && this.intake.full
  }

  acknowledged(id: number): void {
    this.outgoing.acknowledged(id)
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, new Promise(resolve => setTimeout(resolve, ms).unref())])
}
