import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { comparePositions, type DurableBatch, type Position } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import type { ExportQuery, RangeQuery, ReadingsStore, Row, StoreStats } from '../readings.ts'
import { dayOf } from './calendar.ts'
import { type Merging, merge, nextMerge } from './compaction.ts'
import { Ballast, DoubtfulWrite, sizeOf, sweep } from './disk.ts'
import { createEngine } from './engine.ts'
import { type FileEntry, Manifest, type SetAside } from './manifest.ts'
import { Newest, type NewestValues } from './newest.ts'
import { NodeRows } from './node-rows.ts'
import { partsOf } from './parts.ts'
import { rangeOf } from './range.ts'
import { byTime, RowSet } from './row-set.ts'
import { Shelf } from './shelf.ts'
import { factsOf, type Library, type View, windows } from './windows.ts'
import { writePart } from './writer.ts'

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
  | { readonly what: 'merge_failed'; readonly detail: string }

export interface ParquetReadings extends ReadingsStore {
  /** Reads every file and sets aside what has rotted. Runs after the start and each week by itself. */
  scrub(): Promise<void>
  /** Merges files until there is nothing to merge. Runs behind each seal by itself. */
  tidy(): Promise<void>
}

/** Rows of a seal's row group: smaller ones cost little and keep its memory down (208 against 307 MB RSS at 500,000 rows). */
const sealRowGroup = 32_768
const exportWindowRows = 100_000
const exportChunkRows = 2_000
const weekMs = 7 * 86_400_000
const hourMs = 3_600_000

/** Opens the embedded readings store. Journal batches come in through `apply` and lie in typed arrays until a seal makes them files;
 *  questions are answered from both. Durable is what the manifest names, together with the watermark that says how much of the journal
 *  that is. It never judges a reading, never loses one that was applied (before the seal the journal has it), and no damaged file makes
 *  the others unreadable. Rejects when the folder can't be used or the manifest and its copy are damaged. */
export async function openParquetReadings(options: ParquetOptions): Promise<ParquetReadings> {
  const store = new Store(options, await openFolder(options))
  await store.start()
  return store
}

interface Opened {
  readonly manifest: Manifest
  readonly usedCopy: boolean
}

const folders = (dir: string) => ({ final: join(dir, 'raw'), temporary: join(dir, 'tmp'), aside: join(dir, 'quarantine') })

