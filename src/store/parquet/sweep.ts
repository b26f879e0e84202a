import type { RollupKind } from '../readings.ts'
import { rollupMs } from '../rollup.ts'
import { breathe } from './breathe.ts'
import { dayMs, weekMs, weekOf } from './calendar.ts'
import type { KeepLimits } from './keep-limits.ts'
import type { FileEntry, RollupEntry, State, Sweep } from './manifest.ts'
import type { Premises } from './premises.ts'
import { makeRollups } from './rollup-maker.ts'
import { factsOf } from './windows.ts'

/** However old its time and however full the disk: no reading goes sooner after it arrived. */
export const spareMs = 7 * dayMs
/** No clock of ours was right before this: an arrival dated so is counted from the first look. */
const noClockBefore = Date.UTC(2026, 0, 1)
const sweepsKept = 100

/** What retention takes next, one step at a time: files of one week, all or nothing, in one change of the manifest that also enters the
 *  roll-ups that stand for them and the record of it; only then are the files deleted. So a crash at any moment leaves either
 *  the rows or their roll-ups, never both and never neither. Whole files go: a row may outlive its age by the week of its file. */
export async function sweepAll(premises: Premises, limits: KeepLimits, now: number): Promise<void> {
  await dateArrivals(premises, now)
  for (;;) {
    if (premises.closed) return
    const due = nextDue(premises.manifest.state.files, limits, now)
    if (due === null || !(await sweepRaw(premises, due.files, due.why, limits, now))) break
    await breathe()
  }
  for (const kind of ['1m', '1h'] as const) await sweepRollups(premises, kind, now - ageOf(limits, kind), now)
}

const ageOf = (limits: KeepLimits, kind: RollupKind): number => (kind === '1m' ? limits.minuteAgeMs : limits.hourAgeMs)

/** An arrival by a clock that was not set, or that is still to come, says nothing: then it was now. */
async function dateArrivals({ manifest }: Premises, now: number): Promise<void> {
  const undated = ({ arrived }: FileEntry): boolean => arrived < noClockBefore || arrived > now
  if (!manifest.state.files.some(undated)) return
  await manifest.change(state => ({
    ...state,
    files: state.files.map(file => (undated(file) ? { ...file, arrived: now } : file)),
  }))
}

/** The oldest files that are to go, of one week. Files of one period go together where they may: their rows can be of one reading. */
export function nextDue(
  files: readonly FileEntry[],
  limits: KeepLimits,
  now: number,
): { files: FileEntry[]; why: Sweep['why'] } | null {
  const mayGo = files.filter(file => file.arrived <= now - spareMs)
  const aged = oldestWeek(mayGo.filter(file => file.to < now - limits.rawAgeMs))
  if (aged.length > 0) return { files: aged, why: 'age' }
  let over = files.reduce((sum, file) => sum + file.bytes, 0) - limits.rawBytes
  if (over <= 0) return null
  const chosen: FileEntry[] = []
  for (const file of oldestWeek(mayGo)) {
    if (over <= 0 && file.period !== chosen.at(-1)?.period) break
    chosen.push(file)
    over -= file.bytes
  }
  return chosen.length > 0 ? { files: chosen, why: 'size' } : null
}

/** Of the oldest week among them, by period, each in the order in which it came. */
function oldestWeek(files: readonly FileEntry[]): FileEntry[] {
  const week = files.reduce((low, file) => Math.min(low, weekOf(file.from)), Number.POSITIVE_INFINITY)
  const chosen = files.filter(file => weekOf(file.from) === week)
  const start = new Map<string, number>()
  for (const file of chosen) start.set(file.period, Math.min(file.from, start.get(file.period) ?? file.from))
  return chosen.sort((a, b) => start.get(a.period)! - start.get(b.period)!)
}

