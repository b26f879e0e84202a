import { join } from 'node:path'
import type { DurableBatch, Position } from '../../contract/events.ts'
import { comparePositions } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import type { ExportQuery, RangeQuery, RangeResult, ReadingsStore, Row, StoreStats } from '../readings.ts'
import type { FileEntry, SetAside } from './manifest.ts'
import { NodeRows } from './node-rows.ts'
import { openPremises, type Premises } from './premises.ts'
import { rangeOf } from './range.ts'
import { removeFromFiles } from './removal.ts'
import { byTime } from './row-set.ts'
import { rowsFile } from './rows-file.ts'
import { Sealer } from './sealer.ts'
import { Upkeep } from './upkeep.ts'
import { factsOf, type View, windows } from './windows.ts'

export interface ParquetOptions {
  /** The store's folder, made when it isn't there: manifest.json, raw/, quarantine/, view.sql. */
  readonly dir: string
  readonly clock: Clock
  /** Rows in memory before they become files. Default 250,000: about 20 MB, and a day of 20 nodes at one reading in 10 s in one file. */
  readonly sealRows?: number
  /** DuckDB's memory limit; not what the process takes in all. Default 64. */
  readonly memoryLimitMb?: number
  /** Rows up to which a range reads rows instead of having DuckDB sum them up. Default 2,000. */
  readonly readOutright?: number
  /** Bytes kept in reserve and given up when the disk is full. Default 8 MiB. */
  readonly ballastBytes?: number
  /** How long after a seal that failed it is tried again. Default 5,000. */
  readonly retryMs?: number
  /** When the files are checked and merged after the start. Default 10,000; null = only when asked. */
  readonly backgroundAfterMs?: number | null
  /** A file was set aside, a seal failed or works again. */
  readonly onAlarm?: (alarm: StoreAlarm) => void
}

export type StoreAlarm =
  | { readonly what: 'set_aside'; readonly file: SetAside }
  | { readonly what: 'seal_failed'; readonly detail: string }
  | { readonly what: 'seal_recovered' }
  | { readonly what: 'manifest_copy_used' }
  /** Neither manifest nor copy, but files, which lie in `quarantine/` now. */
  | { readonly what: 'manifest_missing'; readonly setAside: readonly string[] }
  | { readonly what: 'merge_failed'; readonly detail: string }

export interface ParquetReadings extends ReadingsStore {
  /** Reads every file and sets aside what has rotted. Runs after the start and each week by itself. */
  scrub(): Promise<void>
  /** Merges files until there is nothing to merge. Runs behind each seal by itself. */
  tidy(): Promise<void>
  /** What a backup copies, as of now. To be called inside `lane.between`, where no batch is on its way: the rows in memory are not in
   *  it, the journal has them, so whoever copies the journal at the same cut has everything, and must keep it from being trimmed
   *  until then. Nothing of it is deleted until `release`; none of it ever changes. */
  snapshot(): StoreSnapshot
}

export interface StoreSnapshot {
  /** `name` is relative to the store's folder, `path` where it lies now. */
  readonly files: readonly { readonly name: string; readonly path: string; readonly bytes: number; readonly crc: number }[]
  /** To be written as `manifest.json` beside them. */
  readonly manifest: string
  /** Lets go of the files. */
  release(): Promise<void>
}

/** Rows of an export, or of a node, that are in memory at once. */
const windowRows = 100_000
const exportChunkRows = 2_000

/** Opens the embedded readings store. Journal batches come in through `apply` and lie in typed arrays until a seal makes them files;
 *  questions are answered from both. Durable is what the manifest names, together with the watermark that says how much of the journal
 *  that is. It never judges a reading, never loses one that was applied (before the seal the journal has it), and no damaged file makes
 *  the others unreadable. Rejects when the folder can't be used or the manifest and its copy are damaged. */
export async function openParquetReadings(options: ParquetOptions): Promise<ParquetReadings> {
  const premises = await openPremises(options)
  const store = new Store(premises, options)
  await store.start(options)
  return store
}

class Store implements ParquetReadings {
  private readonly premises: Premises
  private readonly sealer: Sealer
  private readonly upkeep: Upkeep
  private spans: { files: readonly FileEntry[]; nodes: Map<string, { from: number; to: number }[]> } = {
    files: [],
    nodes: new Map(),
  }

  constructor(premises: Premises, options: ParquetOptions) {
    this.premises = premises
    this.upkeep = new Upkeep(premises)
    this.sealer = new Sealer(premises, options, () => {
      if (options.backgroundAfterMs !== null) void this.upkeep.tidy()
    })
  }

  async start({ clock, backgroundAfterMs }: ParquetOptions): Promise<void> {
    await this.sealer.start()
    if (backgroundAfterMs !== null) this.upkeep.start(clock, backgroundAfterMs ?? 10_000)
  }

  apply(batch: DurableBatch, live: boolean): void {
    if (live || comparePositions(batch.end, this.watermark()) > 0) this.sealer.apply(batch)
  }

  watermark(): Position {
    return this.premises.manifest.state.watermark
  }

  room(): Promise<void> | undefined {
    return this.sealer.room()
  }

  seal(): Promise<void> {
    return this.sealer.seal()
  }

