import type { Broker } from '../broker/broker.ts'
import { encodeReceipts } from '../contract/encode.ts'
import { limits } from '../contract/limits.ts'
import { nodeTopic } from '../contract/topics.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** Sends receipts (wire contract §3): to nodes that number their readings, when something was settled or came again, at most once a
 *  second each; and at each birth. The ledger never stands ahead of the journal, so a receipt says only what is durable. */
export class Receipts {
  /** Nodes that wait for one, and from when on (monotonic ms). */
  private readonly due = new Map<string, number>()
  private readonly sentAt = new Map<string, number>()
  private readonly underWay = new Set<string>()
  /** Boots of which settled readings came again: the node never saw, or lost, the receipt that spoke of them. */
  private readonly asked = new Map<string, Set<number>>()
  /** Nodes whose receipts are withheld. */
  private readonly held = new Set<string>()
  private earliest = Number.POSITIVE_INFINITY
  private timer: NodeJS.Timeout | null = null
  private armedFor = 0
  private broker: Pick<Broker, 'publish'> | null = null

  private readonly ledger: Pick<Ledger, 'receipt'>
  private readonly clock: Clock

  constructor(ledger: Pick<Ledger, 'receipt'>, clock: Clock) {
    this.ledger = ledger
    this.clock = clock
  }

  /** The node gets none until the answer is called. */
  hold(node: string): () => void {
    this.held.add(node)
    return () => {
      if (this.held.delete(node)) this.settled(node)
      this.sendDue()
    }
  }

  through(broker: Pick<Broker, 'publish'>): void {
    this.broker = broker
    this.sendDue()
  }

  /** Something of this node was settled, or came again after it was. */
  settled(node: string): void {
    if (this.due.has(node)) return
    const last = this.sentAt.get(node)
    const now = this.clock.monoMs()
    this.wait(node, last === undefined ? now : Math.max(now, last + everyMs))
  }

  /** Something of this boot came again after it was settled: the next receipt speaks of it, be it of the newest boots or not. */
  resent(node: string, boot: number): void {
    const asked = this.asked.get(node)
    if (asked) asked.add(boot)
    else this.asked.set(node, new Set([boot]))
    this.settled(node)
  }

  /** The node was born: it gets one whether or not it had one this second. */
  born(node: string): void {
    this.wait(node, this.clock.monoMs())
  }

  /** Sends what is due, and sets the timer for the rest. */
  sendDue(): void {
    const now = this.clock.monoMs()
    if (this.broker && now >= this.earliest) this.sendDueBy(now)
    this.arm(now)
  }

  private sendDueBy(now: number): void {
    this.earliest = Number.POSITIVE_INFINITY
    for (const [node, at] of this.due) {
      if (at > now) this.earliest = Math.min(this.earliest, at)
      else if (this.underWay.has(node) || this.held.has(node)) this.wait(node, now + everyMs)
      else this.send(node, now)
    }
    if (this.sentAt.size > rememberedNodes) this.forgetOld(now)
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer)
    this.broker = null
    this.due.clear()
    this.asked.clear()
  }

  private wait(node: string, at: number): void {
    this.due.set(node, at)
    this.earliest = Math.min(this.earliest, at)
  }

  private send(node: string, now: number): void {
    this.due.delete(node)
    const entries = this.ledger.receipt(node, this.clock.wallMs(), this.takeAsked(node, now))
    if (entries.length === 0) return
    this.sentAt.set(node, now)
    this.underWay.add(node)
    const message = { topic: nodeTopic(node, 'receipt'), payload: encodeReceipts(entries), qos: 1 as const, retain: false }
    // Never awaited: the broker may route behind the very group that is being accepted. A lost receipt heals by the next resend.
    this.broker!.publish(message)
      .catch(() => {})
      .finally(() => this.underWay.delete(node))
  }

  /** As many as one receipt holds; the others have to wait for the next. */
  private takeAsked(node: string, now: number): number[] {
    const asked = this.asked.get(node)
    if (!asked) return []
    const taken = [...asked].slice(0, limits.receiptEntries)
    for (const boot of taken) asked.delete(boot)
    if (asked.size === 0) this.asked.delete(node)
    else this.wait(node, now + everyMs)
    return taken
  }

  private arm(now: number): void {
    if (!this.broker || this.earliest === Number.POSITIVE_INFINITY) return
    if (this.timer) {
      if (this.armedFor <= this.earliest) return
      clearTimeout(this.timer)
    }
    this.armedFor = this.earliest
    this.timer = setTimeout(
      () => {
        this.timer = null
        this.sendDue()
      },
      Math.max(1, Math.ceil(this.earliest - now)),
    )
    this.timer.unref()
  }

  private forgetOld(now: number): void {
    for (const [node, at] of this.sentAt) if (at + everyMs <= now) this.sentAt.delete(node)
  }
}

const everyMs = 1_000
const rememberedNodes = 10_000
