import type { Applier } from '../contract/events.ts'

/** The port of the readings store: an applier of the journal that answers questions. A row is one (node, time) with its fields
 *  merged. Durable when its watermark says so; until then the journal has it. `apply` may be called again for the same batch
 *  after a crash and changes nothing then. Every implementation runs suite.ts. Times are Unix ms, `from` inclusive, `to` exclusive. */
export interface ReadingsStore extends Applier {
  /** What is stored at (node, time), for the judgement of duplicates and conflicts: the row, null for none, or `undefined` when
   *  only files can tell: then ask `rows`. */
  rowAt(node: string, time: number): Row | null | undefined
  /** The rows of one node in [from, to), files included, by time. */
  rows(node: string, from: number, to: number): Promise<Row[]>
  /** The newest value of each field of a node, in memory, with its time. */
  latest(node: string): ReadonlyMap<string, { readonly value: number; readonly time: number }>
  /** The newest row's time of a node, null for none. */
  lastTime(node: string): number | null
  /** The time of the oldest row of all, null for none. */
  oldest(): number | null
  /** Ids that have a row, also removed ones whose history was kept. */
  nodes(): readonly string[]
  /** All field names a node ever used. */
  fieldNames(node: string): readonly string[]
  range(query: RangeQuery): Promise<RangeResult>
  /** Rows by (time, node), in chunks, everything that was applied before the call. Bounded memory. */
  export(query: ExportQuery): AsyncIterable<readonly Row[]>
  /** Roll-ups by (time, node), in chunks: of the rows that are there, like `export`, and of those that went, as far as their roll-ups
   *  are kept (minutes only of nodes that were fast). A kept bucket that `from` or `to` cuts is given whole. */
  exportRollups(query: ExportQuery, kind: RollupKind): AsyncIterable<readonly RollupRow[]>
  /** Rows (of `export`, or made of them) as one Parquet file, as bytes: time TIMESTAMP(ms, UTC), node VARCHAR, boot and seq UINTEGER
   *  (not with `numbered` false), then `columns` as DOUBLE. Bounded memory. Absent where the store can't write Parquet. */
  parquetOf?(
    rows: AsyncIterable<readonly Row[]>,
    columns: readonly string[],
    options?: { readonly numbered: boolean },
  ): AsyncIterable<Uint8Array>
  /** Rows before this time (Unix ms) may have gone: that `rows` finds none there does not mean that there was none. 0 = none went. */
  goneBefore(): number
  /** Resolves when there is room for more rows; a promise that stays open pauses the sockets. undefined = there is room. */
  room(): Promise<void> | undefined
  /** Moves what is in memory into its durable form now. */
  seal(): Promise<void>
  /** Forgets every row of a node. */
  remove(node: string): Promise<void>
  stats(): StoreStats
  close(): Promise<void>
}

export interface Row {
  readonly node: string
  readonly time: number
  /** Of the first reading at this time. */
  readonly boot: number | null
  readonly seq: number | null
  readonly names: readonly string[]
  readonly values: readonly number[]
}

/** What is kept of readings in place of them: a minute or an hour of one node, by sensor min, max, sum and count. The mean is
 *  sum / count: kept as a sum it stays exact however often roll-ups are put together. */
export type RollupKind = '1m' | '1h'

/** One (node, bucket), its sensors in name order; parallel arrays. `time` is the bucket's start, a multiple of its length. */
export interface RollupRow {
  readonly node: string
  readonly time: number
  readonly names: readonly string[]
  readonly min: readonly number[]
  readonly max: readonly number[]
  readonly sum: readonly number[]
  readonly count: readonly number[]
}

export interface RangeQuery {
  readonly node: string
  readonly sensors: readonly string[] | null
  readonly from: number
  readonly to: number
  /** At most this many buckets a sensor; raw rows when they are no more (bucketMs 0). 1 to 5000. */
  readonly points: number
}

export interface RangeResult {
  /** 0 = raw rows: min = mean = max. Where rows have gone and roll-ups answer it is a multiple of theirs. */
  readonly bucketMs: number
  readonly series: Readonly<Record<string, Series>>
}

/** Parallel arrays; `time` is the bucket's start, empty buckets are absent. */
export interface Series {
  readonly time: number[]
  readonly min: number[]
  readonly mean: number[]
  readonly max: number[]
  readonly count: number[]
}

export interface ExportQuery {
  readonly nodes: readonly string[] | null
  readonly sensors: readonly string[] | null
  readonly from: number | null
  readonly to: number | null
}

export interface StoreStats {
  readonly rows: number
  readonly hotRows: number
  readonly files: number
  readonly bytes: number
  /** What is kept in place of readings, or to answer sooner. */
  readonly rollups: { readonly files: number; readonly bytes: number }
  /** Files found damaged and set aside, with what they held. */
  readonly quarantined: readonly {
    readonly file: string
    readonly rows: number
    readonly from: number
    readonly to: number
    readonly why: string
  }[]
  readonly ok: boolean
  readonly detail: string
}
