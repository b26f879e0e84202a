import type { Row } from '../readings.ts'

/** One field's values beside the times of its node; NaN = no value. */
export interface Column {
  readonly name: string
  values: Float64Array
}

/** A run of rows as columns, to be added as it stands: strictly rising times. `known` 0 = without boot and seq. */
export interface Block {
  readonly times: Float64Array
  readonly boots: Uint32Array
  readonly seqs: Uint32Array
  readonly known: Uint8Array
  readonly columns: readonly { readonly name: string; readonly values: Float64Array }[]
}

/** Rows further from the end than this are not shifted in one by one but gathered and merged in: a random backlog of 250,000 rows
 *  would otherwise move megabytes a row. */
const shiftRows = 4_096

/** The rows of one node in typed arrays, sorted by time, one row a time. What is added at a time that is there merges: the first boot
 *  and seq stay, the first value of a field stays. Appending in order is the fast way; a row out of order is put in its place. */
export class NodeRows {
  readonly node: string
  readonly columns: Column[] = []
  times = new Float64Array(0)
  boots = new Uint32Array(0)
  seqs = new Uint32Array(0)
  known = new Uint8Array(0)
  private sorted = 0
  private late: NodeRows | null = null
  private readonly byName = new Map<string, Column>()
  private shape: readonly string[] = []
  private shapeColumns: Column[] = []

  constructor(node: string) {
    this.node = node
  }

  get count(): number {
    return this.sorted + (this.late?.sorted ?? 0)
  }

  column(name: string): Column | undefined {
    return this.byName.get(name)
  }

  /** Adds one reading; true when it makes a new row. */
  add(time: number, boot: number | null, seq: number | null, names: readonly string[], values: ArrayLike<number>): boolean {
    const n = this.sorted
    let at = n
    if (n > 0 && time <= this.times[n - 1]!) {
      at = lowerBound(this.times, time, n)
      if (this.times[at] === time) {
        this.fill(at, names, values)
        return false
      }
      if (n - at > shiftRows) return this.addLate(time, boot, seq, names, values)
    }
    this.reserve(1)
    if (at < n) this.shift(at)
    this.times[at] = time
    this.known[at] = boot === null || seq === null ? 0 : 1
    this.boots[at] = boot ?? 0
    this.seqs[at] = seq ?? 0
    this.sorted++
    const columns = this.columnsOf(names)
    for (let i = 0; i < columns.length; i++) columns[i]!.values[at] = values[i]!
    return true
  }

  /** Adds rows [from, to) of a block; the number of new rows. Copied whole when they lie behind the last row. */
  addBlock(block: Block, from: number, to: number): number {
    if (to <= from) return 0
    if (this.late === null && (this.sorted === 0 || block.times[from]! > this.times[this.sorted - 1]!)) {
      this.reserve(to - from)
      const at = this.sorted
      this.times.set(block.times.subarray(from, to), at)
      this.boots.set(block.boots.subarray(from, to), at)
      this.seqs.set(block.seqs.subarray(from, to), at)
      this.known.set(block.known.subarray(from, to), at)
      for (const { name, values } of block.columns)
        if (anyValue(values, from, to)) this.columnNamed(name).values.set(values.subarray(from, to), at)
      this.sorted += to - from
      return to - from
    }
    let added = 0
    for (let row = from; row < to; row++) {
      const present = block.columns.filter(column => !Number.isNaN(column.values[row]!))
      const known = block.known[row] === 1
      const values = present.map(column => column.values[row]!)
      const names = present.map(column => column.name)
      if (this.add(block.times[row]!, known ? block.boots[row]! : null, known ? block.seqs[row]! : null, names, values)) added++
    }
    return added
  }

