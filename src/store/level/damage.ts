import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { type RecordsDamage, RecordsLocked } from '../records.ts'
import { decodeEntry, encodeEntry, entryKey } from './entry.ts'
import { endsProcess, repairApart } from './repair.ts'
import { damagedTables, tablesIn } from './tables.ts'

/** Opening a LevelDB folder that may be damaged: a manager must start with whatever a power cut left (architecture.md: the journal
 *  still has what is newest). A lost index is repaired from the tables. A table that is not what was written is not used further: the
 *  folder is moved aside, and what can be read of it is copied into a new one. */
export async function openMended(dir: string, report: (damage: RecordsDamage) => void): Promise<ClassicLevel> {
  const tries = await unfinishedOpenings(dir)
  await writeFile(opening(dir), String(tries + 1), { mode: 0o600 })
  try {
    if (tries < triesAtMost || !(await endsProcess(dir))) return await openOrMend(dir, report)
    return await startAnew(dir, `opening it ended the process ${tries} times`, false, report)
  } finally {
    await rm(opening(dir), { force: true })
  }
}

async function openOrMend(dir: string, report: (damage: RecordsDamage) => void): Promise<ClassicLevel> {
  const tables = await tablesIn(dir)
  const held = [...tables, ...(await logsIn(dir))]
  // Without its CURRENT file LevelDB takes the folder for a new one and deletes the tables: repair first.
  const headless = tables.length > 0 && !existsSync(`${dir}/CURRENT`)
  const first: Opened = headless ? { why: 'its CURRENT file is gone' } : await tryOpen(dir)
  if (first.db !== undefined) return settle(first.db, dir, held, report)

  const failure = await repairApart(dir)
  const repaired: Opened = failure === undefined ? await tryOpen(dir) : { why: failure }
  if (repaired.db === undefined) return startAnew(dir, `${first.why}; repair: ${repaired.why}`, false, report)
  report({
    what: 'repaired',
    detail: `the records in ${dir} were damaged (${first.why}) and have been repaired; some may be missing`,
  })
  return settle(repaired.db, dir, [], report)
}

type Opened = { readonly db: ClassicLevel } | { readonly db?: undefined; readonly why: string }

export const levelAt = (dir: string): ClassicLevel => new ClassicLevel(dir, { compression: false })

/** Answers with the damage, rejects with what is no damage: locked, not permitted, no room. */
async function tryOpen(dir: string): Promise<Opened> {
  const db = levelAt(dir)
  try {
    await db.open()
    return { db }
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message: string } }).cause
    await db.close()
    if (cause?.code === 'LEVEL_LOCKED') throw new RecordsLocked(dir)
    if (cause?.code === 'LEVEL_CORRUPTION') return { why: cause.message }
    if (cause?.code === 'LEVEL_IO_ERROR' && /Invalid argument|No such file/.test(cause.message)) return { why: cause.message }
    throw new Error(`records: can't open ${dir}: ${cause?.message ?? error}`, { cause: error })
  }
}

/** The mark is written and synced at the first opening: a folder that held something and shows no mark has lost its beginning. */
const mark = entryKey('made', '')

/** Logs that hold more than the mark alone, which a kill at the first opening may have cut. What LevelDB can't read of a log it skips
 *  without an error. */
async function logsIn(dir: string): Promise<string[]> {
  const logs = (await readdir(dir)).filter(name => /^\d+\.log$/.test(name))
  const sizes = await Promise.all(logs.map(async name => (await stat(`${dir}/${name}`)).size))
  return logs.filter((_, i) => sizes[i]! > markBytesAtMost)
}
const markBytesAtMost = 128

/** It is open, and so it is ours alone: are its tables sound, and does its index know them? `held`: its tables and logs before the
 *  opening. */
async function settle(
  db: ClassicLevel,
  dir: string,
  held: readonly string[],
  report: (damage: RecordsDamage) => void,
): Promise<ClassicLevel> {
  const damaged = await damagedTables(dir)
  if (damaged.length > 0) {
    await db.close()
    return startAnew(dir, `checksums of ${damaged.join(', ')}`, true, report)
  }
  if ((await db.get(mark)) !== undefined) return db
  if (held.length > 0)
    report({
      what: 'emptied',
      detail: `the records in ${dir} (${held.join(', ')}) are damaged, nothing of them can be read: names, tags and commands are gone, readings are untouched`,
    })
  await db.put(mark, encodeEntry(mark, 1), { sync: true })
  return db
}

/** A new folder in place of the damaged one, with what could be read there. */
async function startAnew(
  dir: string,
  why: string,
  salvage: boolean,
  report: (damage: RecordsDamage) => void,
): Promise<ClassicLevel> {
  const movedTo = await moveAside(dir)
  const db = levelAt(dir)
  await db.open()
  // Marked first: should reading the old one end the process, the next start finds a new folder in order.
  await db.put(mark, encodeEntry(mark, 1), { sync: true })
  const saved = salvage ? await copyReadable(movedTo, db) : 0
  report({
    what: 'aside',
    movedTo,
    detail: `the records in ${dir} are damaged (${why}) and lie in ${movedTo} now; ${saved} entries were saved, the names, tags and commands of others are gone, readings are untouched`,
  })
  return db
}

/** Whatever passes its checksum. From both ends, since each way reads up to the damage: behind a key that is too large LevelDB skips,
 *  without an error, whatever is smaller. */
async function copyReadable(from: string, into: ClassicLevel): Promise<number> {
  const old = levelAt(from)
  const saved = new Set<string>()
  let batch = into.batch()
  for (const reverse of [false, true]) {
    try {
      await old.open()
      for await (const [key, stored] of old.iterator({ reverse })) {
        if (saved.has(key) || decodeEntry(key, stored) === undefined) continue
        saved.add(key)
        batch.put(key, stored)
        if (batch.length < entriesAtOnce) continue
        await batch.write()
        batch = into.batch()
      }
    } catch {
      // That is why it was moved aside.
    }
  }
  await old.close()
  batch.put(mark, encodeEntry(mark, 1))
  await batch.write({ sync: true })
  return saved.size
}

const entriesAtOnce = 500

/** Counts openings that did not come to an end, beside the folder: after some of them it may be the folder that ends the process. Kills
 *  count too (a full folder takes 0.3 s, on a Pi ten times that, and a supervisor is impatient), so it is tried apart first. */
const opening = (dir: string): string => `${dir}.opening`
const triesAtMost = 5

const unfinishedOpenings = async (dir: string): Promise<number> =>
  Number(await readFile(opening(dir), 'utf8').catch(() => '0')) || 0

/** To the first free `DIR.damaged-N`; nothing is deleted. */
async function moveAside(dir: string): Promise<string> {
  let n = 1
  while (existsSync(`${dir}.damaged-${n}`)) n++
  await rename(dir, `${dir}.damaged-${n}`)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return `${dir}.damaged-${n}`
}
