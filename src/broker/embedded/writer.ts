import type { Socket } from 'node:net'
import { type Answer, answer, connack, pingresp, publishSize, suback, writeAnswer, writePublish } from '../wire/packets.ts'
import type { Message, Qos, Sink } from './message.ts'
import { Outbox } from './outbox.ts'

export interface OutCounters {
  messagesOut: number
  bytesOut: number
}

/** What one client is told: answers and deliveries, as packets into its outbox. */
export class Writer implements Sink {
  /** Closed to deliveries once the client is leaving; what it sent before is still acknowledged. */
  open = false
  private readonly outbox: Outbox
  private readonly unsentBytes: number
  private readonly counters: OutCounters

  /** `onTaken`: the socket took what was on the way. */
  constructor(socket: Socket, unsentBytes: number, counters: OutCounters, onTaken: () => void) {
    this.outbox = new Outbox(socket, onTaken)
    this.unsentBytes = unsentBytes
    this.counters = counters
  }

  /** Is a write waiting for the socket? */
  get waiting(): boolean {
    return this.outbox.waiting
  }

  publish(message: Message, qos: Qos, id: number, retain: boolean, dup: boolean): boolean {
    if (!this.open) return true
    const { outbox } = this
    if (qos === 0 && outbox.unsent > this.unsentBytes) return false
    const { wire } = message.known
    const size = publishSize(wire.length - 2, message.payload.length, qos)
    const block = outbox.room(size)
    outbox.at = writePublish(block, outbox.at, wire, message.payload, qos, retain, dup, id)
    this.counters.messagesOut++
    this.counters.bytesOut += size
    return true
  }

  ready(): boolean {
    if (!this.open) return false
    if (this.outbox.unsent < this.unsentBytes) return true
    this.outbox.wanted = true
    return false
  }

  pubrel(id: number): void {
    this.answer(answer.pubrel, id)
  }

  answer(first: Answer, id: number): void {
    const { outbox } = this
    const block = outbox.room(4)
    outbox.at = writeAnswer(block, outbox.at, first, id)
    this.counters.bytesOut += 4
  }

  connack(code: number, sessionPresent: boolean): void {
    this.put(connack(code, sessionPresent))
  }

  suback(id: number, codes: readonly number[]): void {
    this.put(suback(id, codes))
  }

  pingresp(): void {
    this.put(pingresp)
  }

  put(packet: Buffer): void {
    this.outbox.put(packet)
    this.counters.bytesOut += packet.length
  }

  /** Hands over all at once: nothing will follow. */
  finish(): void {
    this.outbox.finish()
  }
}
