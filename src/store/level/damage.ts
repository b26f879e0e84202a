import { existsSync } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { type RecordsDamage, RecordsLocked } from '../records.ts'
import { decodeEntry, encodeEntry, entryKey } from './entry.ts'

/** Opening a LevelDB folder that may be damaged. Every entry is read once, because a cut table shows itself only then. What can't
 *  be read is repaired (LevelDB rebuilds its index from the tables), what can't be repaired is moved aside: a manager must start
 *  with whatever a power cut left (architecture.md: the journal still has what is newest). */
export async function openMended(dir: string, report: (damage: RecordsDamage) => void): Promise<ClassicLevel> {
  const before = await tablesIn(dir)
  // Without its CURRENT file LevelDB takes the folder for a new one and deletes the tables: repair first.
  const headless = before.length > 0 && !existsSync(`${dir}/CURRENT`)
  const first = headless ? damaged('its CURRENT file is gone') : await tryOpen(dir)
  if (first.db !== undefined) return settle(first, dir, before, report)

  const repaired = await tryRepair(dir)
  if (repaired.db !== undefined) {
    report({
      what: 'repaired',
      detail: `the records in ${dir} were damaged (${first.why}) and have been repaired; ${repaired.entries} entries are there, some may be missing`,
    })
    return settle(repaired, dir, [], report)
  }

  const movedTo = await moveAside(dir)
  report({
    what: 'aside',
    movedTo,
    detail: `the records in ${dir} can't be read (${first.why}; repair: ${repaired.why}) and lie in ${movedTo} now; names, tags and commands begin empty, readings are untouched`,
  })
  const fresh = await tryOpen(dir)
  if (fresh.db === undefined) throw new Error(`records: a new folder ${dir} can't be read: ${fresh.why}`)
  return settle(fresh, dir, [], report)
}

type Readable = {
  readonly db: ClassicLevel
  readonly entries: number
  readonly wrong: readonly string[]
  readonly why?: undefined
}
type Opened = Readable | { readonly db?: undefined; readonly why: string }

const damaged = (why: string): Opened => ({ why })

/** Opens and reads everything. Answers with the damage, rejects with what is no damage: locked, not permitted, no folder. */
async function tryOpen(dir: string): Promise<Opened> {
  const db = new ClassicLevel(dir)
  try {
    await db.open()
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED') throw new RecordsLocked(dir)
    if (cause?.code === 'LEVEL_CORRUPTION') return damaged(cause.message)
    if (cause?.code === 'LEVEL_IO_ERROR' && /Invalid argument|No such file/.test(cause.message)) return damaged(cause.message)
    throw new Error(`records: can't open ${dir}: ${cause?.message ?? error}`, { cause: error })
  }
  try {
    const wrong: string[] = []
    let entries = 0
    for await (const [key, stored] of db.iterator()) {
      entries++
      if (decodeEntry(key, stored) === undefined) wrong.push(key)
    }
    return { db, entries, wrong }
  } catch (error) {
    await db.close()
    return damaged((error as Error).message)
  }
}

async function tryRepair(dir: string): Promise<Opened> {
  try {
    await ClassicLevel.repair(dir)
  } catch (error) {
    return damaged((error as Error).message)
  }
  return tryOpen(dir)
}

/** The mark is written at the first opening: a folder that had tables and shows no mark has lost its index. */
const mark = entryKey('made', '')

async function settle(
  { db, entries, wrong }: Readable,
  dir: string,
  tables: readonly string[],
  report: (damage: RecordsDamage) => void,
): Promise<ClassicLevel> {
  if (entries === 0 && tables.length > 0)
    report({
      what: 'emptied',
      detail: `the records in ${dir} held tables (${tables.join(', ')}), but their index names none: all begins empty`,
    })
  if (wrong.length > 0) {
    const keys = wrong.map(key => key.replace('\0', '/'))
    report({
      what: 'entries',
      keys,
      detail: `${keys.length} record(s) failed their checksum and were removed: ${keys.join(', ')}`,
    })
    await db.batch(
      wrong.map(key => ({ type: 'del' as const, key })),
      { sync: true },
    )
  }
  if ((await db.get(mark)) === undefined) await db.put(mark, encodeEntry(mark, 1), { sync: true })
  return db
}

const tablesIn = async (dir: string): Promise<string[]> => (await readdir(dir)).filter(name => /^\d+\.(ldb|sst)$/.test(name))

/** To the first free `DIR.damaged-N`; nothing is deleted. */
async function moveAside(dir: string): Promise<string> {
  let n = 1
  while (existsSync(`${dir}.damaged-${n}`)) n++
  await rename(dir, `${dir}.damaged-${n}`)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return `${dir}.damaged-${n}`
}
