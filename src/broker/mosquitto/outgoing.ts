import type { Outgoing } from '../broker.ts'

/** The broker is not connected, or went before it had acknowledged. */
export class BrokerAway extends Error {}

/** What becomes of a message when the connection ends before its PUBACK. `latest`: the newest of its topic goes out on the next
 *  connection (a receipt says all that the ones before it said; what is retained has to be right). `give up`: it is too late then (a
 *  status with the time in it), or it must not be sent twice (a command: who sends it again is the fleet's to decide). */
export type WhenLost = 'latest' | 'give up'

interface Entry {
  readonly message: Outgoing
  readonly whenLost: WhenLost
  readonly done: () => void
  readonly fail: (why: Error) => void
}

/** Writes a PUBLISH into the socket's next write. */
export type Put = (message: Outgoing, id: number) => void

/** The manager's own publishes with QoS 1: packet ids, a window, and what outlives a connection. A machine without I/O. */
export class OutgoingMessages {
  private readonly inflight = new Map<number, Entry>()
  /** In order; of `latest` ones one a topic. */
  private readonly waiting = new Map<string | symbol, Entry>()
  private put: Put | null = null
  private lastId = 0
  private readonly window: number
  private readonly bound: number

  constructor(window: number, bound: number) {
    this.window = window
    this.bound = bound
  }

  /** Resolves at the broker's PUBACK, or when a newer one of its topic took its place. */
  publish(message: Outgoing, whenLost: WhenLost): Promise<void> {
    return new Promise((done, fail) => {
      const entry: Entry = { message, whenLost, done, fail }
      if (this.put === null && whenLost === 'give up') return fail(new BrokerAway('the broker is not connected'))
      if (this.waiting.size >= this.bound) return fail(new BrokerAway('too much waits for the broker already'))
      this.wait(entry)
      this.send()
    })
  }

  opened(put: Put): void {
    this.put = put
    this.send()
  }

  closed(): void {
    this.put = null
    const later = [...this.waiting.values()]
    const before = [...this.inflight.values()]
    this.waiting.clear()
    this.inflight.clear()
    for (const entry of [...before, ...later]) {
      if (entry.whenLost === 'latest') this.wait(entry)
      else entry.fail(new BrokerAway('the broker went away before it acknowledged'))
    }
  }

  /** false: nobody waits for this one. */
  acknowledged(id: number): boolean {
    const entry = this.inflight.get(id)
    if (entry === undefined) return false
    this.inflight.delete(id)
    entry.done()
    this.send()
    return true
  }

  /** Nothing will be sent any more. */
  end(): void {
    this.put = null
    for (const entry of [...this.inflight.values(), ...this.waiting.values()]) entry.fail(new BrokerAway('the broker was closed'))
    this.inflight.clear()
    this.waiting.clear()
  }

  private wait(entry: Entry): void {
    const key = entry.whenLost === 'latest' ? entry.message.topic : Symbol()
    const older = this.waiting.get(key)
    this.waiting.delete(key)
    this.waiting.set(key, entry)
    older?.done()
  }

  private send(): void {
    if (this.put === null) return
    for (const [key, entry] of this.waiting) {
      if (this.inflight.size >= this.window) return
      this.waiting.delete(key)
      const id = this.freeId()
      this.inflight.set(id, entry)
      this.put(entry.message, id)
    }
  }

  /** Never runs out: the window is far below 65,535. */
  private freeId(): number {
    for (;;) {
      this.lastId = this.lastId === 65_535 ? 1 : this.lastId + 1
      if (!this.inflight.has(this.lastId)) return this.lastId
    }
  }
}
