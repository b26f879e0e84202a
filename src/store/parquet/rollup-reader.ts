import { join } from 'node:path'
import type { RollupKind, RollupRow } from '../readings.ts'
import { rollupMs } from '../rollup.ts'
import { weekMs, weekOf } from './calendar.ts'
import { type Engine, moment, text } from './engine.ts'
import type { FileEntry, RollupEntry } from './manifest.ts'
import { isFresh } from './rollup-upkeep.ts'
import type { RowSet } from './row-set.ts'
import type { Shelf } from './shelf.ts'
import { factsOf } from './windows.ts'

/** Roll-ups as questions see them. */
export interface Wanted {
  /** null = all. */
  readonly nodes: readonly string[] | null
  readonly sensors: readonly string[] | null
  readonly from: number
  readonly to: number
}

/** A partial sum of one sensor. */
export interface Part {
  readonly sensor: string
  readonly bucket: number
  readonly min: number
  readonly max: number
  readonly sum: number
  readonly count: number
}

/** What stands for gone rows of a node in a span, at the finest that there is for all of it: minutes where every one of its hours has
 *  them, else hours. */
export function keptOf(
  rollups: readonly RollupEntry[],
  node: string,
  { from, to }: { from: number; to: number },
): { kind: RollupKind; entries: RollupEntry[] } {
  const kept = rollups.filter(entry => {
    const facts = entry.sources === null ? factsOf(entry, node) : undefined
    return facts !== undefined && facts.from < to && facts.to >= from
  })
  const minutes = kept.filter(entry => entry.kind === '1m')
  const hours = kept.filter(entry => entry.kind === '1h')
  const sets = new Set(minutes.flatMap(entry => entry.sets))
  const all = hours.every(entry => factsOf(entry, node)!.minutes && entry.sets.every(set => sets.has(set)))
  return all ? { kind: '1m', entries: minutes } : { kind: '1h', entries: hours }
}

/** The roll-ups that may answer for rows that are there: those of whole weeks within the span whose files they say again to the last row,
 *  while no row of such a week is in memory, and only where their buckets fit into the asked ones. */
export function insteadOf(
  view: { readonly files: readonly FileEntry[]; readonly memory: readonly RowSet[]; readonly rollups: readonly RollupEntry[] },
  node: string,
  { from, to }: { from: number; to: number },
  bucketMs: number,
): { weeks: ReadonlySet<number>; entries: RollupEntry[] } {
  const fits = (kind: RollupKind): boolean => bucketMs % rollupMs[kind] === 0
  const own = view.rollups.filter(entry => entry.sources !== null && factsOf(entry, node) && isFresh(entry, view.files))
  const weeks = new Set<number>()
  const entries: RollupEntry[] = []
  for (const week of new Set(own.map(entry => entry.weeks[0]))) {
    if (week < from || week + weekMs > to || view.memory.some(rows => rows.slice(node, week, week + weekMs))) continue
    const ofWeek = own.filter(entry => entry.weeks[0] === week)
    const hours = ofWeek.filter(entry => entry.kind === '1h')
    const minutes = ofWeek.filter(entry => entry.kind === '1m')
    const chosen = fits('1h') ? hours : fits('1m') && hours.every(entry => factsOf(entry, node)!.minutes) ? minutes : []
    if (chosen.length === 0) continue
    weeks.add(week)
    entries.push(...chosen)
  }
  return { weeks, entries }
}

export const outsideOf = (files: readonly FileEntry[], weeks: ReadonlySet<number>): FileEntry[] =>
  files.filter(file => !weeks.has(weekOf(file.from)))

