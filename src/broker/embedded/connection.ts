import type { Socket } from 'node:net'
import type { Identity } from '../broker.ts'
import type { Client, Exchange } from './exchange.ts'
import { Framing } from './framing.ts'
import { type ConnectRequest, readConnect, readSubscribe, readUnsubscribe } from './guard.ts'
import type { Logins } from './logins.ts'
import type { BrokerLimits } from './options.ts'
import { Outbox } from './outbox.ts'
import { answer, connack, connackCode, packetType, pingresp, publishSize, suback, writeAnswer, writePublish } from './packets.ts'
import { Publish } from './publish.ts'
import type { Inbox } from './queue.ts'
import type { Message, Qos, Session } from './session.ts'
import type { Will } from './will.ts'

/** What all connections share. */
export interface Shared {
  readonly exchange: Exchange
  readonly limits: BrokerLimits
  readonly logins: Logins
  readonly clock: { wallMs(): number; monoMs(): number }
  readonly counters: { messagesIn: number; messagesOut: number; bytesIn: number; bytesOut: number }
  authenticate(credentials: { user: string; password: Uint8Array; address: string }): Promise<Identity | null>
  oversize(notice: { client: string | null; user: string | null; size: number; arrived: number }): void
  /** A client id for one that gave none; the same never twice. */
  nextName(): string
  gone(connection: Connection): void
}

/** One socket: bytes in, steps for the exchange out; what the exchange sends, back to bytes. It knows the protocol's outer rules
 *  (first CONNECT, flags, lengths, keep alive) and stops reading whenever the broker is behind; it routes nothing. */
export class Connection implements Client {
  session: Session | null = null
  identity: Identity = { role: 'local', user: null }
  key = ''
  client = ''
  /** `connecting`: CONNECT not yet judged. `leaving`: nothing more is read; what was read is still committed. */
  private state: 'connecting' | 'judging' | 'open' | 'leaving' | 'closed' = 'connecting'
  private readonly shared: Shared
  private readonly socket: Socket
  private readonly anonymous: boolean
  private readonly framing: Framing
  private readonly outbox: Outbox
  private inbox: Inbox | null = null
  private will: Will | null = null
  private readonly since: number
  private heardAt: number
  private takenAt: number
  private leavingAt = 0
  private keepAliveMs = 0
  private paused = false
  private arrived = 0

  constructor(socket: Socket, anonymous: boolean, shared: Shared) {
    this.socket = socket
    this.anonymous = anonymous
    this.shared = shared
    this.framing = new Framing(shared.limits.connectBytes)
    this.since = this.heardAt = this.takenAt = shared.clock.monoMs()
    this.outbox = new Outbox(socket, () => {
      this.takenAt = shared.clock.monoMs()
      shared.exchange.taken(this)
    })
    socket.on('data', chunk => this.read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.closed())
  }

  get open(): boolean {
    return this.state === 'open'
  }

  // ---- in -------------------------------------------------------------------------------------------------------------------

  private read(chunk: Buffer | null): void {
    if (this.state === 'leaving' || this.state === 'closed') return
    const { clock, counters } = this.shared
    this.heardAt = clock.monoMs()
    this.arrived = clock.wallMs()
    if (chunk !== null) counters.bytesIn += chunk.length
    const fed = this.framing.feed(chunk, this.seen)
    if (fed === 'more') this.flow()
    else if (fed === 'stopped') this.hold()
    else if (fed === 'malformed') this.fail('malformed length')
    else this.tooLarge(fed.announced)
  }

  private readonly seen = (bytes: Buffer, first: number, start: number, end: number): boolean => {
    if (this.state === 'open') {
      if (first >> 4 === packetType.publish) return this.onPublish(bytes, first, start, end)
      return this.onPacket(bytes, first, start, end)
    }
    if (this.state !== 'connecting') return false
    if (first !== packetType.connect << 4)
      this.fail('the first packet is not CONNECT') // [MQTT-3.1.0-1]
    else this.onConnect(wholePacket(bytes, first, start, end), bodyStart(end - start))
    return false
  }