/** False: it could not be done now (a file was damaged or replaced, or the store closes). */
async function sweepRaw(
  premises: Premises,
  files: readonly FileEntry[],
  why: Sweep['why'],
  limits: KeepLimits,
  now: number,
): Promise<boolean> {
  const { manifest, shelf, rollupShelf } = premises
  const release = shelf.hold(files)
  let made: RollupEntry[] | null = null
  let entered = false
  try {
    if ((await shelf.check(files)).length < files.length) return true // set aside, and told so; what is left is looked at again
    const week = weekOf(files[0]!.from)
    const kinds = (['1m', '1h'] as const).filter(kind => week + weekMs > now - ageOf(limits, kind))
    const keptByMinute = manifest.state.rollups.filter(
      ({ kind, sources, weeks: [a, b] }) => kind === '1m' && sources === null && a <= week && b >= week,
    )
    made = await makeRollups(premises, files, {
      week,
      sources: null,
      kinds,
      alsoMinutes: node => keptByMinute.some(entry => factsOf(entry, node) !== undefined),
    })
    if (made === null) return false
    const gone = { rows: sumOf(files, 'rows'), bytes: sumOf(files, 'bytes'), ...spanOf(files) }
    let replaced: readonly RollupEntry[] = []
    entered = await manifest.change(state => {
      if (premises.closed || !files.every(file => state.files.includes(file))) return null
      replaced = state.rollups.filter(entry => entry.sources?.some(name => files.some(file => file.name === name)))
      return {
        ...withSweep(state, { time: now, what: 'raw', why, ...gone }),
        next: premises.nextNumber(),
        files: state.files.filter(file => !files.includes(file)),
        rollups: [...state.rollups.filter(entry => !replaced.includes(entry)), ...made!],
        goneBefore: Math.max(state.goneBefore, gone.to + 1),
      }
    })
    if (!entered) return false
    await shelf.retire(files)
    await rollupShelf.retire(replaced)
    return true
  } finally {
    if (!entered && made) await rollupShelf.retire(made)
    await release()
  }
}

/** Roll-ups whose last reading is too old. Those that only say again what rows say are no loss, and no event. */
async function sweepRollups(premises: Premises, kind: RollupKind, before: number, now: number): Promise<void> {
  const { manifest, rollupShelf } = premises
  const old = (entry: RollupEntry): boolean => entry.kind === kind && entry.to + rollupMs[kind] <= before
  let taken: readonly RollupEntry[] = []
  const changed = await manifest.change(state => {
    taken = state.rollups.filter(old)
    if (taken.length === 0) return null
    const rollups = state.rollups.filter(entry => !old(entry))
    const kept = taken.filter(entry => entry.sources === null)
    if (kept.length === 0) return { ...state, rollups }
    const gone = { rows: sumOf(kept, 'rows'), bytes: sumOf(kept, 'bytes'), ...spanOf(kept) }
    return { ...withSweep(state, { time: now, what: kind, why: 'age', ...gone }), rollups }
  })
  if (changed) await rollupShelf.retire(taken)
}

function withSweep(state: State, sweep: Omit<Sweep, 'id'>): State {
  const id = (state.sweeps.at(-1)?.id ?? 0) + 1
  const surplus = state.sweeps.length + 1 - sweepsKept
  // What this run took stays to its end, however many weeks: nobody was told of it yet.
  const kept = state.sweeps.filter(({ time }, i) => i >= surplus || time === sweep.time)
  return { ...state, sweeps: [...kept, { id, ...sweep }] }
}

const sumOf = <K extends 'rows' | 'bytes'>(files: readonly Record<K, number>[], key: K): number =>
  files.reduce((sum, file) => sum + file[key], 0)

const spanOf = (files: readonly { readonly from: number; readonly to: number }[]): { from: number; to: number } => ({
  from: files.reduce((low, file) => Math.min(low, file.from), Number.POSITIVE_INFINITY),
  to: files.reduce((high, file) => Math.max(high, file.to), Number.NEGATIVE_INFINITY),
})
