import { mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DoubtfulWrite } from '../../kit/durable-file.ts'
import { dayOf } from './calendar.ts'
import { sizeOf, sweep } from './disk.ts'
import { createEngine, type Engine } from './engine.ts'
import { type KeepLimits, keepAll } from './keep-limits.ts'
import { type FileEntry, Manifest, type RollupEntry, type SetAside } from './manifest.ts'
import type { ParquetOptions, StoreAlarm } from './options.ts'
import { partsOf } from './parts.ts'
import type { Slice } from './row-set.ts'
import { type Losses, Shelf, type Stored } from './shelf.ts'
import type { Library } from './windows.ts'
import { type FileKind, type Folders, writePart } from './writer.ts'

/** The store's folder and the tools that work in it; who seals, merges and removes shares them. */
export interface Premises {
  readonly engine: Engine
  readonly manifest: Manifest
  readonly shelf: Shelf<FileEntry>
  readonly rollupShelf: Shelf<RollupEntry>
  readonly library: Library
  readonly folders: Folders
  readonly rollupFolders: Folders
  /** How long what is kept, as far as it was told. */
  keep: KeepLimits
  /** A number no file has. */
  nextNumber(): number
  /** Days since 1970, by the wall clock. */
  today(): number
  alarm(alarm: StoreAlarm): void
  /** Set when there is no more time: work in the background stops at its next step. */
  closed: boolean
}

