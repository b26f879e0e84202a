/** A set of seqs as runs [from, to] in rising order, each with the time of its first and of its last reading: what stands at the
 *  borders of a gap. Adding the seq right behind the last one touches three numbers and allocates nothing. The runs lie in chunks:
 *  in one long array a node that sends every other seq first would move megabytes a reading (bench/ledger at 1 M runs: 0.26 µs
 *  a reading in chunks; in one array it did not end within minutes). */
export class Runs {
  /** Never empty ones, but for the only one of an empty set. */
  private readonly chunks: Chunk[]
  count = 0

  /** `edges` and `times` as flat() gives them; without times none is known. */
  constructor(edges: readonly number[] = [], times?: readonly number[]) {
    this.chunks = []
    for (let i = 0; i < edges.length || i === 0; i += chunkEdges / 2) {
      const part = edges.slice(i, i + chunkEdges / 2)
      this.chunks.push({ edges: part, times: times ? times.slice(i, i + chunkEdges / 2) : part.map(() => Number.NaN) })
    }
    for (let i = 0; i < edges.length; i += 2) this.count += edges[i + 1]! - edges[i]! + 1
  }

  /** from, to, from, to, … and by the same places the Unix ms of the run's lowest and highest seq that has a time, NaN for none. */
  flat(): { edges: number[]; times: number[] } {
    return { edges: this.chunks.flatMap(chunk => chunk.edges), times: this.chunks.flatMap(chunk => chunk.times) }
  }

  /** False when it was there already. `time` NaN: unknown. */
  add(seq: number, time: number): boolean {
    const last = this.chunks[this.chunks.length - 1]!
    const end = last.edges.length
    if (end > 0 && seq === last.edges[end - 1]! + 1) {
      lengthen(last, end - 2, seq, time)
      this.count++
      return true
    }
    if (this.has(seq)) return false
    this.insert(seq, time)
    this.count++
    return true
  }

  has(seq: number): boolean {
    const { edges } = this.chunks[this.chunkOf(seq)]!
    const at = placeBehind(edges, seq) - 2
    return at >= 0 && seq <= edges[at + 1]!
  }

  /** The highest member, -1 for none. */
  get highest(): number {
    return this.chunks[this.chunks.length - 1]!.edges.at(-1) ?? -1
  }

  /** The last of the unbroken run that begins at `seq`; seq − 1 when it is no member. */
  unbrokenFrom(seq: number): number {
    const { edges } = this.chunks[this.chunkOf(seq)]!
    const at = placeBehind(edges, seq) - 2
    return at >= 0 && seq <= edges[at + 1]! ? edges[at + 1]! : seq - 1
  }

  /** Members in [from, to). Walks the runs in between only. */
  countIn(from: number, to: number): number {
    let sum = 0
    let chunk = this.chunkOf(from)
    let at = Math.max(0, placeBehind(this.chunks[chunk]!.edges, from) - 2)
    for (; chunk < this.chunks.length; chunk++, at = 0) {
      const { edges } = this.chunks[chunk]!
      for (; at < edges.length; at += 2) {
        if (edges[at]! >= to) return sum
        sum += Math.max(0, Math.min(edges[at + 1]! + 1, to) - Math.max(edges[at]!, from))
      }
    }
    return sum
  }

  /** The holes in [0, end), with the times of the runs beside them (NaN for none). */
  *holes(end: number): Generator<{ from: number; to: number; before: number; after: number }> {
    let from = 0
    let before = Number.NaN
    for (const { edges, times } of this.chunks) {
      for (let at = 0; at < edges.length && from < end; at += 2) {
        if (edges[at]! > from) yield { from, to: Math.min(edges[at]!, end) - 1, before, after: times[at]! }
        from = edges[at + 1]! + 1
        before = times[at + 1]!
      }
    }
    if (from < end) yield { from, to: end - 1, before, after: Number.NaN }
  }

  /** The last chunk that begins at or before `seq`, or the first. */
  private chunkOf(seq: number): number {
    let low = 1
    let high = this.chunks.length
    if (this.chunks[high - 1]!.edges[0]! <= seq) return high - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.chunks[middle]!.edges[0]! <= seq) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Adds what is not there: to the run before, to the run behind, between both, or as a run of its own. */
  private insert(seq: number, time: number): void {
    const number = this.chunkOf(seq)
    const chunk = this.chunks[number]!
    const place = placeBehind(chunk.edges, seq)
    const behindHere = place < chunk.edges.length
    const behind = behindHere ? chunk : this.chunks[number + 1]
    const at = behindHere ? place : 0
    const touchesBehind = behind !== undefined && behind.edges[at] === seq + 1
    if (place > 0 && chunk.edges[place - 1]! + 1 === seq) {
      lengthen(chunk, place - 2, seq, time)
      if (!touchesBehind) return
      swallow(chunk, place - 2, behind, at)
      if (behind.edges.length === 0) this.chunks.splice(number + 1, 1)
    } else if (touchesBehind) {
      behind.edges[at] = seq
      if (!Number.isNaN(time)) behind.times[at] = time
      if (Number.isNaN(behind.times[at + 1]!)) behind.times[at + 1] = time
    } else {
      chunk.edges.splice(place, 0, seq, seq)
      chunk.times.splice(place, 0, time, time)
      if (chunk.edges.length > chunkEdges) this.split(number)
    }
  }

  /** In the middle; the last one near its end, for there it grows. */
  private split(number: number): void {
    const { edges, times } = this.chunks[number]!
    const at = number === this.chunks.length - 1 ? chunkEdges - 2 : chunkEdges / 2
    this.chunks.splice(number + 1, 0, { edges: edges.splice(at), times: times.splice(at) })
  }
}

interface Chunk {
  readonly edges: number[]
  readonly times: number[]
}

/** 256 runs: 4 KiB to move at the most. */
const chunkEdges = 512

/** The place of the first run that begins behind `seq`. */
function placeBehind(edges: readonly number[], seq: number): number {
  let low = 0
  let high = edges.length >> 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (edges[2 * middle]! <= seq) low = middle + 1
    else high = middle
  }
  return 2 * low
}

function lengthen({ edges, times }: Chunk, at: number, seq: number, time: number): void {
  edges[at + 1] = seq
  if (Number.isNaN(time)) return
  times[at + 1] = time
  if (Number.isNaN(times[at]!)) times[at] = time
}

/** Joins the run at `from` of `other` to the one at `at`, which it touches. */
function swallow(chunk: Chunk, at: number, other: Chunk, from: number): void {
  const [, to] = other.edges.splice(from, 2)
  const [first, last] = other.times.splice(from, 2)
  chunk.edges[at + 1] = to!
  if (Number.isNaN(chunk.times[at]!)) chunk.times[at] = first!
  if (!Number.isNaN(last!)) chunk.times[at + 1] = last!
}
