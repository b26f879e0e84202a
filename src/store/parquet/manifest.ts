import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { firstPosition, type Position } from '../../contract/events.ts'
import { replaceFile } from '../../kit/durable-file.ts'
import type { RollupKind } from '../readings.ts'
import type { NewestValues } from './newest.ts'

/** One Parquet file. It never changes once it is named here. */
export interface FileEntry {
  readonly name: string
  /** The period (calendar.ts) all its rows lie in. */
  readonly period: string
  /** Files of one period with the same number were written together and share no (node, time). */
  readonly set: number
  readonly rows: number
  /** First and last time. */
  readonly from: number
  readonly to: number
  readonly columns: readonly string[]
  readonly bytes: number
  readonly crc: number
  /** By then (Unix ms) all its readings had arrived. */
  readonly arrived: number
  readonly nodes: Readonly<Record<string, NodeFacts>>
}

export interface NodeFacts {
  readonly rows: number
  readonly from: number
  readonly to: number
  /** The lowest and the highest seq of each boot. */
  readonly boots: readonly (readonly [boot: number, low: number, high: number])[]
}

/** One Parquet file of roll-ups: node, sensor, time (the bucket's start), min, max, sum, count. Never changed either. */
export interface RollupEntry {
  readonly name: string
  readonly kind: RollupKind
  /** The Mondays (Unix ms) of the first and the last week whose readings it is made of. */
  readonly weeks: readonly [first: number, last: number]
  /** The files of `raw/` that it says again, in fewer words: it holds true while the files of that week are exactly these. null: it
   *  stands in place of rows that are gone, and adds to whatever came for its time since. */
  readonly sources: readonly string[] | null
  /** The numbers of the sweeps (or of the one writing) that it came from: minutes and hours of one sweep share theirs. */
  readonly sets: readonly number[]
  readonly rows: number
  /** Time of the first and the last reading in it. */
  readonly from: number
  readonly to: number
  readonly bytes: number
  readonly crc: number
  readonly nodes: Readonly<Record<string, RollupFacts>>
}

export interface RollupFacts {
  /** At most so many rows of this node. */
  readonly rows: number
  readonly from: number
  readonly to: number
  /** Of hours: the same readings were kept by the minute too. */
  readonly minutes: boolean
}

/** What retention took, and why. Written down with the taking itself, so that nothing ever goes in silence. */
export interface Sweep {
  readonly id: number
  /** Unix ms. */
  readonly time: number
  readonly what: 'raw' | RollupKind
  /** Rows that are gone: readings, or roll-ups. */
  readonly rows: number
  readonly bytes: number
  /** Times of the first and the last of them. */
  readonly from: number
  readonly to: number
  readonly why: 'age' | 'size'
}

/** A file found damaged and set aside. */
export interface SetAside {
  readonly file: string
  readonly rows: number
  readonly from: number
  readonly to: number
  readonly why: string
}

/** The one truth of what the files hold. The order of `files` is that in which their rows came: of two rows at one (node, time) the
 *  earlier file's is first. */
export interface State {
  readonly watermark: Position
  /** The next file's number. */
  readonly next: number
  readonly files: readonly FileEntry[]
  readonly rollups: readonly RollupEntry[]
  /** Rows before this time may have gone; 0 = none. */
  readonly goneBefore: number
  /** The last hundred of them, oldest first. */
  readonly sweeps: readonly Sweep[]
  readonly newest: NewestValues
  readonly quarantined: readonly SetAside[]
}

export const emptyState: State = {
  watermark: firstPosition,
  next: 1,
  files: [],
  rollups: [],
  goneBefore: 0,
  sweeps: [],
  newest: {},
  quarantined: [],
}

const format = 1
const mainName = 'manifest.json'
const copyName = 'manifest.copy.json'
const viewName = 'view.sql'

export class ManifestDamaged extends Error {}

/** Holds the state and writes it down. A change is atomic: file and watermark move in one rename, and readers see it only when it
 *  is durable. A second copy is written behind it, for the day the first has rotted. */
export class Manifest {
  state: State
  private readonly dir: string
  private turn: Promise<unknown> = Promise.resolve()
  private readonly written = new WeakMap<object, string>()

  private constructor(dir: string, state: State) {
    this.dir = dir
    this.state = state
  }