/** Opens the folder and brings it to what the manifest says: what a crash left half done goes, what is missing is booked. */
export async function openPremises(options: ParquetOptions): Promise<Premises> {
  const { dir, clock } = options
  const [final, rollups, temporary, aside] = ['raw', 'rollups', 'tmp', 'quarantine'].map(name => join(dir, name)) as Four
  for (const folder of [dir, final, rollups, temporary, aside]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const alarm = (what: StoreAlarm): void => options.onAlarm?.(what)
  const { manifest, from } = await Manifest.open(dir)
  await sweep(temporary, new Set())
  const named = new Set(manifest.state.files.map(file => file.name))
  const namedRollups = new Set(manifest.state.rollups.map(file => file.name))
  if (from === 'first') {
    await sweep(final, named)
    await sweep(rollups, namedRollups)
  } else {
    // The copy may be one change behind, or both are gone: a file without a name may hold rows that the journal has dropped already.
    const unnamed: string[] = []
    await sweep(final, named, async name => {
      await rename(join(final, name), join(aside, name))
      unnamed.push(name)
    })
    await sweep(rollups, namedRollups, name => rename(join(rollups, name), join(aside, name)))
    if (from === 'copy') alarm({ what: 'manifest_copy_used' })
    else if (unnamed.length > 0) alarm({ what: 'manifest_missing', setAside: unnamed })
    // From the beginning on there is one, so that what a kill leaves of the first seal is known for what it is.
    if (from === 'nothing') await manifest.change(state => state).catch(() => undefined)
  }
  const engine = createEngine({ spill: temporary, memoryLimitMb: options.memoryLimitMb ?? 64 })
  const shelf = new Shelf({ final, aside }, rawLosses(manifest, alarm))
  const rollupShelf = new Shelf({ final: rollups, aside }, rollupLosses(manifest, alarm))
  await bookMissing(shelf, manifest.state.files)
  await bookMissing(rollupShelf, manifest.state.rollups)
  await bookArrivals(shelf, manifest)
  const library: Library = {
    engine,
    folder: final,
    readOutright: options.readOutright ?? 2_000,
    async heal(files, error) {
      const sound = await shelf.check(files)
      if (sound.length === files.length) throw error
      return sound
    },
  }
  let next = manifest.state.next
  return {
    engine,
    manifest,
    shelf,
    rollupShelf,
    library,
    folders: { final, temporary },
    rollupFolders: { final: rollups, temporary },
    keep: keepAll,
    nextNumber: () => next++,
    today: () => dayOf(clock.wallMs()),
    alarm,
    closed: false,
  }
}

type Four = [string, string, string, string]

const rawLosses = (manifest: Manifest, alarm: Premises['alarm']): Losses<FileEntry> => ({
  named: file => manifest.state.files.includes(file),
  async lost(file, why) {
    const lost: SetAside = { file: file.name, rows: file.rows, from: file.from, to: file.to, why }
    const changed = await manifest.change(state =>
      state.files.includes(file)
        ? { ...state, files: state.files.filter(other => other !== file), quarantined: [...state.quarantined, lost] }
        : null,
    )
    if (changed) alarm({ what: 'set_aside', file: lost })
  },
})

/** A roll-up whose rows are still there is made again from them: nothing is lost. */
const rollupLosses = (manifest: Manifest, alarm: Premises['alarm']): Losses<RollupEntry> => ({
  named: file => manifest.state.rollups.includes(file),
  async lost(file, why) {
    const lost: SetAside = { file: file.name, rows: file.rows, from: file.from, to: file.to, why }
    const changed = await manifest.change(state => {
      if (!state.rollups.includes(file)) return null
      const rollups = withoutRollup(state.rollups, file)
      return { ...state, rollups, quarantined: file.sources === null ? [...state.quarantined, lost] : state.quarantined }
    })
    if (changed)
      alarm(file.sources === null ? { what: 'set_aside', file: lost } : { what: 'rollup_damaged', file: file.name, why })
  },
})

/** With a file that says rows again go the others of its week, all are made again. For minutes in place of gone rows their hours stand in. */
function withoutRollup(rollups: readonly RollupEntry[], lost: RollupEntry): RollupEntry[] {
  if (lost.sources !== null)
    return rollups.filter(other => other !== lost && (other.sources === null || other.weeks[0] !== lost.weeks[0]))
  const rest = rollups.filter(other => other !== lost)
  if (lost.kind === '1h') return rest
  return rest.map(other => {
    if (other.kind !== '1h' || other.sources !== null || !other.sets.some(set => lost.sets.includes(set))) return other
    const nodes = Object.entries(other.nodes).map(([node, facts]) =>
      Object.hasOwn(lost.nodes, node) ? [node, { ...facts, minutes: false }] : [node, facts],
    )
    return { ...other, nodes: Object.fromEntries(nodes) }
  })
}

/** Sizes are looked at before anything is asked; checksums, which cost a read of everything, in the background. */
async function bookMissing<T extends Stored>(shelf: Shelf<T>, files: readonly T[]): Promise<void> {
  for (const file of files) {
    const bytes = await sizeOf(join(shelf.folder, file.name))
    if (bytes === null) await shelf.setAside(file, 'the file is gone')
    else if (bytes !== file.bytes) await shelf.setAside(file, `it has ${bytes} bytes, written were ${file.bytes}`)
  }
}

/** Manifests of before retention do not say when readings arrived: not after their file was written. */
async function bookArrivals(shelf: Shelf<FileEntry>, manifest: Manifest): Promise<void> {
  const { files } = manifest.state
  if (files.every(file => file.arrived !== undefined)) return
  const dated = await Promise.all(
    files.map(async file => ({
      ...file,
      arrived: file.arrived ?? Math.ceil((await stat(join(shelf.folder, file.name))).mtimeMs),
    })),
  )
  manifest.state = { ...manifest.state, files: dated }
}

/** Writes files by `fill`, which gets a function that writes rows, and enters them by `enter`, which makes the one change of the manifest
 *  (false: it was not made). What is not entered is deleted, unless the manifest on the disk may name it: then the next start knows. */
export async function writeFiles(
  premises: Premises,
  kind: FileKind,
  fill: (write: (slices: readonly Slice[]) => Promise<void>) => Promise<void>,
  enter: (written: readonly FileEntry[]) => Promise<boolean>,
): Promise<boolean> {
  const written: FileEntry[] = []
  const write = async (slices: readonly Slice[]): Promise<void> => {
    for (const part of partsOf(slices, premises.today())) {
      const name = `${part.period}-${premises.nextNumber()}.parquet`
      written.push(await writePart(premises.engine, part, name, kind, premises.folders))
    }
  }
  let entered = false
  try {
    await fill(write)
    return (entered = await enter(written))
  } catch (error) {
    entered = error instanceof DoubtfulWrite
    throw error
  } finally {
    if (!entered) await premises.shelf.retire(written)
  }
}
