import { dayOf, periodOf } from './calendar.ts'
import type { FileEntry, RollupEntry } from './manifest.ts'
import { type Premises, writeFiles } from './premises.ts'
import { windows } from './windows.ts'

/** Rows of a day file's row group: 30 days of a node read 40 ms from day files, 253 from hourly ones. */
const rowGroup = 122_880
/** Rows in memory at once while files are merged. */
const stepRows = 250_000
/** Small files of the running day that are worth one merge. */
const smallSetsAtMost = 8
const smallRows = 125_000

/** The next files to merge, all of one period: more than one set in a day that is over, days that have become a week, or many small
 *  ones of the running day. null = nothing to do. They stand in the manifest one behind the other as far as their period goes, so
 *  that the order in which rows came is kept. */
export function nextMerge(files: readonly FileEntry[], today: number): FileEntry[] | null {
  const groups = new Map<string, { when: number; files: FileEntry[] }[]>()
  for (const file of files) {
    const period = periodOf(file.from, today).name
    let runs = groups.get(period)
    if (!runs) groups.set(period, (runs = []))
    const when = arrivalOf(file, today)
    if (runs.at(-1)?.when === when) runs.at(-1)!.files.push(file)
    else runs.push({ when, files: [file] })
  }
  for (const group of [...groups.values()].flat()) {
    const running = dayOf(group.files[0]!.from) >= today
    const candidates = running ? smallOnes(group.files) : group.files
    if (writings(candidates) > 1) return candidates
  }
  return null
}

/** What came in the last week is kept apart from older files of its period, and by week: retention spares it for a week, and what it
 *  were merged with would be spared too, for ever where late rows never end. */
const arrivalOf = (file: FileEntry, today: number): number =>
  dayOf(file.arrived) > today - 7 ? Math.floor(dayOf(file.arrived) / 7) : Number.NEGATIVE_INFINITY

/** How often files were written: those of one set and period share no row, so there is nothing to merge. */
const writings = (files: readonly FileEntry[]): number => new Set(files.map(file => `${file.set} ${file.period}`)).size

/** A run of small sets, when there are so many that reading them costs more than merging them. */
function smallOnes(group: readonly FileEntry[]): FileEntry[] {
  let run: FileEntry[] = []
  for (const file of group) {
    if (file.rows > smallRows) run = []
    else run.push(file)
    if (writings(run) > smallSetsAtMost) return run
  }
  return []
}

/** Merges files into new ones by (node, time) and puts them in their place in one change of the manifest. Reads by groups of nodes,
 *  never a whole day at once. Every file is checked before it is read: merging a damaged one would make the damage permanent. */
export async function merge(premises: Premises, files: readonly FileEntry[]): Promise<void> {
  const { manifest, shelf, library } = premises
  const release = shelf.hold(files)
  try {
    const sound = await shelf.check(files)
    if (sound.length < files.length) return // what is left is looked at again
    const view = { files, memory: [] }
    const everything = { sensors: null, from: 0, to: Number.MAX_SAFE_INTEGER }
    const entered = await writeFiles(
      premises,
      { set: premises.nextNumber(), rowGroup, arrived: Math.max(...files.map(file => file.arrived)) },
      async write => {
        for (const nodes of nodeGroups(files))
          for await (const slices of windows(library, view, { ...everything, nodes }, stepRows)) {
            if (premises.closed) return // what was written is thrown away below
            await write(slices)
          }
      },
      written =>
        manifest.change(state => {
          if (premises.closed || !files.every(file => state.files.includes(file))) return null // one was set aside, or lost a node
          const rest = state.files.filter(file => !files.includes(file))
          const at = state.files.slice(0, state.files.indexOf(files[0]!)).filter(file => !files.includes(file)).length
          return {
            ...state,
            next: premises.nextNumber(),
            files: [...rest.slice(0, at), ...written, ...rest.slice(at)],
            rollups: renamed(state.rollups, files, written),
          }
        }),
    )
    if (entered) await shelf.retire(files)
  } finally {
    await release()
  }
}

/** The same rows under new names: roll-ups of them hold true. */
function renamed(
  rollups: readonly RollupEntry[],
  files: readonly FileEntry[],
  written: readonly FileEntry[],
): readonly RollupEntry[] {
  const old = new Set(files.map(file => file.name))
  return rollups.map(rollup => {
    const rest = rollup.sources?.filter(name => !old.has(name))
    if (!rest || rest.length !== rollup.sources!.length - old.size) return rollup
    return { ...rollup, sources: [...rest, ...written.map(file => file.name)] }
  })
}

/** Nodes in groups of about `stepRows` rows. */
export function* nodeGroups(
  files: readonly { readonly nodes: Readonly<Record<string, { readonly rows: number }>> }[],
): Generator<string[]> {
  const rows = new Map<string, number>()
  for (const file of files)
    for (const [node, facts] of Object.entries(file.nodes)) rows.set(node, (rows.get(node) ?? 0) + facts.rows)
  let group: string[] = []
  let count = 0
  for (const [node, more] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (group.length > 0 && count + more > stepRows) {
      yield group
      group = []
      count = 0
    }
    group.push(node)
    count += more
  }
  if (group.length > 0) yield group
}
