import type { Broker, Incoming } from '../broker/broker.ts'
import type { DurableBatch, JournalEvent } from '../contract/events.ts'
import { Batch } from './batch.ts'
import { LaneClosed } from './closed.ts'
import { Counters } from './counters.ts'
import { MessageReader, type Outcome } from './incoming.ts'
import type { Lane, LaneParts, LaneStats } from './ingest.ts'
import { Known } from './known.ts'
import { NodeMemories } from './nodes.ts'
import { type OversizeNotice, OversizeNotices } from './oversize.ts'
import { Quiet } from './quiet.ts'
import { Receipts } from './receipts.ts'
import { Rows } from './rows.ts'

/** The one way through: messages are judged in order, their events go into a batch, the batch becomes durable, is applied, and only
 *  then does `accept` answer. One group after the other; one batch in the making. */
export function openLane(parts: LaneParts): Lane {
  return new OneLane(parts)
}

class OneLane implements Lane {
  /** The last group's turn; the next begins when it ends. */
  private turn: Promise<void> = Promise.resolve()
  /** Set once the lane can't go on: what was judged is not durable. */
  private ended: Error | null = null
  private waitsFor: 'store' | null = null

  private readonly batch: Batch
  private readonly known: Known
  private readonly rows: Rows
  private readonly reader: MessageReader
  private readonly receipts: Receipts
  private readonly counters = new Counters()
  private readonly notices = new OversizeNotices()
  private readonly quiet = new Quiet()
  /** Of the batch in the making: nodes with an ack, nodes to be told what is settled. */
  private readonly acked = new Set<string>()
  private readonly settled = new Set<string>()
  private readonly resent: { readonly node: string; readonly boot: number }[] = []
  private readonly newborn = new Set<string>()

  private readonly parts: LaneParts

  constructor(parts: LaneParts) {
    this.parts = parts
    this.batch = new Batch(parts.batchBounds)
    this.known = new Known(parts.ledger)
    this.rows = new Rows(parts.store)
    this.receipts = new Receipts(parts.ledger, parts.clock)
    this.reader = new MessageReader({
      known: this.known,
      rows: this.rows,
      nodes: new NodeMemories(parts.store),
      clock: parts.clock,
      rateLimit: parts.rateLimit ?? null,
      emit: event => this.take(event),
      ackMatches: parts.ackMatches,
      clockSuspect: parts.clockSuspect,
      removed: parts.removed,
      unclaimed: parts.unclaimed ?? (() => false),
      settleAcks: node => (this.acked.has(node) ? this.commit() : undefined),
      outcome: this.outcome(),
    })
  }

  accept(group: readonly Incoming[]): Promise<void> {
    return this.next(() => this.judgeAll(group))
  }

  oversize(notice: OversizeNotice): void {
    const first = !this.notices.any
    this.notices.add(notice)
    // Nobody waits for it: an error that ends the lane is told to the next `accept`.
    if (first) this.next(() => this.judgeAll([])).catch(() => {})
  }

  between<T>(work: () => T | Promise<T>): Promise<T> {
    return this.quiet.run(work)
  }

  holdReceipts(node: string): () => void {
    return this.receipts.hold(node)
  }

  born(node: string): void {
    this.newborn.add(node)
  }

  stats(): LaneStats {
    const { stored, duplicates, batches, logs } = this.counters
    return { stored, duplicates, rejected: this.counters.rejectedByReason(), batches, logs, ...this.health() }
  }

  sendReceiptsThrough(broker: Pick<Broker, 'publish'>): void {
    this.receipts.through(broker)
  }

  async close(): Promise<void> {
    this.receipts.close()
    const last = this.turn
    this.ended ??= new LaneClosed('the lane is closed')
    await last
  }

  /** Groups are strictly serial: a group's rows and numbers must be applied before the next is judged. */
  private next(work: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(() => {
      if (this.ended) throw this.ended
      return work()
    })
    this.turn = mine.catch(error => {
      this.ended ??= error
    })
    return mine
  }

  private async judgeAll(group: readonly Incoming[]): Promise<void> {
    for (const notice of this.notices.take()) this.take(notice)
    for (const message of group) {
      const asked = this.reader.read(message)
      if (asked) await asked
      if (this.batch.full()) await this.commit()
    }
    await this.commit()
  }

  private take(event: JournalEvent): void {
    if (this.batch.empty) this.quiet.batchBegins()
    this.batch.add(event)
    this.known.note(event)
    if (event.kind === 'ack') this.acked.add(event.node)
  }

  private async commit(): Promise<void> {
    if (!this.batch.empty) {
      await this.roomInStore()
      const events = this.batch.take()
      const end = await this.parts.journal.append(events)
      await this.quiet.workDone()
      this.apply({ events, end })
      this.quiet.batchEnds()
    }
    this.tellNodes()
    await this.quiet.workDone()
  }

  private apply(durable: DurableBatch): void {
    for (const event of durable.events) this.parts.ledger.apply(event)
    for (const applier of this.parts.appliers) applier.apply(durable, true)
    this.known.clear()
    this.rows.clear()
    this.acked.clear()
    this.counters.count(durable.events)
  }

  private async roomInStore(): Promise<void> {
    const room = this.parts.store.room()
    if (!room) return
    this.waitsFor = 'store'
    await room
    this.waitsFor = null
  }

  /** What is settled is durable now, and the ledger knows it. */
  private tellNodes(): void {
    for (const node of this.settled) this.receipts.settled(node)
    for (const { node, boot } of this.resent) this.receipts.resent(node, boot)
    for (const node of this.newborn) this.receipts.born(node)
    this.settled.clear()
    this.resent.length = 0
    this.newborn.clear()
    this.receipts.sendDue()
  }

  private outcome(): Outcome {
    return {
      log: () => this.counters.logs++,
      telemetry: (node, { settled, resentBoot }) => {
        if (settled) this.settled.add(node)
        if (resentBoot !== null) this.resent.push({ node, boot: resentBoot })
      },
    }
  }

  private health(): { ok: boolean; detail: string } {
    if (this.ended) return { ok: false, detail: this.ended.message || 'the journal was closed before a batch was durable' }
    const journal = this.parts.journal.health()
    if (!journal.ok) return { ok: false, detail: `nothing is acknowledged: ${journal.detail}` }
    if (this.waitsFor) return { ok: false, detail: 'the store has no room for more rows yet; publishers are paused' }
    return { ok: true, detail: '' }
  }
}
