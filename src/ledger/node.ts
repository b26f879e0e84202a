import { limits } from '../contract/limits.ts'
import type { Status } from '../contract/schemas.ts'
import { Births } from './births.ts'
import { Boot } from './boot.ts'
import type { LedgerReport, ReceiptEntry } from './ledger.ts'

export interface Totals {
  readonly expected: number
  readonly stored: number
  readonly rejected: number
  readonly lost: number
}

const dayMs = 86_400_000
/** Boots a receipt speaks of (wire contract §3). */
const receiptAgeMs = 30 * dayMs
/** A boot takes a few hundred bytes. One that was silent for 30 days may still come back (a board from the drawer sends its ring),
 *  so it becomes a total only when there are many; a node that reboots all the time is bounded by the second number. */
const keptBoots = 64
const mostBoots = 1024

/** The account of one node: its boots and the rules between them. */
export class NodeAccount {
  readonly node: string
  readonly boots = new Map<number, Boot>()
  /** Of live `online:true` that name a boot. */
  readonly births = new Births()
  /** Repeats since the node numbers its readings. */
  duplicates = 0
  /** What the boots came to that are no longer kept singly; their missing ones count as lost. */
  folded: Totals = { expected: 0, stored: 0, rejected: 0, lost: 0 }
  changed = false
  /** Boots first heard of behind that. A broker that is not ours may have lost the birth of the newest of them, and then `oldest` in
   *  the boot before it says nothing of what this one holds (wire contract §3). A live status comes each minute, so not for long. */
  readonly young = new Set<number>()
  /** Boots with missing readings, so that `oldest` in every message need not look through all. */
  private readonly withMissing = new Set<Boot>()
  private turns = 0
  private current: Boot | undefined

  constructor(node: string) {
    this.node = node
  }

  known(boot: number, seq: number): 'no' | 'stored' | 'rejected' {
    const account = this.current?.boot === boot ? this.current : this.boots.get(boot)
    if (account === undefined || !account.came.has(seq)) return 'no'
    return account.rejected.count > 0 && account.rejected.has(seq) ? 'rejected' : 'stored'
  }

  came(boot: number, seq: number, time: number, arrived: number, rejected: boolean): void {
    const account = this.spokenOf(boot, arrived)
    const next = seq === account.known + 1
    account.add(seq, time, rejected)
    if (!next) this.noteMissing(account)
  }

  /** The node's word on what it still holds (wire contract §3). */
  oldest(ownBoot: number, boot: number, seq: number, arrived: number): void {
    const account = this.spokenOf(boot, arrived)
    if (ownBoot !== boot && this.boots.has(ownBoot)) this.spokenOf(ownBoot, arrived)
    if (account.holdsFrom(seq)) this.noteMissing(account)
    // A word lower than an earlier one is late, not wrong: nothing older was held when it was said, so nothing of another boot.
    if (boot === this.births.latest) this.loseOthers(account)
  }

  /** As `oldest`, asked: would it lose anything? A boot nobody spoke of yet may have lost its beginning. */
  oldestIsNews(boot: number, seq: number): boolean {
    const account = this.boots.get(boot)
    if (account === undefined) return true
    if (seq >= account.oldest && account.wouldLoseBelow(seq)) return true
    return boot === this.births.latest && this.losable(account).next().done !== true
  }

  born(boot: number, status: Status, arrived: number): void {
    if (this.births.isNews(boot, status)) this.young.clear()
    if (this.boots.has(boot)) this.spokenOf(boot, arrived)
  }

  receipt(now: number, asked: readonly number[] = []): ReceiptEntry[] {
    const first = asked.flatMap(boot => this.boots.get(boot) ?? [])
    const recent = [...this.boots.values()].filter(boot => boot.lastMs >= now - receiptAgeMs && !first.includes(boot))
    const entries: ReceiptEntry[] = []
    for (const boot of [...first, ...recent.sort((a, b) => b.turn - a.turn)]) {
      if (entries.length === limits.receiptEntries) break
      const entry = boot.receipt()
      if (entry) entries.push(entry)
    }
    return entries
  }

  report(): LedgerReport {
    let { expected, stored, rejected, lost } = this.folded
    let missing = 0
    for (const boot of this.boots.values()) {
      expected += boot.expected
      stored += boot.stored
      rejected += boot.rejected.count
      missing += boot.missing
      lost += boot.lost
    }
    const gaps = [...this.boots.values()].flatMap(boot => boot.gaps())
    return { node: this.node, expected, stored, duplicates: this.duplicates, rejected, missing, lost, gaps }
  }

  /** Puts a kept boot back; they come in the order in which they were last spoken of. */
  restoreBoot(boot: Boot): void {
    boot.turn = ++this.turns
    this.boots.set(boot.boot, boot)
    this.current = boot
    this.noteMissing(boot)
  }

  private spokenOf(boot: number, arrived: number): Boot {
    let account = this.current
    if (account?.boot !== boot) {
      account = this.boots.get(boot) ?? this.open(boot, arrived)
      account.turn = ++this.turns
      this.current = account
    }
    if (arrived > account.lastMs) account.lastMs = arrived
    return account
  }

  private open(boot: number, arrived: number): Boot {
    const account = new Boot(boot)
    this.boots.set(boot, account)
    if (this.births.latest !== null) this.young.add(boot)
    if (this.boots.size > keptBoots) this.foldOld(account, arrived - receiptAgeMs)
    return account
  }

  private noteMissing(boot: Boot): void {
    if (boot.missing > 0) this.withMissing.add(boot)
    else this.withMissing.delete(boot)
  }

  private loseOthers(own: Boot): void {
    for (const boot of this.losable(own)) {
      boot.holdsNothing()
      this.withMissing.delete(boot)
    }
  }

  /** What a node that holds nothing older than its own boot can have lost. */
  private *losable(own: Boot): Generator<Boot> {
    for (const boot of this.withMissing) if (boot !== own && !this.young.has(boot.boot)) yield boot
  }

  private foldOld(newest: Boot, before: number): void {
    const byTurn = [...this.boots.values()].filter(boot => boot !== newest).sort((a, b) => a.turn - b.turn)
    for (const boot of byTurn) if (boot.lastMs < before || this.boots.size > mostBoots) this.fold(boot)
  }

  private fold(boot: Boot): void {
    const { expected, stored, rejected, lost } = this.folded
    this.folded = {
      expected: expected + boot.expected,
      stored: stored + boot.stored,
      rejected: rejected + boot.rejected.count,
      lost: lost + boot.lost + boot.missing,
    }
    this.boots.delete(boot.boot)
    this.young.delete(boot.boot)
    this.withMissing.delete(boot)
  }
}