  /** Reads what is there; nothing there is an empty state. `from`: the copy is asked when the first is damaged or missing.
   *  Throws ManifestDamaged when neither can be read: then only a backup, or people, can tell what the files are. */
  static async open(dir: string): Promise<{ manifest: Manifest; from: 'first' | 'copy' | 'nothing' }> {
    const first = await load(join(dir, mainName))
    if (typeof first === 'object') return { manifest: new Manifest(dir, first), from: 'first' }
    const copy = await load(join(dir, copyName))
    if (typeof copy === 'object') return { manifest: new Manifest(dir, copy), from: 'copy' }
    if (first === 'damaged' || copy === 'damaged')
      throw new ManifestDamaged(`${join(dir, mainName)} and its copy can't be read; restore the folder from a backup`)
    return { manifest: new Manifest(dir, emptyState), from: 'nothing' }
  }

  /** Changes are made one after the other. `change` sees the state of its turn and answers with the new one, or null for none;
   *  `then` runs in the same moment in which the new state becomes visible. True when a change was made. Rejects when it could not
   *  be written: nothing has changed then. */
  change(change: (state: State) => State | null, then: () => void = () => {}): Promise<boolean> {
    const done = this.turn.then(async () => {
      const next = change(this.state)
      if (next === null) return false
      const content = this.encode(next)
      await replaceFile(join(this.dir, mainName), content)
      this.state = next
      then()
      await this.writeBehind(next, content)
      return true
    })
    this.turn = done.catch(() => undefined)
    return done
  }

  /** What stands on the disk, to the letter: for a copy elsewhere. */
  text(): string {
    return this.encode(this.state)
  }

  /** Waits for the change under way. */
  async settled(): Promise<void> {
    await this.turn
  }

  /** The copy and the view for other programs: the state is durable without them, so a full disk here is no failure. */
  private async writeBehind(state: State, content: string): Promise<void> {
    await replaceFile(join(this.dir, copyName), content).catch(() => undefined)
    await replaceFile(join(this.dir, viewName), viewOf(state)).catch(() => undefined)
  }

  /** Entries never change, so each is made text once: a year of 1,000 nodes is 6 MB that would be made anew at each seal. */
  private encode(state: State): string {
    const once = (part: object): string => {
      let known = this.written.get(part)
      if (known === undefined) this.written.set(part, (known = JSON.stringify(part)))
      return known
    }
    const { watermark, next, files, rollups, goneBefore, sweeps, newest, quarantined } = state
    const list = (entries: readonly object[]): string => `[\n${entries.map(once).join(',\n')}\n]`
    const body =
      `{"format":${format},"watermark":${JSON.stringify(watermark)},"next":${next},"goneBefore":${goneBefore},` +
      `"newest":${once(newest)},"quarantined":${once(quarantined)},"sweeps":${once(sweeps)},` +
      `"files":${list(files)},"rollups":${list(rollups)}}`
    return `${body}\n${crc32(body).toString(16).padStart(8, '0')}\n`
  }
}

async function load(path: string): Promise<State | 'damaged' | 'missing'> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (content === null) return 'missing'
  const body = content.slice(0, -10)
  if (content.slice(-10) !== `\n${crc32(body).toString(16).padStart(8, '0')}\n`) return 'damaged'
  const { format: found, ...state } = JSON.parse(body) as State & { format: number }
  if (found !== format) throw new ManifestDamaged(`${path} has format ${found}, this version reads ${format}`)
  return { ...emptyState, ...state }
}

/** What lets other programs read exactly the files that count, from the store's folder: `duckdb -init view.sql`. A glob would also
 *  see files that are about to be replaced. */
function viewOf(state: State): string {
  const head = '-- Written by espalier at each change. Run DuckDB in this folder; run this file again when a file is gone.\n'
  if (state.files.length + state.rollups.length === 0) return `${head}-- There are no files yet.\n`
  const read = (folder: string, files: readonly { name: string }[]): string =>
    `read_parquet([\n${files.map(file => `  '${folder}/${file.name}'`).join(',\n')}\n], union_by_name = true)`
  const view = (name: string, select: string): string => `CREATE OR REPLACE VIEW ${name} AS ${select};\n`
  const kept = (kind: RollupKind): string => {
    const files = state.rollups.filter(file => file.kind === kind && file.sources === null)
    if (files.length === 0) return ''
    const sums = 'min(min) AS min, sum(sum) / sum(count) AS mean, max(max) AS max, sum(count)::BIGINT AS count'
    return view(`kept_${kind}`, `SELECT node, sensor, time, ${sums} FROM ${read('rollups', files)} GROUP BY node, sensor, time`)
  }
  const raw = state.files.length === 0 ? '' : view('telemetry', `SELECT * FROM ${read('raw', state.files)}`)
  return `${head}${raw}${kept('1m')}${kept('1h')}`
}