  private onPublish(bytes: Buffer, first: number, start: number, end: number): boolean {
    const qos = ((first >> 1) & 3) as Qos | 3
    const topicEnd = start + 2 + (start + 2 <= end ? bytes.readUInt16BE(start) : 0)
    const payloadStart = qos > 0 ? topicEnd + 2 : topicEnd
    if (start + 2 > end || payloadStart > end) return this.fail('PUBLISH is cut short')
    if (qos === 3 || (qos === 0 && (first & 8) !== 0)) return this.fail('PUBLISH with wrong flags') // [MQTT-3.3.1-2, -4]
    const id = qos > 0 ? bytes.readUInt16BE(topicEnd) : 0
    if (qos > 0 && id === 0) return this.fail('PUBLISH with packet id 0') // [MQTT-2.3.1-1]
    const { exchange, counters, limits } = this.shared
    const known = exchange.topics.fromWire(bytes, start + 2, topicEnd)
    if (known === null) return this.fail('PUBLISH to what is no topic name')
    counters.messagesIn++
    const payload = bytes.subarray(payloadStart, end)
    const inbox = this.inbox!
    exchange.queue.push(inbox, new Publish(exchange, known, payload, qos, (first & 1) !== 0, this.arrived, this, id))
    if (inbox.open >= limits.inboxMessages || inbox.openBytes >= limits.inboxBytes || exchange.queue.full) return false
    if (exchange.slow && this.identity.role !== 'service') {
      exchange.waitForService(this)
      return false
    }
    return true
  }

  private onPacket(bytes: Buffer, first: number, start: number, end: number): boolean {
    const { exchange } = this.shared
    switch (first) {
      case answer.puback:
      case answer.pubrec:
      case answer.pubrel:
      case answer.pubcomp: {
        const id = end - start === 2 ? bytes.readUInt16BE(start) : 0
        if (id === 0) return this.fail('an acknowledgement without a packet id')
        if (first === answer.puback) exchange.settled(this, id, false)
        else if (first === answer.pubcomp) exchange.settled(this, id, true)
        else if (first === answer.pubrec) exchange.received(this, id)
        else exchange.released(this, id)
        return true
      }
      case 0x82: {
        const read = readSubscribe(wholePacket(bytes, first, start, end), bodyStart(end - start))
        if (typeof read === 'string') return this.fail(read)
        exchange.subscribe(this, read.id, read.filters)
        return this.inbox!.open < this.shared.limits.inboxMessages
      }
      case 0xa2: {
        const read = readUnsubscribe(wholePacket(bytes, first, start, end), bodyStart(end - start))
        if (typeof read === 'string') return this.fail(read)
        exchange.unsubscribe(this, read.id, read.filters)
        return this.inbox!.open < this.shared.limits.inboxMessages
      }
      case packetType.pingreq << 4:
        if (end !== start) return this.fail('PINGREQ with a body')
        this.outbox.put(pingresp)
        return true
      case packetType.disconnect << 4:
        if (end !== start) return this.fail('DISCONNECT with a body')
        this.will = null // [MQTT-3.1.2-10]
        return this.leave()
      default:
        // Also a second CONNECT [MQTT-3.1.0-2], wrong flags [MQTT-2.2.2-2], and what only a server may send.
        return this.fail(`a packet that begins with ${first}`)
    }
  }

  private onConnect(packet: Buffer, start: number): void {
    const read = readConnect(packet, start)
    if (!read.ok) {
      if (read.refuse !== null) this.outbox.put(read.refuse)
      this.leave()
      return
    }
    this.state = 'judging'
    this.judge(read.request).catch(() => this.refuse(connackCode.unavailable))
  }

