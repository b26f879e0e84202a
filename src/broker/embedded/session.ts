import type { Identity } from '../broker.ts'
import { Fifo } from './fifo.ts'
import { type Delivery, detached, type Message, type Qos, type Sink } from './message.ts'

export interface SessionBounds {
  readonly window: number
  readonly windowBytes: number
  readonly queueMessages: number
  readonly queueBytes: number
}

/** A client's session without its socket: subscriptions, what waits, what is on the way, open QoS 2 ids. A machine without I/O:
 *  it writes to the sink it is given and says through `forget` what need not be kept any more. Messages leave in the order they
 *  were offered; at most `window` of them are unacknowledged; beyond the queue's bound the oldest goes and is counted. */
export class Session {
  readonly key: string
  readonly client: string
  readonly persistent: boolean
  /** The name of its records in the keep. */
  readonly number: number
  identity: Identity
  askedAt = 0 // of the connection that holds it, or held it last (publish.ts)
  readonly subscriptions = new Map<string, Qos>()
  /** Packet ids of QoS 2 messages taken and not yet released by the client. */
  readonly openIncoming = new Set<number>()
  /** Over: nothing is delivered any more, also of a group under way. */
  ended = false
  /** Messages lost to full queues and past unsent bounds. */
  dropped = 0
  sink: Sink | null = null
  private readonly bounds: SessionBounds
  private readonly forget: (session: Session, delivery: Delivery) => void
  /** All with a packet id, by it, in the order they were made. */
  private readonly outstanding = new Map<number, Delivery>()
  /** Retained messages of new subscriptions: bounded by what is retained, so they neither push others out nor are pushed out. */
  private readonly burst = new Fifo<Delivery>()
  private readonly waiting = new Fifo<Delivery>()
  private waitingBytes = 0
  /** QoS 0 in both queues. While there is any, later QoS 0 stays behind it. */
  private waitingQos0 = 0
  private underWay = 0
  private underWayBytes = 0
  private lastId = 0
  private nextOrder = 1
  /** The highest order handed to a socket. */
  sentUpTo = 0

  constructor(
    is: { key: string; client: string; persistent: boolean; number: number; identity: Identity },
    bounds: SessionBounds,
    forget: (session: Session, delivery: Delivery) => void,
  ) {
    this.key = is.key
    this.client = is.client
    this.persistent = is.persistent
    this.number = is.number
    this.identity = is.identity
    this.bounds = bounds
    this.forget = forget
  }

  get queued(): number {
    return this.waiting.length + this.burst.length
  }

  get inflight(): number {
    return this.underWay
  }

  /** Over half full: publishers wait for a service in this state. */
  get congested(): boolean {
    return this.waiting.length * 2 > this.bounds.queueMessages || this.waitingBytes * 2 > this.bounds.queueBytes
  }

  /** How many more messages its queue takes before one is lost. */
  get room(): number {
    return this.bounds.queueMessages - this.waiting.length
  }

  /** Is this delivery written to the keep? */
  keeps(delivery: Delivery): boolean {
    return this.persistent && delivery.qos > 0 && !delivery.transient
  }

  /** Makes a delivery, with its packet id, before the group's commit. It leaves by `offer`, after it. null: no id is free. */
  reserve(
    message: Message,
    qos: Qos,
    retain: boolean,
    how: { transient?: boolean; acknowledged?: () => void } = {},
  ): Delivery | null {
    const id = qos === 0 ? 0 : this.freeId()
    if (id < 0) {
      this.dropped++
      return null
    }
    const delivery: Delivery = {
      message,
      bytes: message.payload.length,
      qos,
      retain,
      id,
      order: this.nextOrder++,
      transient: how.transient ?? false,
      state: 'reserved',
      acknowledged: how.acknowledged ?? null,
    }
    if (qos > 0) this.outstanding.set(id, delivery)
    return delivery
  }

  /** A reserved delivery may leave: at once if nothing is before it and the window is open, else from the queue. */
  offer(delivery: Delivery): void {
    if (this.sink === null && (delivery.transient || delivery.qos === 0)) this.outstanding.delete(delivery.id)
    else if (this.queued === 0 && this.mayLeave(delivery)) this.send(delivery)
    else this.wait(delivery)
  }

  /** Reserve and offer in one: for a session whose messages are not kept. QoS 0 leaves now or is lost, unless older QoS 0
   *  (retained ones of a large subscription) still waits. */
  deliver(message: Message, qos: Qos, retain: boolean): void {
    if (qos === 0 && this.waitingQos0 === 0) {
      if (this.sink !== null && !this.sink.publish(message, 0, 0, retain, false)) this.dropped++
      return
    }
    if (qos === 0 && this.sink === null) return
    const delivery = this.reserve(message, qos, retain)
    if (delivery !== null) this.offer(delivery)
  }

  /** PUBACK. false: no such id. */
  acked(id: number): boolean {
    const delivery = this.outstanding.get(id)
    if (delivery === undefined || delivery.qos !== 1 || delivery.state !== 'sent') return false
    this.finish(delivery)
    return true
  }

  /** PUBREC: the message is not needed any more, only its id. Answers with the delivery if this is news. */
  received(id: number): Delivery | null {
    const delivery = this.outstanding.get(id)
    if (delivery === undefined || delivery.qos !== 2 || delivery.state !== 'sent') return null
    delivery.state = 'released'
    delivery.message = null
    return delivery
  }

