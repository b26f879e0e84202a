import type { RollupKind } from '../readings.ts'
import { isFast, rollupMs } from '../rollup.ts'
import { breathe } from './breathe.ts'
import { nodeGroups } from './compaction.ts'
import type { FileEntry, RollupEntry, RollupFacts } from './manifest.ts'
import type { Premises } from './premises.ts'
import { type RollupHead, type SensorBuckets, writeRollups } from './rollup-writer.ts'
import type { Slice } from './row-set.ts'
import { concerned, factsOf, windows } from './windows.ts'

/** Rows in memory at once while they are summed up. */
const stepRows = 100_000
/** Sensors at once: a node at one reading a second with 128 of them would take 50 MB of minutes a week. */
const sensorsAtOnce = 48
/** Rows of a file: with its table 20 MB of DuckDB's memory. */
const fileRows = 200_000
/** Values summed up between two looks at the sockets: some tenths of a millisecond. */
const valuesAtOnce = 16_384

export interface Making {
  readonly week: number
  readonly sources: readonly string[] | null
  /** The kinds wanted; minutes only of nodes that are fast, or that `alsoMinutes` names. */
  readonly kinds: readonly RollupKind[]
  alsoMinutes(node: string): boolean
}

/** Sums up the rows of files of one week (merged as a question would see them) and writes the roll-ups. Nothing is entered anywhere: the
 *  caller does that, or retires them. null: the store closes. */
export async function makeRollups(
  premises: Premises,
  files: readonly FileEntry[],
  making: Making,
): Promise<RollupEntry[] | null> {
  const set = premises.nextNumber()
  const writers = new Map(making.kinds.map(kind => [kind, new Pending(premises, making, kind, set)]))
  const written = (): RollupEntry[] => [...writers.values()].flatMap(writer => writer.written)
  const wantsMinutes = writers.has('1m')
  try {
    for (const nodes of nodeGroups(files)) {
      const fast = new Set(wantsMinutes ? nodes.filter(node => making.alsoMinutes(node) || fastIn(files, node)) : [])
      const columns = [
        ...new Set(concerned(files, { nodes, from: 0, to: Number.MAX_SAFE_INTEGER }).flatMap(file => file.columns)),
      ].sort()
      for (let at = 0; at < columns.length; at += sensorsAtOnce) {
        const sensors = columns.slice(at, at + sensorsAtOnce)
        const wanted = { nodes, sensors, from: 0, to: Number.MAX_SAFE_INTEGER, onlyWithSensors: true }
        const summed = new Map(making.kinds.map(kind => [kind, new Summing(rollupMs[kind], kind === '1m' ? fast : null)]))
        for await (const slices of windows(premises.library, { files, memory: [] }, wanted, stepRows)) {
          for (const slice of slices) for (const sums of summed.values()) await sums.add(slice)
          if (premises.closed) return await dropped(premises, written())
        }
        for (const [kind, sums] of summed) await writers.get(kind)!.take(sums, fast)
      }
    }
    for (const writer of writers.values()) await writer.flush()
    return written()
  } catch (error) {
    await dropped(premises, written())
    throw error
  }
}

async function dropped(premises: Premises, written: readonly RollupEntry[]): Promise<null> {
  await premises.rollupShelf.retire(written)
  return null
}

/** By what the manifest tells: on average, from the first reading to the last in these files. */
function fastIn(files: readonly FileEntry[], node: string): boolean {
  const facts = files.map(file => factsOf(file, node)).filter(found => found !== undefined)
  const rows = facts.reduce((sum, { rows }) => sum + rows, 0)
  return isFast(rows, Math.min(...facts.map(({ from }) => from)), Math.max(...facts.map(({ to }) => to)))
}

/** Buckets by node and sensor. Slices of a node come in order of time. */
class Summing {
  readonly nodes = new Map<string, { from: number; to: number; sensors: Map<string, SensorBuckets> }>()
  private readonly bucketMs: number
  private readonly only: ReadonlySet<string> | null
  private values = 0

