import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { dayOf } from './calendar.ts'
import { DoubtfulWrite, sizeOf, sweep } from './disk.ts'
import { createEngine, type Engine } from './engine.ts'
import { type FileEntry, Manifest } from './manifest.ts'
import type { ParquetOptions, StoreAlarm } from './parquet.ts'
import { partsOf } from './parts.ts'
import type { Slice } from './row-set.ts'
import { Shelf } from './shelf.ts'
import type { Library } from './windows.ts'
import { type Folders, writePart } from './writer.ts'

/** The store's folder and the tools that work in it; who seals, merges and removes shares them. */
export interface Premises {
  readonly engine: Engine
  readonly manifest: Manifest
  readonly shelf: Shelf
  readonly library: Library
  readonly folders: Folders
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
  const [final, temporary, aside] = [join(dir, 'raw'), join(dir, 'tmp'), join(dir, 'quarantine')]
  for (const folder of [dir, final, temporary, aside]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const alarm = (what: StoreAlarm): void => options.onAlarm?.(what)
  const { manifest, from } = await Manifest.open(dir)
  await sweep(temporary, new Set())
  const named = new Set(manifest.state.files.map(file => file.name))
  if (from === 'first') await sweep(final, named)
  else {
    // The copy may be one change behind, or both are gone: a file without a name may hold rows that the journal has dropped already.
    const unnamed: string[] = []
    await sweep(final, named, async name => {
      await rename(join(final, name), join(aside, name))
      unnamed.push(name)
    })
    if (from === 'copy') alarm({ what: 'manifest_copy_used' })
    else if (unnamed.length > 0) alarm({ what: 'manifest_missing', setAside: unnamed })
    // From the beginning on there is one, so that what a kill leaves of the first seal is known for what it is.
    if (from === 'nothing') await manifest.change(state => state).catch(() => undefined)
  }
  const engine = createEngine({ spill: temporary, memoryLimitMb: options.memoryLimitMb ?? 64 })
  const shelf = new Shelf(manifest, { final, aside }, file => alarm({ what: 'set_aside', file }))
  await bookMissing(shelf, manifest)
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
    library,
    folders: { final, temporary },
    nextNumber: () => next++,
    today: () => dayOf(clock.wallMs()),
    alarm,
    closed: false,
  }
}

/** Sizes are looked at before anything is asked; checksums, which cost a read of everything, in the background. */
async function bookMissing(shelf: Shelf, manifest: Manifest): Promise<void> {
  for (const file of manifest.state.files) {
    const bytes = await sizeOf(join(shelf.folder, file.name))
    if (bytes === null) await shelf.setAside(file, 'the file is gone')
    else if (bytes !== file.bytes) await shelf.setAside(file, `it has ${bytes} bytes, written were ${file.bytes}`)
  }
}

/** Writes files by `fill`, which gets a function that writes rows, and enters them by `enter`, which makes the one change of the manifest
 *  (false: it was not made). What is not entered is deleted, unless the manifest on the disk may name it: then the next start knows. */
export async function writeFiles(
  premises: Premises,
  kind: { readonly set: number; readonly rowGroup: number },
  fill: (write: (slices: readonly Slice[]) => Promise<void>) => Promise<void>,
  enter: (written: readonly FileEntry[]) => Promise<boolean>,
): Promise<boolean> {
  const written: FileEntry[] = []
  const write = async (slices: readonly Slice[]): Promise<void> => {
    for (const part of partsOf(slices, premises.today())) {
      const name = `${part.period}-${premises.nextNumber()}.parquet`
      written.push(await writePart(premises.engine, part, name, kind.set, premises.folders, kind.rowGroup))
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