  /** PUBCOMP. false: no such id. */
  completed(id: number): boolean {
    const delivery = this.outstanding.get(id)
    if (delivery === undefined || delivery.state !== 'released') return false
    this.finish(delivery)
    return true
  }

  /** A connection takes the session: what was under way is sent again first, in its order, then what waits [MQTT-4.4.0-1]. */
  attach(sink: Sink): void {
    this.sink = sink
    this.underWay = 0
    this.underWayBytes = 0
    for (const delivery of this.outstanding.values()) {
      if (delivery.state === 'released') {
        this.count(delivery)
        sink.pubrel(delivery.id)
      } else if (delivery.state === 'sent') {
        this.count(delivery)
        sink.publish(delivery.message!, delivery.qos, delivery.id, delivery.retain, true)
      }
    }
    this.drain()
  }

  /** The connection is gone. What was transient ends with it. */
  detach(): void {
    this.sink = null
    for (const delivery of this.outstanding.values()) {
      if (delivery.transient && delivery.state !== 'reserved') this.outstanding.delete(delivery.id)
    }
    const stays = (delivery: Delivery): boolean => delivery.qos > 0 && !delivery.transient
    this.burst.filter(stays)
    this.waiting.filter(stays)
    this.waitingQos0 = 0
    this.waitingBytes = 0
    this.waiting.each(delivery => {
      this.waitingBytes += delivery.bytes
    })
    this.underWay = 0
    this.underWayBytes = 0
  }

  /** Sends what waits as far as window and socket allow. */
  drain(): void {
    for (let next = this.next(); next !== undefined && this.mayLeave(next); next = this.next()) {
      if (this.burst.length > 0) this.burst.shift()
      else this.unqueue()
      if (next.qos === 0) this.waitingQos0--
      this.send(next)
    }
  }

  /** Everything with a packet id, in order: for the keep. */
  deliveries(): IterableIterator<Delivery> {
    return this.outstanding.values()
  }

  /** Puts back what the keep held, in its order. */
  restore(kept: { message: Message | null; qos: Qos; retain: boolean; id: number; order: number; sent: boolean }): void {
    const { message, qos, retain, id, order } = kept
    const state = message === null ? 'released' : kept.sent ? 'sent' : 'waiting'
    const bytes = message?.payload.length ?? 0
    const delivery: Delivery = { message, bytes, qos, retain, id, order, transient: false, state, acknowledged: null }
    this.outstanding.set(id, delivery)
    this.nextOrder = Math.max(this.nextOrder, order + 1)
    this.lastId = id
    if (state === 'waiting') {
      this.waiting.push(delivery)
      this.waitingBytes += bytes
    } else this.sentUpTo = Math.max(this.sentUpTo, order)
  }

  private mayLeave(delivery: Delivery): boolean {
    if (this.sink === null) return false
    if (!this.sink.ready()) return false
    if (delivery.qos === 0 || this.underWay === 0) return true
    return this.underWay < this.bounds.window && this.underWayBytes + delivery.bytes <= this.bounds.windowBytes
  }

  private send(delivery: Delivery): void {
    const message = delivery.message!
    if (delivery.qos === 0) {
      if (this.sink!.publish(message, 0, 0, delivery.retain, false)) delivery.acknowledged?.()
      else this.dropped++
      return
    }
    delivery.state = 'sent'
    this.sentUpTo = delivery.order
    this.count(delivery)
    // Only a kept message is ever sent twice.
    delivery.message = this.keeps(delivery) ? detached(message) : null
    this.sink!.publish(message, delivery.qos, delivery.id, delivery.retain, false)
  }

  private next(): Delivery | undefined {
    return this.burst.peek() ?? this.waiting.peek()
  }

  private wait(delivery: Delivery): void {
    delivery.state = 'waiting'
    delivery.message = detached(delivery.message!)
    if (delivery.qos === 0) this.waitingQos0++
    if (delivery.retain) {
      this.burst.push(delivery)
      return
    }
    this.waiting.push(delivery)
    this.waitingBytes += delivery.bytes
    if (this.waiting.length <= this.bounds.queueMessages && this.waitingBytes <= this.bounds.queueBytes) return
    while (this.waiting.length > this.bounds.queueMessages || this.waitingBytes > this.bounds.queueBytes) this.dropOldest()
    // What is first now may be small enough for the window that the dropped one was too large for.
    this.drain()
  }

  private dropOldest(): void {
    const oldest = this.unqueue()!
    this.dropped++
    if (oldest.qos === 0) {
      this.waitingQos0--
      return
    }
    this.outstanding.delete(oldest.id)
    if (this.keeps(oldest)) this.forget(this, oldest)
  }

  private unqueue(): Delivery | undefined {
    const next = this.waiting.shift()
    if (next !== undefined) this.waitingBytes -= next.bytes
    return next
  }

  private count(delivery: Delivery): void {
    this.underWay++
    this.underWayBytes += delivery.bytes
  }

  private finish(delivery: Delivery): void {
    this.outstanding.delete(delivery.id)
    this.underWay--
    this.underWayBytes -= delivery.bytes
    if (this.keeps(delivery)) this.forget(this, delivery)
    delivery.acknowledged?.()
    this.drain()
  }

  private freeId(): number {
    if (this.outstanding.size >= 65_000) return -1
    do this.lastId = this.lastId === 65_535 ? 1 : this.lastId + 1
    while (this.outstanding.has(this.lastId))
    return this.lastId
  }
}
