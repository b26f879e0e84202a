import { join } from 'node:path'
import type { RollupKind } from '../readings.ts'
import { dayMs, weekMs, weekOf } from './calendar.ts'
import { nodeGroups } from './compaction.ts'
import { text } from './engine.ts'
import type { FileEntry, RollupEntry, RollupFacts, State } from './manifest.ts'
import type { Premises } from './premises.ts'
import { makeRollups, rollupName } from './rollup-maker.ts'
import { published, type RollupHead, rollupFormat } from './rollup-writer.ts'
import { factsOf } from './windows.ts'

/** Weeks whose hours lie in one file once their rows and minutes are gone: ten years are 40 of them. */
const weeksTogether = 13

/** Brings the roll-ups of weeks that are over to what their files say, and puts together what stands for rows that are gone. */
export async function tidyRollups(premises: Premises): Promise<void> {
  await dropStale(premises)
  for (;;) {
    if (premises.closed) return
    const week = nextWeek(premises)
    if (week === null || !(await makeWeek(premises, week))) break
  }
  for (;;) {
    if (premises.closed) return
    const some = nextTogether(premises.manifest.state)
    if (some === null || !(await putTogether(premises, some))) return
  }
}

/** The names of the files by week; made once for each list of files. */
const weeksOfFiles = new WeakMap<readonly FileEntry[], Map<number, FileEntry[]>>()

export function filesByWeek(files: readonly FileEntry[]): ReadonlyMap<number, readonly FileEntry[]> {
  let weeks = weeksOfFiles.get(files)
  if (weeks) return weeks
  weeksOfFiles.set(files, (weeks = new Map()))
  for (const file of files) {
    const week = weekOf(file.from)
    const list = weeks.get(week)
    if (list) list.push(file)
    else weeks.set(week, [file])
  }
  return weeks
}

/** Does it say what the files of its week say, no less and no more? */
export function isFresh(rollup: RollupEntry, files: readonly FileEntry[]): boolean {
  const { sources } = rollup
  if (sources === null) return true
  const own = filesByWeek(files).get(rollup.weeks[0]) ?? []
  return own.length === sources.length && own.every(file => sources.includes(file.name))
}

async function dropStale({ manifest, rollupShelf }: Premises): Promise<void> {
  let stale: readonly RollupEntry[] = []
  const changed = await manifest.change(state => {
    stale = state.rollups.filter(entry => !isFresh(entry, state.files))
    return stale.length === 0 ? null : { ...state, rollups: state.rollups.filter(entry => !stale.includes(entry)) }
  })
  if (changed) await rollupShelf.retire(stale)
}

/** The newest week that has been over for a day and whose files have no roll-up: charts of the last year come before old backlog. */
function nextWeek({ manifest, today }: Premises): number | null {
  const { files, rollups } = manifest.state
  const made = new Set(rollups.filter(entry => entry.sources !== null && entry.kind === '1h').map(entry => entry.weeks[0]))
  let newest: number | null = null
  for (const week of filesByWeek(files).keys())
    if (week + weekMs + dayMs <= today() * dayMs && !made.has(week) && (newest === null || week > newest)) newest = week
  return newest
}

async function makeWeek(premises: Premises, week: number): Promise<boolean> {
  const { manifest, shelf, rollupShelf } = premises
  const files = filesByWeek(manifest.state.files).get(week)!
  const release = shelf.hold(files)
  let made: RollupEntry[] | null = null
  let entered = false
  try {
    if ((await shelf.check(files)).length < files.length) return true
    const minutes = week + weekMs > premises.today() * dayMs - premises.keep.minuteAgeMs
    const kinds: readonly RollupKind[] = minutes ? ['1m', '1h'] : ['1h']
    made = await makeRollups(premises, files, { week, sources: files.map(file => file.name), kinds, alsoMinutes: () => false })
    if (made === null) return false
    entered = await manifest.change(state => {
      const same = made!.every(entry => isFresh(entry, state.files))
      return premises.closed || !same ? null : { ...state, next: premises.nextNumber(), rollups: [...state.rollups, ...made!] }
    })
    return entered
  } finally {
    if (!entered && made) await rollupShelf.retire(made)
    await release()
  }
}

