import { join } from 'node:path'
import { addRaw, Buckets, emptySeries, type Grid, gridOver } from '../buckets.ts'
import type { RangeQuery, RangeResult, Series } from '../readings.ts'
import { rollupMs } from '../rollup.ts'
import { moment, quoted, text } from './engine.ts'
import type { FileEntry, RollupEntry } from './manifest.ts'
import { anyOf, columnsOf, type RowsWanted, whereOf } from './reader.ts'
import { insteadOf, keptOf, outsideOf, partsOf } from './rollup-reader.ts'
import type { Slice } from './row-set.ts'
import type { Shelf } from './shelf.ts'
import { collect, concerned, factsOf, type Library, onSoundFiles, type View, windows } from './windows.ts'

/** A closed span of time. */
interface Span {
  readonly from: number
  readonly to: number
}

const windowRows = 100_000

/** What a range sees: rows, and what is kept of them or in their place. */
export interface RangeView extends View {
  readonly rollups: readonly RollupEntry[]
}

export interface RangeLibrary extends Library {
  readonly rollupShelf: Shelf<RollupEntry>
  /** From so many rows of a node on its roll-ups are asked first. */
  readonly rollupAbove: number
}

/** Answers a range. Where rows have gone the roll-ups in their place give the buckets, and what is still there as rows is added; where
 *  rows are many, roll-ups that say them again are asked instead. A roll-up that can't be read is set aside, and the rows are asked. */
export async function rangeOf(library: RangeLibrary, view: RangeView, query: RangeQuery): Promise<RangeResult> {
  const used: RollupEntry[] = []
  try {
    return await answer(library, view, query, used)
  } catch (error) {
    const sound = await library.rollupShelf.check(used)
    if (sound.length === used.length) throw error
    const rollups = view.rollups.filter(entry => entry.sources === null && (!used.includes(entry) || sound.includes(entry)))
    return rangeOf(library, { ...view, rollups }, query)
  }
}

async function answer(library: RangeLibrary, view: RangeView, query: RangeQuery, used: RollupEntry[]): Promise<RangeResult> {
  const { node } = query
  const own = { files: view.files.filter(file => factsOf(file, node)), memory: view.memory }
  const kept = view.rollups.filter(entry => entry.sources === null).map(entry => factsOf(entry, node))
  const spans = [...spansOf(own, node), ...kept.filter(facts => facts !== undefined)]
  const from = spans.reduce((low, span) => Math.min(low, span.from), Number.POSITIVE_INFINITY)
  const to = spans.reduce((high, span) => Math.max(high, span.to), Number.NEGATIVE_INFINITY) + 1
  // Over what is there, not over what was asked: "all since 1970" of an hour's data still shows the hour.
  const asked = {
    nodes: [node],
    sensors: query.sensors,
    from: Math.max(query.from, from),
    to: Math.min(query.to, to),
    onlyWithSensors: true,
  }
  if (asked.to <= asked.from) return { bucketMs: 0, series: empty(query.sensors) }
  const wanted = { ...asked, onlyWithSensors: query.sensors !== null }
  const gone = await fromKept(library, view, wanted, query, used)
  if (gone) {
    await addRows(library, { ...view, files: own.files }, wanted, gone)
    return gone.result()
  }
  const rows = rowsAtMost(own, node, wanted.from, wanted.to)
  if (rows > Math.max(library.readOutright, query.points)) {
    const sums = new Sums(gridOver(wanted.from, wanted.to, query.points), query.sensors)
    const again =
      rows > library.rollupAbove ? insteadOf(view, node, wanted, sums.grid.bucketMs) : { weeks: new Set<number>(), entries: [] }
    used.push(...again.entries)
    await addRollups(library, again.entries, wanted, sums)
    await addRows(library, { ...view, files: outsideOf(own.files, again.weeks) }, wanted, sums)
    if (sums.rows > query.points) return sums.result()
  }
  const [slice] = (await collect(library, own, wanted, Number.POSITIVE_INFINITY))!
  return slice ? fromRows(slice, wanted, query) : { bucketMs: 0, series: empty(query.sensors) }
}

/** The buckets of what is gone, null when nothing is: then rows alone answer. */
async function fromKept(
  library: RangeLibrary,
  view: RangeView,
  wanted: Wanted,
  query: RangeQuery,
  used: RollupEntry[],
): Promise<Sums | null> {
  const { kind, entries } = keptOf(view.rollups, query.node, wanted)
  if (entries.length === 0) return null
  used.push(...entries)
  const unit = rollupMs[kind]
  const sums = new Sums(gridOver(wanted.from, wanted.to, query.points, unit), query.sensors)
  await addRollups(library, entries, { ...wanted, from: Math.floor(wanted.from / unit) * unit }, sums)
  return sums.rows > 0 ? sums : null
}