  rowAt(node: string, time: number): Row | null | undefined {
    if (this.filesMayHold(node, time)) return undefined
    const [first, second] = this.sealer
      .memory()
      .map(rows => rows.nodes.get(node)?.at(time) ?? null)
      .filter(row => row !== null)
    return first && second ? merged(first, second) : (first ?? null)
  }

  /** By each file's first and last time of the node: a stream that comes in order never has to ask a file. */
  private filesMayHold(node: string, time: number): boolean {
    const { files } = this.premises.manifest.state
    if (this.spans.files !== files) this.spans = { files, nodes: new Map() }
    let spans = this.spans.nodes.get(node)
    if (!spans) this.spans.nodes.set(node, (spans = files.map(file => factsOf(file, node)).filter(facts => facts !== undefined)))
    return spans.some(span => span.from <= time && span.to >= time)
  }

  rows(node: string, from: number, to: number): Promise<Row[]> {
    return this.viewing(async view => {
      const found: Row[] = []
      for await (const slices of windows(this.premises.library, view, { nodes: [node], sensors: null, from, to }, windowRows))
        for (const row of byTime(slices)) found.push(row)
      return found
    })
  }

  latest(node: string): ReadonlyMap<string, { readonly value: number; readonly time: number }> {
    return this.sealer.newest.fields(node)
  }

  nodes(): readonly string[] {
    return this.sealer.newest.nodes()
  }

  lastTime(node: string): number | null {
    return this.sealer.newest.lastTime(node)
  }

  fieldNames(node: string): readonly string[] {
    return [...this.latest(node).keys()].sort()
  }

  range(query: RangeQuery): Promise<RangeResult> {
    return this.viewing(view => rangeOf(this.premises.library, view, query))
  }

  async *export({ nodes, sensors, from, to }: ExportQuery): AsyncGenerator<readonly Row[]> {
    const { view, release } = this.view()
    try {
      const wanted = { nodes, sensors, from: from ?? Number.MIN_SAFE_INTEGER, to: to ?? Number.MAX_SAFE_INTEGER }
      let chunk: Row[] = []
      for await (const slices of windows(this.premises.library, view, wanted, windowRows))
        for (const row of byTime(slices)) {
          const kept = sensors === null ? row : only(row, sensors)
          if (kept.names.length > 0) chunk.push(kept)
          if (chunk.length < exportChunkRows) continue
          yield chunk
          chunk = []
        }
      if (chunk.length > 0) yield chunk
    } finally {
      await release()
    }
  }

  parquetOf(rows: AsyncIterable<readonly Row[]>, columns: readonly string[]): AsyncIterable<Uint8Array> {
    return rowsFile(this.premises.engine, this.premises.folders.temporary, rows, columns)
  }

  /** Files and memory of one moment; the files stay until `release`. */
  private view(): { view: View; release: () => Promise<void> } {
    const { files } = this.premises.manifest.state
    return { view: { files, memory: this.sealer.memory() }, release: this.premises.shelf.hold(files) }
  }

  private async viewing<T>(work: (view: View) => Promise<T>): Promise<T> {
    const { view, release } = this.view()
    try {
      return await work(view)
    } finally {
      await release()
    }
  }

  /** Everything is sealed first, so that no replay can bring the node back. */
  remove(node: string): Promise<void> {
    return this.sealer.sealWithout(node, () => removeFromFiles(this.premises, node))
  }

  scrub(): Promise<void> {
    return this.upkeep.scrub()
  }

  tidy(): Promise<void> {
    return this.upkeep.tidy()
  }

  snapshot(): StoreSnapshot {
    const { manifest, shelf } = this.premises
    const { files } = manifest.state
    const release = shelf.hold(files)
    return {
      files: files.map(({ name, bytes, crc }) => ({ name: `raw/${name}`, path: join(shelf.folder, name), bytes, crc })),
      manifest: manifest.text(),
      release,
    }
  }

  stats(): StoreStats {
    const { files, quarantined } = this.premises.manifest.state
    const { failure } = this.sealer
    const hotRows = this.sealer.memory().reduce((sum, rows) => sum + rows.count, 0)
    const aside = quarantined.length === 0 ? '' : `${quarantined.length} damaged files set aside`
    return {
      rows: files.reduce((sum, file) => sum + file.rows, 0) + hotRows,
      hotRows,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      quarantined,
      ok: failure === null,
      detail: failure === null ? aside : `rows can't be written to files (the journal has them): ${failure}`,
    }
  }

  async close(): Promise<void> {
    this.premises.closed = true
    await this.sealer.close()
    await this.upkeep.close()
    await this.premises.manifest.settled()
    await this.premises.engine.close()
  }
}

function merged(first: Row, second: Row): Row {
  const one = new NodeRows(first.node)
  for (const row of [first, second]) one.add(row.time, row.boot, row.seq, row.names, row.values)
  return one.row(0)
}

function only(row: Row, sensors: readonly string[]): Row {
  const kept = row.names.map((_, i) => i).filter(i => sensors.includes(row.names[i]!))
  return { ...row, names: kept.map(i => row.names[i]!), values: kept.map(i => row.values[i]!) }
}
