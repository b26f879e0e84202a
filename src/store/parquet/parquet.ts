import { join } from 'node:path'
import type { DurableBatch, Position } from '../../contract/events.ts'
import { comparePositions } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import type { ExportQuery, RangeQuery, RangeResult, RollupKind, RollupRow, Row, StoreStats } from '../readings.ts'
import { joined, rollUp, rollupMs } from '../rollup.ts'
import { breathe } from './breathe.ts'
import type { KeepLimits } from './keep-limits.ts'
import type { FileEntry, Sweep } from './manifest.ts'
import { NodeRows } from './node-rows.ts'
import type { ParquetOptions, ParquetReadings, StoreSnapshot } from './options.ts'
import { openPremises, type Premises } from './premises.ts'
import { type RangeLibrary, type RangeView, rangeOf } from './range.ts'
import { removeFromFiles } from './removal.ts'
import { keptRows } from './rollup-reader.ts'
import { byTime } from './row-set.ts'
import { rowsFile } from './rows-file.ts'
import { Sealer } from './sealer.ts'
import type { Stored } from './shelf.ts'
import { spareMs } from './sweep.ts'
import { Upkeep } from './upkeep.ts'
import { factsOf, type View, windows } from './windows.ts'

export type { KeepLimits } from './keep-limits.ts'
export type { Sweep } from './manifest.ts'
export type { ParquetOptions, ParquetReadings, StoreAlarm, StoreSnapshot } from './options.ts'

/** Rows of an export, or of a node, that are in memory at once. */
const windowRows = 100_000
const exportChunkRows = 500

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
  private readonly clock: Clock
  private readonly rangeLibrary: RangeLibrary
  private spans: { files: readonly FileEntry[]; nodes: Map<string, { from: number; to: number }[]> } = {
    files: [],
    nodes: new Map(),
  }

  constructor(premises: Premises, options: ParquetOptions) {
    this.premises = premises
    this.clock = options.clock
    this.upkeep = new Upkeep(premises)
    const { rollupShelf } = premises
    this.rangeLibrary = { ...premises.library, rollupShelf, rollupAbove: options.rollupAbove ?? 50_000 }
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

  async sweep(limits: KeepLimits): Promise<void> {
    this.keep(limits)
    const now = this.clock.wallMs()
    // A full disk: an alarm tells, and what the sweep takes makes room.
    await this.sealer.sealArrivedBefore(now - spareMs).catch(() => undefined)
    await this.sealer.withBallast(() => this.upkeep.sweep(limits, now))
  }

  keep(limits: KeepLimits): void {
    this.premises.keep = limits
  }

  sweeps(): readonly Sweep[] {
    return this.premises.manifest.state.sweeps
  }

  goneBefore(): number {
    return this.premises.manifest.state.goneBefore
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

  oldest(): number | null {
    const inMemory = this.sealer.memory().flatMap(rows => [...rows.nodes.values()].map(node => node.settle().times[0]!))
    const from = [...this.premises.manifest.state.files.map(file => file.from), ...inMemory]
    return from.length > 0 ? from.reduce((a, b) => Math.min(a, b)) : null
  }

  fieldNames(node: string): readonly string[] {
    return [...this.latest(node).keys()].sort()
  }

  range(query: RangeQuery): Promise<RangeResult> {
    return this.viewing(view => rangeOf(this.rangeLibrary, view, query))
  }

  async *exportRollups(query: ExportQuery, kind: RollupKind): AsyncGenerator<readonly RollupRow[]> {
    const { view, release } = this.view()
    try {
      const { engine, rollupShelf } = this.premises
      const { nodes, sensors, from, to } = query
      const wanted = { nodes, sensors, from: from ?? Number.MIN_SAFE_INTEGER, to: to ?? Number.MAX_SAFE_INTEGER }
      const kept = keptRows(engine, rollupShelf, view.rollups, kind, wanted)
      yield* joined(rollUp(this.rowsOf(view, query), rollupMs[kind]), kept)
    } finally {
      await release()
    }
  }

  async *export(query: ExportQuery): AsyncGenerator<readonly Row[]> {
    const { view, release } = this.view()
    try {
      yield* this.rowsOf(view, query)
    } finally {
      await release()
    }
  }

  private async *rowsOf(view: View, { nodes, sensors, from, to }: ExportQuery): AsyncGenerator<readonly Row[]> {
    const wanted = { nodes, sensors, from: from ?? Number.MIN_SAFE_INTEGER, to: to ?? Number.MAX_SAFE_INTEGER }
    let chunk: Row[] = []
    for await (const slices of windows(this.premises.library, view, wanted, windowRows))
      for (const row of byTime(slices)) {
        const kept = sensors === null ? row : only(row, sensors)
        if (kept.names.length > 0) chunk.push(kept)
        if (chunk.length < exportChunkRows) continue
        yield chunk
        chunk = []
        await breathe()
      }
    if (chunk.length > 0) yield chunk
  }

  parquetOf(
    rows: AsyncIterable<readonly Row[]>,
    columns: readonly string[],
    { numbered } = { numbered: true },
  ): AsyncIterable<Uint8Array> {
    return rowsFile(this.premises.engine, this.premises.folders.temporary, rows, columns, numbered)
  }

  /** Files and memory of one moment; the files stay until `release`. */
  private view(): { view: RangeView; release: () => Promise<void> } {
    const { shelf, rollupShelf, manifest } = this.premises
    const { files, rollups } = manifest.state
    const releases = [shelf.hold(files), rollupShelf.hold(rollups)]
    return {
      view: { files, rollups, memory: this.sealer.memory() },
      async release() {
        for (const release of releases) await release()
      },
    }
  }

  private async viewing<T>(work: (view: RangeView) => Promise<T>): Promise<T> {
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
    const { manifest, shelf, rollupShelf } = this.premises
    const { release, view } = this.view()
    const listed = (folder: string, from: string, files: readonly Stored[]) =>
      files.map(({ name, bytes, crc }) => ({ name: `${folder}/${name}`, path: join(from, name), bytes, crc }))
    return {
      files: [...listed('raw', shelf.folder, view.files), ...listed('rollups', rollupShelf.folder, view.rollups)],
      manifest: manifest.text(),
      release,
    }
  }

  stats(): StoreStats {
    const { files, rollups, quarantined } = this.premises.manifest.state
    const { failure } = this.sealer
    const hotRows = this.sealer.memory().reduce((sum, rows) => sum + rows.count, 0)
    const aside = quarantined.length === 0 ? '' : `${quarantined.length} damaged files set aside`
    return {
      rows: files.reduce((sum, file) => sum + file.rows, 0) + hotRows,
      hotRows,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      rollups: { files: rollups.length, bytes: rollups.reduce((sum, file) => sum + file.bytes, 0) },
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