  /** Who is it? Then it is admitted, or refused. */
  private async judge(request: ConnectRequest): Promise<void> {
    if (request.user === null) {
      if (!this.anonymous) return this.refuse(connackCode.notAuthorized)
    } else {
      const identity = await this.logIn(request.user, request.password ?? new Uint8Array(0))
      if (this.state !== 'judging') return
      if (identity === null) return this.refuse(connackCode.badCredentials)
      this.identity = identity
    }
    const { exchange, limits } = this.shared
    const { clientId, clean } = request
    if (Buffer.byteLength(clientId) > limits.clientIdBytes) return this.refuse(connackCode.badClientId)
    if (!this.takeName(clientId, clean)) return this.refuse(connackCode.badClientId)
    this.will = request.will
    this.keepAliveMs = request.keepAlive * 1_500 // [MQTT-3.1.2-24]
    this.framing.limit = limits.packetBytes
    this.inbox = exchange.inboxOf(this.key)
    this.inbox.onRoom = () => this.goOn()
    this.state = 'open'
    exchange.admit(this, clean)
    this.goOn()
  }

  private async logIn(user: string, password: Uint8Array): Promise<Identity | null> {
    const { logins } = this.shared
    const address = this.socket.remoteAddress ?? ''
    if (!logins.mayTry(address)) return null
    const identity = await this.shared.authenticate({ user, password, address })
    if (identity !== null) return identity
    const late = logins.failed(address)
    if (late > 0) await new Promise(resolve => setTimeout(resolve, late).unref())
    logins.answered(address)
    return null
  }

  /** A node's client id is its user name, whatever it says; a service's is under its user name, so that two tools don't throw each
   *  other out; anonymous ones have a room of their own. false: no id, and a session to keep [MQTT-3.1.3-8]. */
  private takeName(clientId: string, clean: boolean): boolean {
    const { role, user } = this.identity
    if (role === 'node') {
      this.key = this.client = user
      return true
    }
    if (clientId === '' && !clean) return false
    const name = clientId === '' ? this.shared.nextName() : clientId
    this.client = role === 'service' ? `${user}:${name}` : name
    // A slash is in no node's id and in no service's name before its colon.
    this.key = role === 'service' ? this.client : `${clientId === '' ? 'unnamed' : 'local'}/${name}`
    return true
  }

  // ---- pauses ---------------------------------------------------------------------------------------------------------------

  private hold(): void {
    if (this.paused) return
    this.paused = true
    this.socket.pause()
  }

  private flow(): void {
    if (!this.paused) return
    this.paused = false
    this.socket.resume()
  }

  /** There may be room again for what it has to say. */
  goOn(): void {
    if (!this.paused || this.state !== 'open') return
    const { exchange, limits } = this.shared
    const inbox = this.inbox!
    if (inbox.open * 2 > limits.inboxMessages || inbox.openBytes * 2 > limits.inboxBytes) return
    if (inbox.open > 0 && exchange.queue.full) return
    if (exchange.slow && this.identity.role !== 'service') exchange.waitForService(this)
    else this.read(null)
  }

  // ---- out ------------------------------------------------------------------------------------------------------------------

  publish(message: Message, qos: Qos, id: number, retain: boolean, dup: boolean): boolean {
    if (this.state !== 'open') return qos > 0
    const { outbox } = this
    if (qos === 0 && outbox.unsent > this.shared.limits.unsentBytes) return false
    const { wire } = message.known
    const size = publishSize(wire.length - 2, message.payload.length, qos)
    const block = outbox.room(size)
    outbox.at = writePublish(block, outbox.at, wire, message.payload, qos, retain, dup, id)
    this.shared.counters.messagesOut++
    this.shared.counters.bytesOut += size
    return true
  }

  ready(): boolean {
    return this.state === 'open' && this.outbox.unsent < this.shared.limits.unsentBytes
  }

  acknowledge(qos: Qos, id: number): void {
    this.answer(qos === 1 ? answer.puback : answer.pubrec, id)
  }

  pubrel(id: number): void {
    this.answer(answer.pubrel, id)
  }

  complete(id: number): void {
    this.answer(answer.pubcomp, id)
  }

