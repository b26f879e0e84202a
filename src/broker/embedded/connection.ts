import type { Socket } from 'node:net'
import type { Identity, Refusal } from '../broker.ts'
import { Framing } from '../wire/framing.ts'
import { answer, connackCode, packetType } from '../wire/packets.ts'
import type { Client } from './client.ts'
import { type ConnectRead, type ConnectRequest, readConnect, readSubscribe, readUnsubscribe } from './guard.ts'
import type { Arrival } from './listener.ts'
import type { Qos } from './message.ts'
import { Publish } from './publish.ts'
import type { Inbox } from './queue.ts'
import { addressOf, refusalOf, tlsHandshake } from './refusal.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'
import type { Will } from './will.ts'
import { Writer } from './writer.ts'

/** One socket: bytes in, steps for the exchange out; what the exchange sends, back to bytes. It knows the protocol's outer rules
 *  (first CONNECT, flags, lengths, keep alive) and stops reading whenever the broker is behind; it routes nothing. */
export class Connection implements Client {
  session: Session | null = null
  readonly writer: Writer
  identity: Identity = { role: 'local', user: null }
  key = ''
  client = ''
  readonly address: string
  knowsSessionPresent = true
  askedAt = 0
  /** `connecting`: CONNECT not yet judged. `leaving`: nothing more is read; what was read is still committed. */
  private state: 'connecting' | 'judging' | 'open' | 'leaving' | 'closed' = 'connecting'
  private readonly shared: Shared
  readonly socket: Socket
  private readonly arrival: Arrival
  private readonly framing: Framing
  private inbox: Inbox | null = null
  private will: Will | null = null
  private readonly since: number
  private heardAt: number
  private takenAt: number
  private leavingAt = 0
  private keepAliveMs = 0
  private paused = false
  private arrived = 0

  constructor(arrival: Arrival, shared: Shared) {
    const { socket } = arrival
    this.socket = socket
    this.address = addressOf(socket)
    this.arrival = arrival
    this.shared = shared
    this.framing = new Framing(shared.limits.connectBytes)
    this.since = this.heardAt = this.takenAt = shared.clock.monoMs()
    this.writer = new Writer(socket, shared.limits.unsentBytes, shared.counters, () => {
      this.takenAt = shared.clock.monoMs()
      shared.exchange.taken(this)
    })
    socket.on('data', chunk => this.read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.closed())
  }

  // ---- in -------------------------------------------------------------------------------------------------------------------

  private read(chunk: Buffer | null): void {
    if (this.state === 'leaving' || this.state === 'closed') return
    const { clock, counters } = this.shared
    this.heardAt = clock.monoMs()
    this.arrived = clock.wallMs()
    if (chunk !== null) counters.bytesIn += chunk.length
    const fed = this.framing.feed(chunk, this.seen)
    if (fed === 'more') this.pause(false)
    else if (fed === 'stopped') this.pause(true)
    else if (fed === 'malformed') this.fail('malformed length')
    else this.tooLarge(fed.announced)
  }