/** Brings the folder to what the manifest says: what a crash left half done goes. */
async function openFolder({ dir }: ParquetOptions): Promise<Opened> {
  const { final, temporary, aside } = folders(dir)
  for (const folder of [dir, final, temporary, aside]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const { manifest, usedCopy } = await Manifest.open(dir)
  await sweep(temporary, new Set())
  const named = new Set(manifest.state.files.map(file => file.name))
  // The copy may be one change behind: a file it doesn't name may hold rows that the journal has dropped already.
  if (usedCopy) await sweep(final, named, name => rename(join(final, name), join(aside, name)))
  else await sweep(final, named)
  return { manifest, usedCopy }
}

/** What was cut off for a seal, still asked until its files stand. */
interface Sealing {
  readonly rows: RowSet
  readonly end: Position
  readonly newest: NewestValues
}

class Store implements ParquetReadings {
  private readonly options: ParquetOptions
  private readonly opened: Opened
  private readonly manifest: Manifest
  private readonly shelf: Shelf
  private readonly library: Library
  private readonly merging: Merging
  private readonly engine
  private readonly ballast: Ballast
  private readonly newest: Newest
  private readonly sealRows: number
  private hot = new RowSet()
  private hotDay = 0
  private sealing: Sealing | null = null
  private applied: Position
  private next: number
  private failure: string | null = null
  private closed = false
  /** Rows are being moved under a turn of their own: no seal starts by itself. */
  private busy = 0
  private turn: Promise<unknown> = Promise.resolve()
  private background: Promise<void> | null = null
  private scrubbing: Promise<void> | null = null
  private readonly waiting: (() => void)[] = []
  private readonly timers: NodeJS.Timeout[] = []
  private retry: NodeJS.Timeout | null = null
  private spans: { files: readonly FileEntry[]; nodes: Map<string, { from: number; to: number }[]> }

  constructor(options: ParquetOptions, opened: Opened) {
    const { manifest } = opened
    const places = folders(options.dir)
    this.options = options
    this.opened = opened
    this.manifest = manifest
    this.sealRows = options.sealRows ?? 250_000
    this.applied = manifest.state.watermark
    this.next = manifest.state.next
    this.newest = new Newest(manifest.state.newest)
    this.spans = { files: manifest.state.files, nodes: new Map() }
    this.engine = createEngine({ spill: places.temporary, memoryLimitMb: options.memoryLimitMb ?? 64 })
    this.ballast = new Ballast(join(options.dir, 'ballast'), options.ballastBytes ?? 8 * 1024 * 1024)
    this.shelf = new Shelf(manifest, places, file => options.onAlarm?.({ what: 'set_aside', file }))
    this.library = {
      engine: this.engine,
      folder: places.final,
      readOutright: options.readOutright ?? 2_000,
      heal: async (files, error) => {
        const sound = await this.shelf.check(files)
        if (sound.length === files.length) throw error
        return sound
      },
    }
    this.merging = {
      engine: this.engine,
      manifest,
      shelf: this.shelf,
      library: this.library,
      folders: places,
      nextNumber: () => this.next++,
      stopped: () => this.closed,
    }
  }

  async start(): Promise<void> {
    if (this.opened.usedCopy) this.options.onAlarm?.({ what: 'manifest_copy_used' })
    for (const file of this.manifest.state.files) {
      const bytes = await sizeOf(join(this.shelf.folder, file.name))
      if (bytes === null) await this.shelf.setAside(file, 'the file is gone')
      else if (bytes !== file.bytes) await this.shelf.setAside(file, `it has ${bytes} bytes, written were ${file.bytes}`)
    }
    await this.ballast.load()
    const after = this.options.backgroundAfterMs === undefined ? 10_000 : this.options.backgroundAfterMs
    if (after === null) return
    const { clock } = this.options
    let scrubbedAt = clock.monoMs()
    const look = (): void => void this.scrub().then(() => this.tidy())
    this.timers.push(
      setTimeout(look, after).unref(),
      setInterval(() => {
        if (clock.monoMs() - scrubbedAt < weekMs) return
        scrubbedAt = clock.monoMs()
        look()
      }, hourMs).unref(),
    )
  }

  // ── applier ──

  apply(batch: DurableBatch, live: boolean): void {
    if (!live && comparePositions(batch.end, this.manifest.state.watermark) <= 0) return
    if (this.hot.count === 0) this.hotDay = this.today()
    for (const event of batch.events) {
      if (event.kind !== 'reading') continue
      this.hot.add(event)
      this.newest.add(event)
    }
    this.applied = batch.end
    this.sealWhenDue()
  }

  watermark(): Position {
    return this.manifest.state.watermark
  }

  room(): Promise<void> | undefined {
    if (!this.full()) return undefined
    return new Promise(resolve => this.waiting.push(resolve))
  }

  private full(): boolean {
    return this.hot.count + (this.sealing?.rows.count ?? 0) > 2 * this.sealRows
  }

  private today(): number {
    return dayOf(this.options.clock.wallMs())
  }

  // ── seal ──

  /** Behind a batch, never within: the cut lies between two of them. */
  private sealWhenDue(): void {
    if (this.busy > 0 || this.sealing !== null || this.closed || this.hot.count === 0) return
    if (this.hot.count < this.sealRows && this.hotDay === this.today()) return
    this.cut()
    this.inTurn(() => this.write()).catch(() => undefined) // reported by stats() and an alarm, and tried again
  }

  private cut(): void {
    if (this.sealing !== null) throw new Error('a second cut before the first one is written would lose its rows')
    this.sealing = { rows: this.hot, end: this.applied, newest: this.newest.values() }
    this.hot = new RowSet()
  }

  async seal(): Promise<void> {
    await this.inTurn(() => this.sealAll())
  }

  private async sealAll(): Promise<void> {
    this.busy++
    try {
      await this.write()
      if (this.hot.count === 0 && comparePositions(this.applied, this.watermark()) === 0) return
      this.cut()
      await this.write()
    } finally {
      this.busy--
    }
  }

  /** Makes what was cut off durable. When it fails nothing is lost: it stays in memory and in the journal. */
  private async write(): Promise<void> {
    if (this.sealing === null) return
    try {
      await this.writeFiles(this.sealing).catch(async (error: Error) => {
        if (!isFull(error) || !(await this.ballast.drop())) throw error
        await this.writeFiles(this.sealing!)
      })
    } catch (error) {
      this.failed((error as Error).message)
      throw error
    }
    if (this.failure !== null) this.options.onAlarm?.({ what: 'seal_recovered' })
    this.failure = null
    if (!this.full()) for (const resolve of this.waiting.splice(0)) resolve()
    await this.ballast.load()
    this.sealWhenDue()
    if (this.options.backgroundAfterMs !== null) void this.tidy()
  }

  private async writeFiles({ rows, end, newest }: Sealing): Promise<void> {
    const written: FileEntry[] = []
    try {
      const set = this.next++
      for (const part of partsOf(rows.slices(null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), this.today()))
        written.push(
          await writePart(this.engine, part, `${part.period}-${this.next++}.parquet`, set, this.merging.folders, sealRowGroup),
        )
      await this.manifest.change(
        state => ({ ...state, watermark: end, next: this.next, files: [...state.files, ...written], newest }),
        () => {
          this.sealing = null
        },
      )
    } catch (error) {
      if (!(error instanceof DoubtfulWrite)) await this.shelf.retire(written) // the manifest on the disk may name them
      throw error
    }
  }

  private failed(detail: string): void {
    if (this.failure === null) this.options.onAlarm?.({ what: 'seal_failed', detail })
    this.failure = detail
    if (this.closed || this.retry !== null) return
    this.retry = setTimeout(() => {
      this.retry = null
      if (!this.closed) this.inTurn(() => this.write()).catch(() => undefined)
    }, this.options.retryMs ?? 5_000).unref()
  }

  /** Seals and removals go one after the other. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => undefined)
    return done
  }

  // ── questions ──

  rowAt(node: string, time: number): Row | null | undefined {
    if (this.filesMayHold(node, time)) return undefined
    const cutOff = this.sealing?.rows.nodes.get(node)?.at(time) ?? null
    const hot = this.hot.nodes.get(node)?.at(time) ?? null
    return cutOff && hot ? merged([cutOff, hot]) : (cutOff ?? hot)
  }

  /** By each file's first and last time of the node: a stream that comes in order never has to ask a file. */
  private filesMayHold(node: string, time: number): boolean {
    if (this.spans.files !== this.manifest.state.files) this.spans = { files: this.manifest.state.files, nodes: new Map() }
    let spans = this.spans.nodes.get(node)
    if (!spans)
      this.spans.nodes.set(node, (spans = this.spans.files.map(file => factsOf(file, node)).filter(facts => facts !== undefined)))
    return spans.some(span => span.from <= time && span.to >= time)
  }

  async rows(node: string, from: number, to: number): Promise<Row[]> {
    const found: Row[] = []
    await this.viewing(async view => {
      for await (const slices of windows(this.library, view, { nodes: [node], sensors: null, from, to }, exportWindowRows))
        for (const row of byTime(slices)) found.push(row)
    })
    return found
  }

  latest(node: string): ReadonlyMap<string, { readonly value: number; readonly time: number }> {
    return this.newest.fields(node)
  }

  nodes(): readonly string[] {
    return this.newest.nodes()
  }

  lastTime(node: string): number | null {
    return this.newest.lastTime(node)
  }

  fieldNames(node: string): readonly string[] {
    return [...this.newest.fields(node).keys()].sort()
  }

  range(query: RangeQuery) {
    return this.viewing(view => rangeOf(this.library, view, query))
  }

  async *export({ nodes, sensors, from, to }: ExportQuery): AsyncGenerator<readonly Row[]> {
    const { view, release } = this.view()
    try {
      const wanted = { nodes, sensors, from: from ?? Number.MIN_SAFE_INTEGER, to: to ?? Number.MAX_SAFE_INTEGER }
      let chunk: Row[] = []
      for await (const slices of windows(this.library, view, wanted, exportWindowRows))
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

  /** Files and memory of one moment; the files stay until `release`. */
  private view(): { view: View; release: () => Promise<void> } {
    const { files } = this.manifest.state
    const view = { files, memory: this.sealing === null ? [this.hot] : [this.sealing.rows, this.hot] }
    return { view, release: this.shelf.hold(files) }
  }

  private async viewing<T>(work: (view: View) => Promise<T>): Promise<T> {
    const { view, release } = this.view()
    try {
      return await work(view)
    } finally {
      await release()
    }
  }

  // ── upkeep ──

  /** Everything is sealed first, so that no replay can bring the node back; then each file that names it is written anew. */
  remove(node: string): Promise<void> {
    return this.inTurn(async () => {
      this.busy++
      try {
        await this.write()
        this.hot.delete(node)
        this.newest.delete(node)
        this.cut()
        await this.write()
        for (let file = this.fileOf(node); file; file = this.fileOf(node)) await this.writeWithout(file, node)
      } finally {
        this.busy--
      }
    })
  }

  private fileOf(node: string): FileEntry | undefined {
    return this.manifest.state.files.find(file => factsOf(file, node))
  }

  private async writeWithout(file: FileEntry, node: string): Promise<void> {
    const release = this.shelf.hold([file])
    const written: FileEntry[] = []
    try {
      const nodes = Object.keys(file.nodes).filter(other => other !== node)
      const wanted = { nodes, sensors: null, from: file.from, to: file.to + 1 }
      for await (const slices of windows(this.library, { files: [file], memory: [] }, wanted, exportWindowRows))
        for (const part of partsOf(slices, this.today()))
          written.push(
            await writePart(
              this.engine,
              part,
              `${part.period}-${this.next++}.parquet`,
              file.set,
              this.merging.folders,
              sealRowGroup,
            ),
          )
      const changed = await this.manifest.change(state => {
        const at = state.files.indexOf(file)
        return at < 0 ? null : { ...state, next: this.next, files: state.files.toSpliced(at, 1, ...written) }
      })
      await this.shelf.retire(changed ? [file] : written)
    } catch (error) {
      if (!(error instanceof DoubtfulWrite)) await this.shelf.retire(written)
      throw error
    } finally {
      await release()
    }
  }

  scrub(): Promise<void> {
    this.scrubbing ??= this.checkAll().finally(() => {
      this.scrubbing = null
    })
    return this.scrubbing
  }

  private async checkAll(): Promise<void> {
    for (const file of this.manifest.state.files) {
      if (this.closed) return
      const release = this.shelf.hold([file])
      await this.shelf.check([file])
      await release()
    }
  }

  tidy(): Promise<void> {
    this.background ??= this.mergeAll().finally(() => {
      this.background = null
    })
    return this.background
  }

  private async mergeAll(): Promise<void> {
    try {
      for (let files = this.nextMerge(); files !== null; files = this.nextMerge()) await merge(this.merging, files, this.today())
    } catch (error) {
      if (!this.closed) this.options.onAlarm?.({ what: 'merge_failed', detail: (error as Error).message })
    }
  }

  private nextMerge(): FileEntry[] | null {
    return this.closed ? null : nextMerge(this.manifest.state.files, this.today())
  }

  stats(): StoreStats {
    const { files, quarantined } = this.manifest.state
    const hotRows = this.hot.count + (this.sealing?.rows.count ?? 0)
    const aside = quarantined.length === 0 ? '' : `${quarantined.length} damaged files set aside`
    return {
      rows: files.reduce((sum, file) => sum + file.rows, 0) + hotRows,
      hotRows,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      quarantined,
      ok: this.failure === null,
      detail: this.failure === null ? aside : `rows can't be written to files (the journal has them): ${this.failure}`,
    }
  }

  async close(): Promise<void> {
    this.closed = true
    for (const timer of this.timers) clearTimeout(timer)
    if (this.retry) clearTimeout(this.retry)
    await this.turn
    await this.background
    await this.scrubbing
    await this.manifest.settled()
    await this.engine.close()
  }
}

const isFull = (error: Error): boolean => /ENOSPC|No space left on device/.test(error.message)

function merged(rows: readonly Row[]): Row {
  const one = new NodeRows(rows[0]!.node)
  for (const row of rows) one.add(row.time, row.boot, row.seq, row.names, row.values)
  return one.row(0)
}

function only(row: Row, sensors: readonly string[]): Row {
  const kept = row.names.map((_, i) => i).filter(i => sensors.includes(row.names[i]!))
  return { ...row, names: kept.map(i => row.names[i]!), values: kept.map(i => row.values[i]!) }
}