  unsubscribed(id: number): void {
    this.answer(answer.unsuback, id)
  }

  subscribed(id: number, codes: readonly number[]): void {
    this.outbox.put(suback(id, codes))
  }

  accepted(sessionPresent: boolean): void {
    this.outbox.put(connack(connackCode.accepted, sessionPresent))
  }

  refuse(code: number): void {
    this.outbox.put(connack(code, false))
    this.will = null
    this.leave()
  }

  private answer(first: (typeof answer)[keyof typeof answer], id: number): void {
    // Also while leaving: what was read before DISCONNECT is acknowledged.
    if (this.state === 'closed') return
    const { outbox } = this
    const block = outbox.room(4)
    outbox.at = writeAnswer(block, outbox.at, first, id)
    this.shared.counters.bytesOut += 4
  }

  // ---- the end --------------------------------------------------------------------------------------------------------------

  /** Closed for what it did; its will is published [MQTT-3.1.2-8]. Answers false: nothing more is read. */
  fail(_why: string): false {
    return this.leave()
  }

  private tooLarge(size: number): void {
    if (this.state === 'open') {
      this.shared.oversize({ client: this.client, user: this.identity.user, size, arrived: this.arrived })
    }
    this.leave()
  }

  /** Reads no more; what was read has its turn, then the socket is shut. */
  private leave(): false {
    if (this.state === 'leaving' || this.state === 'closed') return false
    const admitted = this.state === 'open'
    this.state = 'leaving'
    this.leavingAt = this.shared.clock.monoMs()
    this.hold()
    if (admitted) this.shared.exchange.leave(this, this.will)
    else this.shut()
    return false
  }

  cutOff(withWill: boolean): void {
    if (!withWill) this.will = null
    this.leave()
    this.socket.destroy()
  }

  shut(): void {
    if (this.state === 'closed') return
    this.outbox.finish()
    // Reading again, into nothing: a socket that is destroyed with unread data sends RST, and the peer may lose our last packet.
    this.socket.resume()
    this.socket.end()
  }

  /** The broker stops: no will, and nothing more is read. */
  stop(): void {
    this.will = null
    this.leave()
  }

  destroy(): void {
    this.socket.destroy()
  }

  private closed(): void {
    const before = this.state
    this.state = 'closed'
    this.shared.exchange.detach(this)
    if (before === 'open') this.shared.exchange.leave(this, this.will)
    this.shared.gone(this)
  }

  /** Looks at the clock. Called about twice a second. */
  check(now: number): void {
    const { limits } = this.shared
    if (this.state === 'connecting' || this.state === 'judging') {
      if (now - this.since > limits.connectMs) this.socket.destroy()
    } else if (this.state === 'leaving') {
      if (this.socket.writableEnded && now - this.leavingAt > limits.connectMs) this.socket.destroy()
    } else if (this.keepAliveMs > 0 && !this.paused && now - this.heardAt > this.keepAliveMs) {
      // While it is paused we hear nothing by our own doing; the time is noted anew when it goes on.
      this.socket.destroy()
    }
    if (this.outbox.waiting && now - this.takenAt > limits.stuckMs) this.socket.destroy()
    if (!this.outbox.waiting) this.takenAt = now
  }
}

/** Bytes of fixed header before a body of this length. */
const bodyStart = (body: number): number => (body < 128 ? 2 : body < 16_384 ? 3 : body < 2_097_152 ? 4 : 5)

/** The packet with its fixed header, as a buffer of its own. A length may be written in more bytes than it needs, so the header is
 *  made anew. */
function wholePacket(bytes: Buffer, first: number, start: number, end: number): Buffer {
  const body = end - start
  const head = bodyStart(body)
  const packet = Buffer.allocUnsafe(head + body)
  packet[0] = first
  for (let i = 1, rest = body; i < head; i++, rest >>>= 7) packet[i] = (rest & 127) | (i < head - 1 ? 128 : 0)
  bytes.copy(packet, head, start, end)
  return packet
}