  constructor(bucketMs: number, only: ReadonlySet<string> | null) {
    this.bucketMs = bucketMs
    this.only = only
  }

  async add({ rows, from, to }: Slice): Promise<void> {
    if (this.only && !this.only.has(rows.node)) return
    let node = this.nodes.get(rows.node)
    if (!node) this.nodes.set(rows.node, (node = { from: rows.times[from]!, to: 0, sensors: new Map() }))
    node.to = rows.times[to - 1]!
    for (const column of rows.columns) {
      let buckets = node.sensors.get(column.name)
      if (!buckets) node.sensors.set(column.name, (buckets = emptyBuckets(rows.node, column.name)))
      for (let start = from; start < to; start += valuesAtOnce) {
        const stop = Math.min(to, start + valuesAtOnce)
        sumUp(buckets, this.bucketMs, rows.times, column.values, start, stop)
        if ((this.values += stop - start) < valuesAtOnce) continue
        this.values = 0
        await breathe()
      }
    }
  }
}

const emptyBuckets = (node: string, sensor: string): SensorBuckets => ({
  node,
  sensor,
  time: [],
  min: [],
  max: [],
  sum: [],
  count: [],
})

function sumUp(
  buckets: SensorBuckets,
  bucketMs: number,
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
): void {
  const { time, min, max, sum, count } = buckets
  let last = time.length - 1
  for (let row = from; row < to; row++) {
    const value = values[row]!
    if (Number.isNaN(value)) continue
    const start = Math.floor(times[row]! / bucketMs) * bucketMs
    if (last < 0 || time[last] !== start) {
      last = time.push(start) - 1
      min.push(value)
      max.push(value)
      sum.push(value)
      count.push(1)
      continue
    }
    if (value < min[last]!) min[last] = value
    if (value > max[last]!) max[last] = value
    sum[last]! += value
    count[last]!++
  }
}

/** Buckets on their way into files of one kind. */
class Pending {
  readonly written: RollupEntry[] = []
  private readonly premises: Premises
  private readonly making: Making
  private readonly kind: RollupKind
  private readonly set: number
  private buckets: SensorBuckets[] = []
  private nodes: Record<string, RollupFacts> = Object.create(null)
  private rows = 0

  constructor(premises: Premises, making: Making, kind: RollupKind, set: number) {
    this.premises = premises
    this.making = making
    this.kind = kind
    this.set = set
  }

  async take(sums: Summing, fast: ReadonlySet<string>): Promise<void> {
    for (const [node, { from, to, sensors }] of sums.nodes) {
      let rows = 0
      for (const [, buckets] of [...sensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (buckets.time.length === 0) continue
        this.buckets.push(buckets)
        rows += buckets.time.length
      }
      if (rows === 0) continue
      const known = this.nodes[node]
      this.nodes[node] = {
        rows: rows + (known?.rows ?? 0),
        from: Math.min(from, known?.from ?? from),
        to: Math.max(to, known?.to ?? to),
        minutes: this.kind === '1h' && fast.has(node),
      }
      this.rows += rows
      if (this.rows >= fileRows) await this.flush()
    }
  }

  async flush(): Promise<void> {
    if (this.rows === 0) return
    const { premises, making, kind, buckets, nodes } = this
    this.buckets = []
    this.nodes = Object.create(null)
    this.rows = 0
    const { week, sources } = making
    const head: RollupHead = { kind, weeks: [week, week], sources, sets: [this.set], nodes }
    const name = rollupName(kind, week, premises.nextNumber())
    this.written.push(await writeRollups(premises.engine, premises.rollupFolders, name, head, buckets))
  }
}

export const rollupName = (kind: RollupKind, week: number, number: number): string =>
  `${kind}-${new Date(week).toISOString().slice(0, 10)}-${number}.parquet`