/** Counts as rows what the sensor with the most readings has: there are at least so many. */
async function addRollups(library: RangeLibrary, entries: readonly RollupEntry[], wanted: Wanted, sums: Sums): Promise<void> {
  const counts = new Map<string, number>()
  for await (const part of partsOf(library.engine, library.rollupShelf, entries, wanted, sums.grid)) {
    sums.field(part.sensor).addPart(part.bucket, part.min, part.max, part.sum, part.count)
    counts.set(part.sensor, (counts.get(part.sensor) ?? 0) + part.count)
  }
  sums.rows += Math.max(0, ...counts.values())
}

/** Files give partial sums by bucket, rows in memory are added here. Where two sources of the node overlap in time a row may stand in both:
 *  there, and only there, rows are read, merged, and counted once. */
async function addRows(library: Library, own: View, wanted: Wanted, sums: Sums): Promise<void> {
  const node = wanted.nodes[0]!
  const shared = overlaps(spansOf(own, node))
  await onSoundFiles(library, concerned(own.files, wanted), files => addFiles(library, files, wanted, shared, sums))
  for (const rows of own.memory) {
    const slice = rows.slice(node, wanted.from, wanted.to)
    if (slice) for (const alone of without(slice, shared)) sums.addSlice(alone)
  }
  for (const span of shared) {
    const both = { ...wanted, from: Math.max(span.from, wanted.from), to: Math.min(span.to + 1, wanted.to) }
    if (both.to > both.from)
      for await (const slices of windows(library, own, both, windowRows)) for (const slice of slices) sums.addSlice(slice)
  }
}

const empty = (sensors: readonly string[] | null): Record<string, Series> =>
  Object.fromEntries((sensors ?? []).map(name => [name, emptySeries()]))

function spansOf(view: View, node: string): Span[] {
  const memory = view.memory.map(rows => rows.nodes.get(node)).filter(rows => rows !== undefined && rows.count > 0)
  return [...view.files.map(file => factsOf(file, node)!), ...memory.map(rows => rows!.span())]
}

function rowsAtMost(view: View, node: string, from: number, to: number): number {
  const files = concerned(view.files, { nodes: [node], from, to }).reduce((sum, file) => sum + factsOf(file, node)!.rows, 0)
  return view.memory.reduce((sum, rows) => {
    const slice = rows.slice(node, from, to)
    return sum + (slice ? slice.to - slice.from : 0)
  }, files)
}

/** Where at least two of the spans lie over each other. */
export function overlaps(spans: readonly Span[]): Span[] {
  const found: { from: number; to: number }[] = []
  let reach = Number.NEGATIVE_INFINITY
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.from <= reach) {
      const overlap = { from: span.from, to: Math.min(reach, span.to) }
      const last = found.at(-1)
      if (last && overlap.from <= last.to + 1) last.to = Math.max(last.to, overlap.to)
      else found.push(overlap)
    }
    reach = Math.max(reach, span.to)
  }
  return found
}

/** The pieces of a slice outside the spans, which come in order. */
function* without(slice: Slice, spans: readonly Span[]): Generator<Slice> {
  let from = slice.from
  for (const span of spans) {
    const to = Math.min(slice.to, slice.rows.lowerBound(span.from))
    if (to > from) yield { rows: slice.rows, from, to }
    from = Math.max(from, slice.rows.lowerBound(span.to + 1))
  }
  if (slice.to > from) yield { rows: slice.rows, from, to: slice.to }
}

/** Raw when there are few, else in buckets. The grid is the one that partial sums would use. */
function fromRows(slice: Slice, { from, to }: Span, query: RangeQuery): RangeResult {
  const sums = new Sums(gridOver(from, to, query.points), query.sensors)
  sums.addSlice(slice)
  if (sums.rows > query.points) return sums.result()
  const series = Object.entries(empty(query.sensors))
  for (const { name, values } of slice.rows.columns) {
    if (query.sensors !== null && !query.sensors.includes(name)) continue
    const raw = emptySeries()
    for (let row = slice.from; row < slice.to; row++)
      if (!Number.isNaN(values[row]!)) addRaw(raw, slice.rows.times[row]!, values[row]!)
    if (raw.time.length > 0) series.push([name, raw])
  }
  return { bucketMs: 0, series: Object.fromEntries(series) }
}

