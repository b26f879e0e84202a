import type { Gap, ReceiptEntry } from './ledger.ts'
import { Runs } from './runs.ts'

/** The account of one boot of a node. A seq has come (stored or rejected) or not; one that has not is lost below `lostBelow`,
 *  missing above. So the booking of any span is one number, and a late reading takes itself out of the lost. */
export class Boot {
  readonly boot: number
  /** Stored or rejected. */
  readonly came: Runs
  /** A subset of `came`. */
  readonly rejected: Runs
  /** The highest seq known to exist: it came, or the node named it as its oldest; -1 for none. */
  known: number
  /** The node's highest word on its oldest reading of this boot; -1 for none. */
  oldest: number
  lostBelow: number
  /** Unix ms of the last message about it. */
  lastMs = 0
  /** Orders a node's boots by when they were last spoken of. */
  turn = 0
  private cameBelow: number

  constructor(boot: number, state: BootState = empty()) {
    this.boot = boot
    this.came = state.came
    this.rejected = state.rejected
    this.oldest = state.oldest
    this.lostBelow = state.lostBelow
    this.known = Math.max(this.came.highest, this.oldest)
    this.cameBelow = this.came.countIn(0, this.lostBelow)
  }

  /** A reading came. One that came before never changes the account again: false. */
  add(seq: number, time: number, rejected: boolean): boolean {
    if (!this.came.add(seq, time)) return false
    if (rejected) this.rejected.add(seq, Number.NaN)
    if (seq > this.known) this.known = seq
    if (seq < this.lostBelow) this.cameBelow++
    return true
  }

  /** The node holds nothing below `seq` of this boot any more. A lower word later is ignored: false. */
  holdsFrom(seq: number): boolean {
    if (seq < this.oldest) return false
    this.oldest = seq
    if (seq > this.known) this.known = seq
    this.loseBelow(seq)
    return true
  }

  /** The node holds nothing of this boot. */
  holdsNothing(): void {
    this.loseBelow(this.known + 1)
  }

  /** Is something missing below `seq`? The reading right behind the last known one is on its way with the question. */
  wouldLoseBelow(seq: number): boolean {
    if (seq > this.known + 1) return true
    return seq > this.lostBelow && this.came.countIn(this.lostBelow, seq) < seq - this.lostBelow
  }

  private loseBelow(seq: number): void {
    if (seq <= this.lostBelow) return
    this.cameBelow += this.came.countIn(this.lostBelow, seq)
    this.lostBelow = seq
  }

  get expected(): number {
    return this.known + 1
  }
  get stored(): number {
    return this.came.count - this.rejected.count
  }
  get lost(): number {
    return this.lostBelow - this.cameBelow
  }
  get missing(): number {
    return this.known + 1 - this.lostBelow - (this.came.count - this.cameBelow)
  }

  /** undefined while nothing is settled. */
  receipt(): ReceiptEntry | undefined {
    const seen = Math.max(this.came.highest, this.lostBelow - 1)
    if (seen < 0) return undefined
    const settledTo = this.came.unbrokenFrom(this.lostBelow)
    const entry = { boot: this.boot, seq: settledTo < 0 ? null : settledTo, seen }
    return this.rejected.count > 0 ? { ...entry, rejected: this.rejected.count } : entry
  }

  gaps(): Gap[] {
    const gaps: Gap[] = []
    for (const { from, to, before, after } of this.came.holes(this.known + 1)) {
      const gap = (first: number, last: number, state: Gap['state']): void => {
        gaps.push({ boot: this.boot, from: first, to: last, first_ms: orNull(before), last_ms: orNull(after), state })
      }
      if (from < this.lostBelow) gap(from, Math.min(to, this.lostBelow - 1), 'lost')
      if (to >= this.lostBelow) gap(Math.max(from, this.lostBelow), to, 'open')
    }
    return gaps
  }
}

export type BootState = Pick<Boot, 'came' | 'rejected' | 'oldest' | 'lostBelow'>

const empty = (): BootState => ({ came: new Runs(), rejected: new Runs(), oldest: -1, lostBelow: 0 })

const orNull = (time: number): number | null => (Number.isNaN(time) ? null : time)
