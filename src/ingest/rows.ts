import type { ReadingEvent } from '../contract/events.ts'
import type { ReadingsStore, Row } from '../store/readings.ts'

/** What is stored at (node, time) as the next judgement must see it: rows judged in this batch and not applied yet first, then
 *  the store's memory, then its files. Files are asked once a message and span, before its readings are judged. */
export class Rows {
  /** By node; emptied, not made anew, for each batch. */
  private readonly pending = new Map<string, PendingRows>()
  private readonly touched: PendingRows[] = []
  private readonly store: Pick<ReadingsStore, 'rowAt' | 'rows' | 'goneBefore'>

  constructor(store: Pick<ReadingsStore, 'rowAt' | 'rows' | 'goneBefore'>) {
    this.store = store
  }

  /** `undefined`: only files can tell. */
  at(node: string, time: number): Row | null | undefined {
    return this.pending.get(node)?.at(time) ?? this.store.rowAt(node, time)
  }

  /** Rows of this batch that are not in the store yet. */
  pendingOf(node: string): Iterable<Row> {
    return this.pending.get(node)?.rows ?? []
  }

  /** May rows of this time have gone, so that none there proves nothing? */
  mayBeGone(time: number): boolean {
    return time < this.store.goneBefore()
  }

  /** A reading was judged new: `base` is the row it merges into. */
  add(reading: ReadingEvent, base: Row | null): void {
    let rows = this.pending.get(reading.node)
    if (!rows) this.pending.set(reading.node, (rows = new PendingRows()))
    if (rows.rows.length === 0) this.touched.push(rows)
    rows.add(base ? merged(base, reading) : reading)
  }

  /** The batch is applied: the store knows it all now. */
  clear(): void {
    for (const rows of this.touched) rows.clear()
    this.touched.length = 0
  }

  /** The rows at these times out of the files, by time; a time without a row is absent. */
  async fromFiles(node: string, times: readonly number[]): Promise<Map<number, Row>> {
    const found = new Map<number, Row>()
    for (const [from, to] of spans(times)) {
      for (const row of await this.store.rows(node, from, to + 1)) found.set(row.time, row)
    }
    return found
  }

  /** All rows of a node in [from, to], stored ones. */
  stored(node: string, from: number, to: number): Promise<Row[]> {
    return this.store.rows(node, from, to + 1)
  }
}

/** A backlog's readings lie close together: one query. Two readings years apart must not fetch the years between them. */
const spanGapMs = 300_000

export function spans(times: readonly number[]): [from: number, to: number][] {
  const sorted = [...times].sort((a, b) => a - b)
  const out: [number, number][] = []
  for (const time of sorted) {
    const last = out.at(-1)
    if (last && time - last[1] <= spanGapMs) last[1] = time
    else out.push([time, time])
  }
  return out
}

function merged(base: Row, reading: ReadingEvent): Row {
  return { ...base, names: [...base.names, ...reading.names], values: [...base.values, ...reading.values] }
}

/** Rows of one node in one batch. Times mostly rise: what is later than all of them is not here. */
class PendingRows {
  readonly rows: Row[] = []
  private latest = Number.NEGATIVE_INFINITY
  private byTime: Map<number, Row> | null = null

  at(time: number): Row | undefined {
    if (time > this.latest) return undefined
    if (this.rows.length <= fewRows) return this.rows.findLast(row => row.time === time)
    this.byTime ??= new Map(this.rows.map(row => [row.time, row]))
    return this.byTime.get(time)
  }

  add(row: Row): void {
    this.rows.push(row)
    this.byTime?.set(row.time, row)
    if (row.time > this.latest) this.latest = row.time
  }

  clear(): void {
    this.rows.length = 0
    this.byTime = null
    this.latest = Number.NEGATIVE_INFINITY
  }
}

/** Up to here a look at each is as quick as a map. */
const fewRows = 8