/** Roll-ups that stand for rows that are gone: several of one week, or hours of many weeks when no minutes stand beside them. */
export function nextTogether({ rollups }: State): RollupEntry[] | null {
  const kept = rollups.filter(entry => entry.sources === null)
  const withMinutes = new Set(kept.filter(entry => entry.kind === '1m').flatMap(entry => entry.sets))
  const groups = new Map<string, RollupEntry[]>()
  for (const entry of kept) {
    const alone = entry.kind === '1h' && !entry.sets.some(set => withMinutes.has(set))
    const span = alone ? `q${Math.floor(entry.weeks[0] / (weeksTogether * weekMs))}` : `w${entry.weeks[0]}`
    const key = `${entry.kind} ${span}`
    const group = groups.get(key)
    if (group) group.push(entry)
    else groups.set(key, [entry])
  }
  for (const group of groups.values()) if (new Set(group.map(entry => entry.sets.join())).size > 1) return group
  return null
}

async function putTogether(premises: Premises, entries: readonly RollupEntry[]): Promise<boolean> {
  const { manifest, rollupShelf } = premises
  const release = rollupShelf.hold(entries)
  let written: RollupEntry[] = []
  let entered = false
  try {
    if ((await rollupShelf.check(entries)).length < entries.length) return true
    written = await rewritten(premises, entries, [...nodeGroups(entries)])
    entered = await manifest.change(state => {
      if (premises.closed || !entries.every(entry => state.rollups.includes(entry))) return null
      const rest = state.rollups.filter(entry => !entries.includes(entry))
      return { ...state, next: premises.nextNumber(), rollups: [...rest, ...written] }
    })
    if (entered) await rollupShelf.retire(entries)
    return entered
  } finally {
    if (!entered) await rollupShelf.retire(written)
    await release()
  }
}

/** The entries' rows of these groups of nodes, one file a group, equal buckets put together. */
export async function rewritten(
  premises: Premises,
  entries: readonly RollupEntry[],
  groups: readonly (readonly string[])[],
): Promise<RollupEntry[]> {
  const { engine, rollupShelf, rollupFolders } = premises
  const paths = entries.map(entry => text(join(rollupShelf.folder, entry.name))).join(', ')
  const first = entries[0]!
  const weeks = [Math.min(...entries.map(({ weeks }) => weeks[0])), Math.max(...entries.map(({ weeks }) => weeks[1]))] as const
  const sets = [...new Set(entries.flatMap(entry => entry.sets))]
  const written: RollupEntry[] = []
  try {
    for (const nodes of groups) {
      const head: RollupHead = { kind: first.kind, weeks, sources: first.sources, sets, nodes: factsOfAll(entries, nodes) }
      const name = rollupName(first.kind, weeks[0], premises.nextNumber())
      const select = `SELECT node, sensor, time, min(min) AS min, max(max) AS max, sum(sum) AS sum, sum(count)::UINTEGER AS count
        FROM read_parquet([${paths}]) WHERE node IN (${nodes.map(text).join(', ')}) GROUP BY node, sensor, time ORDER BY node, sensor, time`
      const copy = (path: string): Promise<number> =>
        engine.write(40, async connection => {
          const done = await connection.runAndReadAll(`COPY (${select}) TO ${text(path)} (${rollupFormat})`)
          return Number(done.getRowsJS()[0]![0])
        })
      written.push(await published(rollupFolders, name, head, copy))
    }
    return written
  } catch (error) {
    await rollupShelf.retire(written)
    throw error
  }
}

function factsOfAll(entries: readonly RollupEntry[], nodes: readonly string[]): Record<string, RollupFacts> {
  const all: Record<string, RollupFacts> = Object.create(null)
  for (const node of nodes) {
    const found = entries.map(entry => factsOf(entry, node)).filter(facts => facts !== undefined)
    all[node] = {
      rows: found.reduce((sum, { rows }) => sum + rows, 0),
      from: Math.min(...found.map(({ from }) => from)),
      to: Math.max(...found.map(({ to }) => to)),
      minutes: found.every(({ minutes }) => minutes),
    }
  }
  return all
}
