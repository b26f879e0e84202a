import type { BrokerHandlers, Incoming } from '../broker.ts'

/** Who has to be told that messages are durable: the connection that brought them. Packet ids mean nothing on another one. */
export interface Acknowledger {
  /** One write for all of them, in the order of arrival [MQTT-4.6.0-2]; nothing if the connection is gone. */
  acknowledge(ids: readonly number[]): void
  /** There is room again. */
  goOn(): void
}

export interface IntakeBounds {
  readonly waitingMessages: number
  readonly waitingBytes: number
}

/** From what was read to what is durable: all that came while one group was made durable is the next group. It holds a bounded number;
 *  whoever fills it stops reading (`full`) until `goOn`. */
export class Intake {
  private group: Incoming[] = []
  private ids: number[] = []
  private from: Acknowledger | null = null
  private bytes = 0
  private working: Promise<void> | null = null
  private ended = false
  private readonly handlers: Pick<BrokerHandlers, 'accept'>
  private readonly bounds: IntakeBounds
  private readonly onEnded: (failure: unknown) => void

  /** `onEnded`: nothing can be made durable any more, and nothing is acknowledged. */
  constructor(handlers: Pick<BrokerHandlers, 'accept'>, bounds: IntakeBounds, onEnded: (failure: unknown) => void) {
    this.handlers = handlers
    this.bounds = bounds
    this.onEnded = onEnded
  }

  get full(): boolean {
    // Ids alone count too: a session may bring what is acknowledged and otherwise ignored.
    return Math.max(this.group.length, this.ids.length) >= this.bounds.waitingMessages || this.bytes >= this.bounds.waitingBytes
  }

  /** What is read from now on is acknowledged through this one; what an earlier one brought is taken in, but not acknowledged: the
   *  broker sends it again, and it is found to be a repeat. */
  begin(from: Acknowledger): void {
    this.from = from
    this.ids = []
  }

  add(message: Incoming): void {
    this.group.push(message)
    this.bytes += message.payload.length
  }

  /** This packet is to be acknowledged with the group that is being collected. 0: QoS 0, nothing to do. */
  owe(id: number): void {
    if (id !== 0) this.ids.push(id)
  }

  /** A read is over: what it brought may go on its way. */
  turn(): void {
    if (this.working !== null || this.ended || (this.group.length === 0 && this.ids.length === 0)) return
    this.working = this.work().finally(() => {
      this.working = null
    })
  }

  /** Everything that was read is durable and acknowledged, or never will be. */
  async drained(): Promise<void> {
    this.turn()
    while (this.working !== null) await this.working
  }

  private async work(): Promise<void> {
    while (this.group.length > 0 || this.ids.length > 0) {
      const { group, ids, from } = this
      const wasFull = this.full
      this.group = []
      this.ids = []
      this.bytes = 0
      if (wasFull) from?.goOn()
      try {
        await this.handlers.accept(group)
      } catch (failure) {
        this.ended = true
        this.onEnded(failure)
        return
      }
      from?.acknowledge(ids)
    }
  }
}
