/** A set of seqs as runs [from, to] in rising order, each with the time of its first and of its last reading: what stands at the
 *  borders of a gap. Adding the seq right behind the last one touches three numbers and allocates nothing. */
export class Runs {
  /** from, to, from, to, … */
  readonly edges: number[]
  /** Unix ms of the run's lowest and highest seq that has a time, by the same places; NaN for none (rejects have no time). */
  readonly times: number[]
  count = 0

  constructor(edges: number[] = [], times: number[] = []) {
    this.edges = edges
    this.times = times
    for (let i = 0; i < edges.length; i += 2) this.count += edges[i + 1]! - edges[i]! + 1
  }

  /** False when it was there already. */
  add(seq: number, time: number): boolean {
    const { edges, times } = this
    const end = edges.length
    if (end > 0 && seq === edges[end - 1]! + 1) {
      edges[end - 1] = seq
      this.lengthen(end - 2, time)
      this.count++
      return true
    }
    const after = this.firstAfter(seq)
    const before = after - 2
    if (before >= 0 && seq <= edges[before + 1]!) return false
    const touchesBefore = before >= 0 && edges[before + 1]! + 1 === seq
    const touchesAfter = after < end && edges[after] === seq + 1
    if (touchesBefore) {
      edges[before + 1] = seq
      this.lengthen(before, time)
      if (touchesAfter) this.join(before)
    } else if (touchesAfter) {
      edges[after] = seq
      if (!Number.isNaN(time)) times[after] = time
      if (Number.isNaN(times[after + 1]!)) times[after + 1] = time
    } else {
      edges.splice(after, 0, seq, seq)
      times.splice(after, 0, time, time)
    }
    this.count++
    return true
  }

  has(seq: number): boolean {
    const at = this.firstAfter(seq) - 2
    return at >= 0 && seq <= this.edges[at + 1]!
  }

  /** The highest member, -1 for none. */
  get highest(): number {
    return this.edges.at(-1) ?? -1
  }

  /** The last of the unbroken run that begins at `seq`; seq − 1 when it is no member. */
  unbrokenFrom(seq: number): number {
    const at = this.firstAfter(seq) - 2
    return at >= 0 && seq <= this.edges[at + 1]! ? this.edges[at + 1]! : seq - 1
  }

  /** Members in [from, to). Walks the runs in between only. */
  countIn(from: number, to: number): number {
    let sum = 0
    for (let i = Math.max(0, this.firstAfter(from) - 2); i < this.edges.length && this.edges[i]! < to; i += 2)
      sum += Math.max(0, Math.min(this.edges[i + 1]! + 1, to) - Math.max(this.edges[i]!, from))
    return sum
  }

  /** The holes in [0, end), with the times of the runs beside them (NaN for none). */
  *holes(end: number): Generator<{ from: number; to: number; before: number; after: number }> {
    let from = 0
    for (let i = 0; i <= this.edges.length && from < end; i += 2) {
      const next = this.edges[i] ?? end
      if (next > from)
        yield { from, to: Math.min(next, end) - 1, before: this.times[i - 1] ?? Number.NaN, after: this.times[i] ?? Number.NaN }
      from = (this.edges[i + 1] ?? end) + 1
    }
  }

  /** The place in `edges` of the first run that begins behind `seq`. */
  private firstAfter(seq: number): number {
    const { edges } = this
    let low = 0
    let high = edges.length >> 1
    if (high > 0 && edges[2 * high - 2]! <= seq) return 2 * high
    while (low < high) {
      const middle = (low + high) >> 1
      if (edges[2 * middle]! <= seq) low = middle + 1
      else high = middle
    }
    return 2 * low
  }

  private lengthen(at: number, time: number): void {
    if (Number.isNaN(time)) return
    this.times[at + 1] = time
    if (Number.isNaN(this.times[at]!)) this.times[at] = time
  }

  /** The run at `at` and the next one, which touch. */
  private join(at: number): void {
    const { edges, times } = this
    edges[at + 1] = edges[at + 3]!
    if (Number.isNaN(times[at]!)) times[at] = times[at + 2]!
    if (!Number.isNaN(times[at + 3]!)) times[at + 1] = times[at + 3]!
    edges.splice(at + 2, 2)
    times.splice(at + 2, 2)
  }
}