  private readonly seen = (bytes: Buffer, first: number, start: number, end: number): boolean => {
    if (this.state === 'open') {
      if (first >> 4 === packetType.publish) return this.onPublish(bytes, first, start, end)
      return this.onPacket(bytes, first, start, end)
    }
    if (this.state !== 'connecting') return false
    if (first !== packetType.connect << 4) {
      if (first === tlsHandshake) this.refused('tls_on_plain', null)
      this.fail('the first packet is not CONNECT') // [MQTT-3.1.0-1]
    } else this.onConnect(readConnect(bytes, start, end))
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
    const known = exchange.sessions.topics.fromWire(bytes, start + 2, topicEnd)
    if (known === null) return this.fail('PUBLISH to what is no topic name')
    counters.messagesIn++
    const payload = bytes.subarray(payloadStart, end)
    const inbox = this.inbox!
    exchange.queue.push(inbox, new Publish(exchange.routing, known, payload, qos, (first & 1) !== 0, this.arrived, this, id))
    if (inbox.open >= limits.inboxMessages || inbox.openBytes >= limits.inboxBytes || exchange.queue.full) return false
    if (exchange.pace.slow && this.identity.role !== 'service') {
      exchange.pace.wait(this)
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
        const read = readSubscribe(bytes, start, end)
        if (typeof read === 'string') return this.fail(read)
        exchange.subscribe(this, read.id, read.filters)
        return this.inbox!.open < this.shared.limits.inboxMessages
      }
      case 0xa2: {
        const read = readUnsubscribe(bytes, start, end)
        if (typeof read === 'string') return this.fail(read)
        exchange.unsubscribe(this, read.id, read.filters)
        return this.inbox!.open < this.shared.limits.inboxMessages
      }
      case packetType.pingreq << 4:
        if (end !== start) return this.fail('PINGREQ with a body')
        this.writer.pingresp()
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

  private onConnect(read: ConnectRead): void {
    if (!read.ok) {
      if (read.refuse !== null) {
        this.writer.put(read.refuse)
        this.refused('version', read.why)
      }
      this.fail(read.why)
      return
    }
    this.state = 'judging'
    this.judge(read.request).catch(() => this.refuse(connackCode.unavailable))
  }

  /** Who is it? Then it is admitted, or refused. */
  private async judge(request: ConnectRequest): Promise<void> {
    const { entrance, exchange, limits } = this.shared
    this.askedAt = exchange.revocations.count
    const name = await entrance.judge(request, this.socket.remoteAddress ?? '', this.arrival)
    if (this.state !== 'judging') return
    if (typeof name === 'number') {
      const told = refusalOf(name, request, this.arrival, this.address)
      if (told !== null) this.shared.notice(told)
      return this.refuse(name)
    }
    if (exchange.revocations.since(this.askedAt, name.identity.user)) return this.refuse(connackCode.badCredentials)
    this.identity = name.identity
    this.key = name.key
    this.client = name.client
    this.will = request.will
    this.knowsSessionPresent = request.level === 4
    this.keepAliveMs = request.keepAlive * 1_500 // [MQTT-3.1.2-24]
    this.framing.limit = limits.packetBytes
    this.inbox = exchange.inboxOf(this.key)
    this.inbox.onRoom = () => this.goOn()
    this.state = 'open'
    this.writer.open = true
    exchange.admit(this, request.clean)
    this.read(null)
  }

  // ---- pauses ---------------------------------------------------------------------------------------------------------------

  private pause(paused: boolean): void {
    if (this.paused === paused) return
    this.paused = paused
    if (paused) this.socket.pause()
    else this.socket.resume()
  }

  /** There may be room again for what it has to say. */
  goOn(): void {
    if (!this.paused || this.state !== 'open') return
    const { exchange, limits } = this.shared
    const inbox = this.inbox!
    if (inbox.open * 2 > limits.inboxMessages || inbox.openBytes * 2 > limits.inboxBytes) return
    if (inbox.open > 0 && exchange.queue.full) return
    if (exchange.pace.slow && this.identity.role !== 'service') exchange.pace.wait(this)
    else this.read(null)
  }

  // ---- answers and the end --------------------------------------------------------------------------------------------------

  acknowledge(qos: Qos, id: number): void {
    this.writer.answer(qos === 1 ? answer.puback : answer.pubrec, id)
  }

  refuse(code: number): void {
    this.writer.connack(code, false)
    this.will = null
    this.leave()
  }

  /** Before a CONNECT could be judged. */
  private refused(why: Refusal, got: string | null): void {
    this.shared.notice({ kind: 'refused', why, user: null, client: null, address: this.address, got })
  }

  /** Closed for what it did; its will is published [MQTT-3.1.2-8]. Answers false: nothing more is read. */
  fail(why: string): false {
    this.shared.fault(this.client, why)
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
    this.writer.open = false
    this.leavingAt = this.shared.clock.monoMs()
    this.pause(true)
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
    this.writer.finish()
    // Reading again, into nothing: a socket that is destroyed with unread data sends RST, and the peer may lose our last packet.
    this.socket.resume()
    this.socket.end()
  }

  /** The broker stops: no will, and nothing more is read. */
  stop(): void {
    this.will = null
    this.leave()
  }

  private closed(): void {
    const before = this.state
    this.state = 'closed'
    this.writer.open = false
    this.shared.exchange.detach(this)
    if (before === 'open') this.shared.exchange.leave(this, this.will)
    this.shared.gone(this)
  }

  /** Looks at the clock. Called about twice a second. */
  check(now: number): void {
    const { limits } = this.shared
    if (this.state === 'connecting') {
      if (now - this.since > limits.connectMs) this.socket.destroy()
    } else if (this.state === 'leaving') {
      if (this.socket.writableEnded && now - this.leavingAt > limits.connectMs) this.socket.destroy()
    } else if (this.keepAliveMs > 0 && !this.paused && now - this.heardAt > this.keepAliveMs) {
      // While it is paused we hear nothing by our own doing; the time is noted anew when it goes on.
      this.socket.destroy()
    }
    if (this.writer.waiting && now - this.takenAt > limits.stuckMs) this.socket.destroy()
    if (!this.writer.waiting) this.takenAt = now
  }
}