  /** Merges what came far out of order. To be called before rows are read by their place. */
  settle(): this {
    const late = this.late
    if (late === null) return this
    this.late = null
    const n = this.sorted
    const m = late.sorted
    this.reserve(m)
    const order = new Int32Array(n + m) // ≥ 0: a row of this one, < 0: ~row of the late ones
    for (let i = 0, j = 0, k = 0; k < n + m; k++) order[k] = j >= m || (i < n && this.times[i]! < late.times[j]!) ? i++ : ~j++
    const woven = <T extends Float64Array | Uint32Array | Uint8Array>(mine: T, theirs: ArrayLike<number> | undefined): T => {
      const out = mine.slice() as T
      for (let k = 0; k < order.length; k++) out[k] = order[k]! >= 0 ? mine[order[k]!]! : (theirs?.[~order[k]!] ?? Number.NaN)
      return out
    }
    for (const column of late.columns) this.columnNamed(column.name)
    for (const column of this.columns) column.values = woven(column.values, late.column(column.name)?.values)
    this.boots = woven(this.boots, late.boots)
    this.seqs = woven(this.seqs, late.seqs)
    this.known = woven(this.known, late.known)
    this.times = woven(this.times, late.times)
    this.sorted = n + m
    return this
  }

  /** The place of the first row at or after `time`; of settled rows. */
  lowerBound(time: number): number {
    return lowerBound(this.times, time, this.sorted)
  }

  /** The row at exactly `time`. */
  at(time: number): Row | null {
    const place = lowerBound(this.times, time, this.sorted)
    if (place < this.sorted && this.times[place] === time) return this.row(place)
    return this.late?.at(time) ?? null
  }

  /** The row at a place, its absent fields left out. */
  row(place: number): Row {
    const names: string[] = []
    const values: number[] = []
    for (const column of this.columns) {
      const value = column.values[place]!
      if (Number.isNaN(value)) continue
      names.push(column.name)
      values.push(value)
    }
    const known = this.known[place] === 1
    return {
      node: this.node,
      time: this.times[place]!,
      boot: known ? this.boots[place]! : null,
      seq: known ? this.seqs[place]! : null,
      names,
      values,
    }
  }

  /** First and last time; of an empty one (Infinity, -Infinity). */
  span(): { from: number; to: number } {
    const n = this.sorted
    if (n === 0) return { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }
    return { from: Math.min(this.times[0]!, this.late?.times[0] ?? this.times[0]!), to: this.times[n - 1]! }
  }

  private addLate(
    time: number,
    boot: number | null,
    seq: number | null,
    names: readonly string[],
    values: ArrayLike<number>,
  ): boolean {
    this.late ??= new NodeRows(this.node)
    const isNew = this.late.add(time, boot, seq, names, values)
    if (this.late.sorted >= shiftRows) this.settle()
    return isNew
  }

  private fill(at: number, names: readonly string[], values: ArrayLike<number>): void {
    const columns = this.columnsOf(names)
    for (let i = 0; i < columns.length; i++) if (Number.isNaN(columns[i]!.values[at]!)) columns[i]!.values[at] = values[i]!
  }

  /** Readings of one shape share their array of names: then the columns need no looking up. */
  private columnsOf(names: readonly string[]): Column[] {
    if (names !== this.shape) {
      this.shapeColumns = names.map(name => this.columnNamed(name))
      this.shape = names
    }
    return this.shapeColumns
  }

  private columnNamed(name: string): Column {
    let column = this.byName.get(name)
    if (!column) {
      column = { name, values: new Float64Array(this.times.length).fill(Number.NaN) }
      this.byName.set(name, column)
      this.columns.push(column)
    }
    return column
  }

  private shift(at: number): void {
    for (const array of [this.times, this.boots, this.seqs, this.known]) array.copyWithin(at + 1, at, this.sorted)
    for (const { values } of this.columns) {
      values.copyWithin(at + 1, at, this.sorted)
      values[at] = Number.NaN
    }
  }

  private reserve(more: number): void {
    const need = this.sorted + more
    if (need <= this.times.length) return
    const size = Math.max(need, this.times.length * 2, 16)
    this.times = grown(this.times, new Float64Array(size))
    this.boots = grown(this.boots, new Uint32Array(size))
    this.seqs = grown(this.seqs, new Uint32Array(size))
    this.known = grown(this.known, new Uint8Array(size))
    for (const column of this.columns) column.values = grown(column.values, new Float64Array(size).fill(Number.NaN))
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(old: T, fresh: T): T {
  fresh.set(old)
  return fresh
}

/** The first place in `times[0, n)` whose time is not below `time`. */
export function lowerBound(times: Float64Array, time: number, n: number): number {
  let low = 0
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Is there a value in [from, to)? */
export function anyValue(values: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!Number.isNaN(values[i]!)) return true
  return false
}
