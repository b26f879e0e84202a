/** How much is shown of what comes faster than anybody reads: so many a second in all, and of them so many of one kind of thing, so
 *  that a node that shouts leaves room for one that whispers. */
export class Sampler {
  /** Refused since the last one that was let through. */
  private leftOut = 0
  private readonly total: number
  private readonly each: number
  private readonly byKey = new Map<string, number>()
  private windowAt = Number.NEGATIVE_INFINITY
  private taken = 0

  constructor(total: number, each: number) {
    this.total = total
    this.each = each
  }

  /** `counts` false: a refusal leaves nothing out, because it is told in another way. */
  admit(key: string, monoMs: number, counts = true): boolean {
    if (monoMs - this.windowAt >= 1_000) this.open(monoMs)
    const own = this.taken < this.total ? (this.byKey.get(key) ?? 0) : this.each
    if (own >= this.each) {
      if (counts) this.leftOut++
      return false
    }
    this.byKey.set(key, own + 1)
    this.taken++
    return true
  }

  /** How many were left out since the last time this was asked. */
  takeLeftOut(): number {
    const count = this.leftOut
    this.leftOut = 0
    return count
  }

  private open(monoMs: number): void {
    this.windowAt = monoMs
    this.taken = 0
    this.byKey.clear()
  }
}