/** Buckets by field, and the rows that have at least one of them. */
class Sums {
  readonly grid: Grid
  rows = 0
  private readonly sensors: readonly string[] | null
  private readonly fields = new Map<string, Buckets>()

  constructor(grid: Grid, sensors: readonly string[] | null) {
    this.grid = grid
    this.sensors = sensors
  }

  field(name: string): Buckets {
    let buckets = this.fields.get(name)
    if (!buckets) this.fields.set(name, (buckets = new Buckets(this.grid)))
    return buckets
  }

  addSlice({ rows, from, to }: Slice): void {
    const columns = rows.columns.filter(column => this.sensors === null || this.sensors.includes(column.name))
    for (let row = from; row < to; row++) if (columns.some(column => !Number.isNaN(column.values[row]!))) this.rows++
    for (const { name, values } of columns) {
      const buckets = this.field(name)
      for (let row = from; row < to; row++) if (!Number.isNaN(values[row]!)) buckets.add(rows.times[row]!, values[row]!)
    }
  }

  result(): RangeResult {
    const series = empty(this.sensors)
    for (const [name, buckets] of this.fields) {
      const filled = buckets.series()
      if (filled.time.length > 0) series[name] = filled
    }
    return { bucketMs: this.grid.bucketMs, series }
  }
}

/** Buckets times fields of one query: DuckDB keeps about 80 bytes for each, of its 64 MB. */
const sumsAtOnce = 200_000

type Wanted = RowsWanted & { readonly nodes: readonly string[] }

/** Partial sums of the files outside `shared`, over a list of files (never a glob), at most one row a bucket: in one query, or in several
 *  when there are very many fields. */
async function addFiles(
  library: Library,
  files: readonly FileEntry[],
  wanted: Wanted,
  shared: readonly Span[],
  sums: Sums,
): Promise<void> {
  const columns = [...new Set(files.flatMap(file => columnsOf(file, wanted.sensors)))]
  if (columns.length === 0) return
  const outside = shared.map(span => ` AND NOT (time >= ${moment(span.from)} AND time < ${moment(span.to + 1)})`).join('')
  const paths = files.map(file => text(join(library.folder, file.name))).join(', ')
  const from = `FROM read_parquet([${paths}], union_by_name = true) WHERE ${whereOf(wanted)}${outside}`
  const atOnce = Math.max(1, Math.floor(sumsAtOnce / sums.grid.count))
  if (columns.length > atOnce) {
    const [counted] = await numbers(library, `SELECT count(*)::DOUBLE ${from} AND (${anyOf(columns)})`)
    sums.rows += counted![0]![0]!
  }
  for (let at = 0; at < columns.length; at += atOnce) {
    const some = columns.slice(at, at + atOnce)
    const bucket = `((epoch_ms(time) - ${sums.grid.origin}::BIGINT) // ${sums.grid.bucketMs}::BIGINT)::DOUBLE`
    const parts = some.map(quoted).map(c => `, min(${c}), max(${c}), sum(${c}), count(${c})::DOUBLE`)
    const sql = `SELECT ${bucket}, count(*)::DOUBLE ${parts.join('')} ${from} AND (${anyOf(some)}) GROUP BY 1`
    for (const chunk of await numbers(library, sql)) {
      const [buckets, rows, ...fields] = chunk as [Float64Array, Float64Array, ...Float64Array[]]
      if (columns.length <= atOnce) for (const count of rows) sums.rows += count
      for (const [c, name] of some.entries()) {
        const [low, high, sum, count] = fields.slice(4 * c) as [Float64Array, Float64Array, Float64Array, Float64Array]
        const field = sums.field(name)
        for (let i = 0; i < count.length; i++)
          if (count[i]! > 0) field.addPart(buckets[i]!, low[i]!, high[i]!, sum[i]!, count[i]!)
      }
    }
  }
}

/** Runs a query whose columns are all DOUBLE; chunk by chunk its columns. */
async function numbers(library: Library, sql: string): Promise<Float64Array[][]> {
  const chunks = await library.engine.read(async connection => (await connection.run(sql)).fetchAllChunks())
  return chunks.map(chunk =>
    Array.from({ length: chunk.columnCount }, (_, i) => (chunk.getColumnVector(i) as unknown as { items: Float64Array }).items),
  )
}
