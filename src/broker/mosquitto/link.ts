import type { Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'
import type { Clock } from '../../kit/clock.ts'
import type { Outgoing } from '../broker.ts'
import { Framing } from '../wire/framing.ts'
import { answer, packetType, publishSize, writeAnswer, writePublish } from '../wire/packets.ts'
import type { Acknowledger } from './intake.ts'
import { ReadPace } from './read-pace.ts'

/** A PUBLISH of the broker. `payload` is a view into the socket's buffer. */
export interface Delivered {
  readonly bytes: Buffer
  readonly topicStart: number
  readonly topicEnd: number
  readonly payloadStart: number
  readonly end: number
  readonly retain: boolean
  /** Packet id to acknowledge, 0 for QoS 0. */
  readonly id: number
}

export interface LinkOwner {
  /** CONNACK: the broker still has the session, or began a new one. It has `openMs` until the owner says `ready`. */
  opened(sessionPresent: boolean): void
  granted(codes: readonly number[]): void
  delivered(message: Delivered): void
  /** A PUBLISH over the limit, of which the beginning was read. */
  large(message: Delivered, size: number): void
  /** A read is over. true: too much waits, and nothing is read until `goOn`. */
  read(): boolean
  acknowledged(id: number): void
  /** Once; `why` in words. `admitted`: it had been let in. */
  closed(why: string, admitted: boolean): void
}

export interface LinkParts {
  readonly socket: Socket
  readonly connect: Omit<mqttPacket.IConnectPacket, 'cmd'>
  readonly owner: LinkOwner
  readonly clock: Clock
  readonly packetBytes: number
  readonly openMs: number
}

export const closedByBroker = 'the broker closed the connection'

/** CONNACK's return codes (MQTT 3.1.1, table 3.1). */
const refusals = [
  '',
  'it does not speak MQTT 3.1.1',
  'it does not accept the client id',
  'it is not available',
  'it refuses the user name or password',
  'it does not let this user in',
]

/** One connection to the broker, from CONNECT on: packets in, calls to the owner out. It reads by its own pace and stops reading while
 *  the owner is behind; keep alive is its business, reconnecting is not. */
export class Link implements Acknowledger {
  private state: 'opening' | 'open' | 'leaving' | 'closed' = 'opening'
  private readonly parts: LinkParts
  private readonly framing: Framing
  private readonly pace = new ReadPace()
  private timer: NodeJS.Timeout | null = null
  private behind = false
  private messages = 0
  private burstBytes = 0
  private admitted = false
  private readonly since: number
  private heardAt: number
  private saidAt: number
  private corked = false
  private subscribeId = 0

  constructor(parts: LinkParts) {
    const { socket, clock, packetBytes } = parts
    this.parts = parts
    this.framing = new Framing(packetBytes, this.large)
    this.since = this.heardAt = this.saidAt = clock.monoMs()
    socket.on('data', chunk => this.read(chunk))
    socket.on('error', error => this.close(reason(error)))
    socket.on('close', () => this.close(closedByBroker))
    this.write(mqttPacket.generate({ cmd: 'connect', ...parts.connect }))
  }

  // ---- in -------------------------------------------------------------------------------------------------------------------

  private read(chunk: Buffer): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    this.heardAt = this.parts.clock.monoMs()
    if (this.burstBytes === 0) setImmediate(this.burstOver)
    this.burstBytes += chunk.length
    const fed = this.framing.feed(chunk, this.seen)
    if (fed !== 'more') this.close('the broker sent what is not MQTT')
  }

  /** TLS hands over a record at a time, and all that a turn of the loop brought is one read. */
  private readonly burstOver = (): void => {
    const { messages, burstBytes } = this
    this.messages = this.burstBytes = 0
    this.behind = this.parts.owner.read()
    if (this.state === 'closed' || this.state === 'leaving') return
    const waitMs = messages === 0 ? 0 : this.pace.after(messages, burstBytes, this.heardAt)
    if (waitMs > 0) this.timer = setTimeout(this.waited, waitMs)
    if (this.behind || waitMs > 0) this.parts.socket.pause()
  }

  private readonly waited = (): void => {
    this.timer = null
    this.resume()
  }

  goOn(): void {
    this.behind = false
    this.resume()
  }

  private resume(): void {
    if (this.behind || this.timer !== null || this.state === 'leaving' || this.state === 'closed') return
    // While it was paused nothing was heard by our own doing.
    this.heardAt = this.parts.clock.monoMs()
    this.parts.socket.resume()
  }

  private readonly seen = (bytes: Buffer, first: number, start: number, end: number): boolean => {
    if (this.state === 'closed') return true
    if (first >> 4 === packetType.publish && this.admitted) return this.onPublish(bytes, first, start, end)
    return this.onPacket(bytes, first, start, end)
  }

  private onPublish(bytes: Buffer, first: number, start: number, end: number): true {
    const message = publishIn(bytes, first, start, end)
    if (message === null) return this.wrong('a malformed PUBLISH')
    this.messages++
    this.parts.owner.delivered(message)
    return true
  }

  private readonly large = (head: Buffer, first: number, start: number, size: number): void => {
    if (this.state === 'closed') return
    const message = first >> 4 === packetType.publish && this.admitted ? publishIn(head, first, start, head.length) : null
    if (message === null) this.wrong('a packet that is too large')
    else this.parts.owner.large(message, size)
  }

  private onPacket(bytes: Buffer, first: number, start: number, end: number): true {
    const length = end - start
    if (!this.admitted) {
      if (first !== packetType.connack << 4 || length !== 2) return this.wrong('no CONNACK')
      const code = bytes[start + 1]!
      if (code !== 0) {
        this.close(`the broker refuses us: ${refusals[code] ?? `return code ${code}`}`)
        return true
      }
      this.admitted = true
      this.parts.owner.opened((bytes[start]! & 1) === 1)
      return true
    }
    switch (first) {
      case answer.puback:
        if (length !== 2) return this.wrong('a malformed PUBACK')
        this.parts.owner.acknowledged(bytes.readUInt16BE(start))
        return true
      case packetType.suback << 4:
        if (length < 3) return this.wrong('a malformed SUBACK')
        this.parts.owner.granted([...bytes.subarray(start + 2, end)])
        return true
      case packetType.pingresp << 4:
        return true
      default:
        return this.wrong(`a packet that begins with ${first}`)
    }
  }

  private wrong(what: string): true {
    this.close(`the broker sent ${what}`)
    return true
  }

  // ---- out ------------------------------------------------------------------------------------------------------------------

  ready(): void {
    if (this.state === 'opening') this.state = 'open'
  }

  subscribe(subscriptions: readonly { topic: string; qos: 0 | 1 }[]): void {
    this.subscribeId = (this.subscribeId % 100) + 1
    this.write(mqttPacket.generate({ cmd: 'subscribe', messageId: this.subscribeId, subscriptions: [...subscriptions] }))
  }

  publish({ topic, payload, qos, retain }: Outgoing, id: number): void {
    const name = Buffer.from(topic)
    const wire = Buffer.allocUnsafe(2 + name.length)
    wire.writeUInt16BE(name.length)
    wire.set(name, 2)
    const out = Buffer.allocUnsafe(publishSize(name.length, payload.length, qos))
    writePublish(out, 0, wire, payload, qos, retain, false, id)
    // Behind the PUBACKs of this turn, and one system call for all of it.
    if (!this.corked) {
      this.corked = true
      this.parts.socket.cork()
      setImmediate(this.uncork)
    }
    this.write(out)
  }

  private readonly uncork = (): void => {
    this.corked = false
    this.parts.socket.uncork()
  }

  acknowledge(ids: readonly number[]): void {
    if (this.state === 'closed' || ids.length === 0) return
    const out = Buffer.allocUnsafe(4 * ids.length)
    let at = 0
    for (const id of ids) at = writeAnswer(out, at, answer.puback, id)
    this.write(out)
  }

  /** What the operating system has not taken yet. */
  get unsent(): number {
    return this.parts.socket.writableLength
  }

  private write(bytes: Buffer): void {
    if (this.state === 'closed') return
    this.saidAt = this.parts.clock.monoMs()
    this.parts.socket.write(bytes)
  }

  // ---- time and the end -----------------------------------------------------------------------------------------------------

  /** Looks at the clock. Called about twice a second. */
  check(now: number): void {
    if (this.state === 'closed') return
    const keepAliveMs = (this.parts.connect.keepalive ?? 0) * 1_000
    if (this.state === 'opening' && now - this.since > this.parts.openMs) this.close('the broker does not answer')
    if (now - this.saidAt > keepAliveMs / 2) this.write(Buffer.from([packetType.pingreq << 4, 0]))
    if (!this.behind && now - this.heardAt > keepAliveMs * 1.5) this.close('the broker has gone silent')
  }

  /** Nothing is read any more; what is owed may still be acknowledged. */
  stopReading(): void {
    if (this.state === 'closed') return
    this.state = 'leaving'
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.parts.socket.pause()
  }

  /** DISCONNECT: the will is not published [MQTT-3.14.4-3]. Resolves when the socket is shut. */
  async leave(patienceMs: number): Promise<void> {
    const { socket } = this.parts
    if (this.state === 'closed' || socket.destroyed) return
    this.stopReading()
    const gone = new Promise<void>(resolve => socket.once('close', () => resolve()))
    // Reading again, into nothing: a socket that is destroyed with unread data sends RST, and the broker may lose our last packets.
    socket.resume()
    socket.end(Buffer.from([packetType.disconnect << 4, 0]))
    const late = setTimeout(() => socket.destroy(), patienceMs)
    await gone
    clearTimeout(late)
  }

  close(why: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.parts.socket.destroy()
    this.parts.owner.closed(why, this.admitted)
  }
}

/** The PUBLISH whose body is `bytes[start, end)`; null for none. */
function publishIn(bytes: Buffer, first: number, start: number, end: number): Delivered | null {
  const qos = (first >> 1) & 3
  if (qos > 1 || start + 2 > end) return null // subscribed with QoS 1 at most
  const topicEnd = start + 2 + bytes.readUInt16BE(start)
  const payloadStart = topicEnd + 2 * qos
  if (payloadStart > end || topicEnd === start + 2) return null
  const id = qos === 1 ? bytes.readUInt16BE(topicEnd) : 0
  if (qos === 1 && id === 0) return null
  return { bytes, topicStart: start + 2, topicEnd, payloadStart, end, retain: (first & 1) === 1, id }
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return closedByBroker
  return error.message || error.code || 'the connection failed'
}