/** The roll-ups of one node as partial sums by bucket of a grid. */
export async function* partsOf(
  engine: Engine,
  shelf: Shelf<RollupEntry>,
  entries: readonly RollupEntry[],
  wanted: Wanted,
  grid: { readonly origin: number; readonly bucketMs: number },
): AsyncGenerator<Part> {
  if (entries.length === 0 || wanted.sensors?.length === 0) return
  const sql = `SELECT sensor, ((epoch_ms(time) - ${grid.origin}::BIGINT) // ${grid.bucketMs}::BIGINT)::DOUBLE,
    min(min), max(max), sum(sum), sum(count)::DOUBLE ${fromOf(shelf, entries, wanted)} GROUP BY 1, 2`
  for (const chunk of await engine.read(async connection => (await connection.run(sql)).fetchAllChunks())) {
    const sensors = chunk.getColumnVector(0)
    const [bucket, min, max, sum, count] = [1, 2, 3, 4, 5].map(
      i => (chunk.getColumnVector(i) as unknown as { items: Float64Array }).items,
    ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
    for (let i = 0; i < chunk.rowCount; i++)
      yield {
        sensor: sensors.getItem(i) as string,
        bucket: bucket[i]!,
        min: min[i]!,
        max: max[i]!,
        sum: sum[i]!,
        count: count[i]!,
      }
  }
}

function fromOf(shelf: Shelf<RollupEntry>, entries: readonly RollupEntry[], { nodes, sensors, from, to }: Wanted): string {
  const paths = entries.map(entry => text(join(shelf.folder, entry.name))).join(', ')
  const among = (column: string, list: readonly string[] | null): string =>
    list === null ? '' : ` AND ${column} IN (${list.map(text).join(', ')})`
  return `FROM read_parquet([${paths}]) WHERE time >= ${moment(from)} AND time < ${moment(to)}${among('node', nodes)}${among('sensor', sensors)}`
}

/** Rows of a window that are in memory at once. */
const windowRows = 50_000

/** All kept buckets of a kind by (time, node), in windows of time. A damaged file is set aside and left out. */
export async function* keptRows(
  engine: Engine,
  shelf: Shelf<RollupEntry>,
  rollups: readonly RollupEntry[],
  kind: RollupKind,
  wanted: Wanted,
): AsyncGenerator<readonly RollupRow[], void> {
  if (wanted.nodes?.length === 0 || wanted.sensors?.length === 0) return
  const unit = rollupMs[kind]
  const down = (time: number): number => Math.floor(time / unit) * unit
  let entries = rollups.filter(
    entry => entry.kind === kind && entry.sources === null && entry.from < wanted.to && entry.to >= wanted.from,
  )
  const first = down(Math.max(wanted.from, Math.min(...entries.map(entry => entry.from))))
  const end = Math.min(wanted.to, Math.max(...entries.map(entry => entry.to)) + 1)
  for (let start = first; start < end; ) {
    const here = entries.filter(entry => down(entry.from) <= start && entry.to >= start)
    if (here.length === 0) {
      start = Math.min(...entries.map(entry => down(entry.from)).filter(from => from > start), end)
      continue
    }
    const next = Math.min(end, ...entries.map(entry => down(entry.from)).filter(from => from > start))
    const density = here.reduce((sum, entry) => sum + entry.rows / (entry.to - entry.from + unit), 0)
    const step = Math.max(unit, down(windowRows / density))
    const stop = Math.min(next, start + step)
    const read = (from: readonly RollupEntry[]) => readWindow(engine, shelf, from, { ...wanted, from: start, to: stop })
    const rows = await read(here).catch(async (error: unknown) => {
      const sound = await shelf.check(here)
      if (sound.length === here.length) throw error
      entries = entries.filter(entry => !here.includes(entry) || sound.includes(entry))
      return sound.length === 0 ? [] : read(sound)
    })
    if (rows.length > 0) yield rows
    start = stop
  }
}

async function readWindow(
  engine: Engine,
  shelf: Shelf<RollupEntry>,
  entries: readonly RollupEntry[],
  wanted: Wanted,
): Promise<RollupRow[]> {
  const sql = `SELECT node, sensor, epoch_ms(time)::DOUBLE, min(min), max(max), sum(sum), sum(count)::DOUBLE
    ${fromOf(shelf, entries, wanted)} GROUP BY ALL ORDER BY 3, 1, 2`
  const rows: RollupRow[] = []
  type Open = { node: string; time: number; names: string[]; min: number[]; max: number[]; sum: number[]; count: number[] }
  let open: Open | null = null
  for (const chunk of await engine.read(async connection => (await connection.run(sql)).fetchAllChunks())) {
    const [nodes, sensors] = [chunk.getColumnVector(0), chunk.getColumnVector(1)]
    const numbers = (i: number): Float64Array => (chunk.getColumnVector(i) as unknown as { items: Float64Array }).items
    const [time, min, max, sum, count] = [numbers(2), numbers(3), numbers(4), numbers(5), numbers(6)]
    for (let i = 0; i < chunk.rowCount; i++) {
      const node = nodes.getItem(i) as string
      if (open === null || open.time !== time[i] || open.node !== node)
        rows.push((open = { node, time: time[i]!, names: [], min: [], max: [], sum: [], count: [] }))
      open.names.push(sensors.getItem(i) as string)
      open.min.push(min[i]!)
      open.max.push(max[i]!)
      open.sum.push(sum[i]!)
      open.count.push(count[i]!)
    }
  }
  return rows
}
