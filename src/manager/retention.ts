import type { RetentionView } from '../api/retention.ts'
import type { UpOptions } from '../config/config.ts'
import type { EventHub } from '../http/http.ts'
import type { Clock } from '../kit/clock.ts'
import type { KeepLimits, ParquetReadings, Sweep } from '../store/parquet/parquet.ts'
import type { Change, Records } from '../store/records.ts'
import type { Log } from './log.ts'

/** Lets go what is older or larger than the settings allow, once an hour, and tells of it: a line in the log, an event, and a record that
 *  doctor and the page about the machine read. Only by a clock that can be believed: not while it is `suspect` (wire contract §8), and
 *  not before it ran evenly for an hour; a clock that jumps a hundred years ahead for a minute must not cost the past. */
export interface Retention {
  /** To be called every minute. */
  turn(): Promise<void>
  /** What went, newest first, the last 200 times, over restarts. */
  report(): readonly RetentionView[]
}

export interface RetentionParts {
  readonly store: Pick<ParquetReadings, 'sweep' | 'sweeps' | 'keep' | 'stats'>
  readonly records: Pick<Records, 'write' | 'list'>
  /** Read anew at each turn. */
  readonly settings: Pick<UpOptions, 'rawAgeMs' | 'rawBytes' | 'minuteAgeMs' | 'hourAgeMs'>
  readonly clock: Clock
  readonly clockSuspect: () => boolean
  readonly hub: Pick<EventHub, 'publish'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

const sweepEveryMs = 3_600_000
const evenForMs = 3_600_000
/** What a clock may be set by and still counts as even: NTP's corrections, not a jump. */
const jumpMs = 600_000
const reportsKept = 200
const collection = 'retention'

export async function openRetention(parts: RetentionParts): Promise<Retention> {
  const { store, records, settings, clock, clockSuspect, hub, log } = parts
  const told = new Map<string, RetentionView>()
  for await (const [key, view] of records.list<RetentionView>(collection)) told.set(key, view)
  const even = evenClock(clock)
  let sweptAt: number | null = null
  let overSaid = false

  const limits = (): KeepLimits => ({
    rawAgeMs: settings.rawAgeMs,
    rawBytes: settings.rawBytes,
    minuteAgeMs: settings.minuteAgeMs,
    hourAgeMs: settings.hourAgeMs,
  })
  store.keep(limits())

  /** The store wrote each down in the moment it happened; what a crash kept from being told is told now. */
  const tell = async (): Promise<void> => {
    const sweeps = store.sweeps()
    const fresh = sweeps.filter(sweep => !told.has(keyOf(sweep)))
    if (fresh.length === 0) return
    const changes: Change[] = []
    for (const sweep of fresh) {
      const { id: _, ...view } = sweep
      told.set(keyOf(sweep), view)
      changes.push({ collection, key: keyOf(sweep), value: view })
      log.info({ retention: view }, inWords(view))
      hub.publish({ type: 'retention', data: view })
    }
    const named = new Set(sweeps.map(keyOf)) // forgotten while the store still names it, it would be told again
    for (const key of [...told.keys()].sort().slice(0, -reportsKept)) {
      if (named.has(key)) continue
      told.delete(key)
      changes.push({ collection, key, remove: true })
    }
    await records.write(changes, { sync: true })
  }

  const warnOver = (): void => {
    const over = store.stats().bytes > settings.rawBytes
    if (over && !overSaid)
      log.warn(
        `readings take ${mib(store.stats().bytes)}, more than retention.raw_size (${mib(settings.rawBytes)}), and may not go: none of them has been here for 7 days`,
      )
    overSaid = over
  }

  return {
    async turn() {
      const believed = even() && !clockSuspect()
      if (believed && (sweptAt === null || clock.monoMs() - sweptAt >= sweepEveryMs)) {
        sweptAt = clock.monoMs()
        await store.sweep(limits())
        warnOver()
      }
      await tell()
    },
    report: () => [...told].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, view]) => view),
  }
}

/** By time first: after a restore of an older backup ids begin lower again. */
const keyOf = ({ time, id }: Sweep): string => `${String(time).padStart(15, '0')}-${String(id).padStart(9, '0')}`

/** Asked regularly: has the wall clock kept pace with the monotonic one for long enough? */
function evenClock(clock: Clock): () => boolean {
  let lead = clock.wallMs() - clock.monoMs()
  let since = clock.monoMs()
  return () => {
    const now = clock.wallMs() - clock.monoMs()
    if (Math.abs(now - lead) > jumpMs) {
      lead = now
      since = clock.monoMs()
    }
    return clock.monoMs() - since >= evenForMs
  }
}

export function inWords({ what, rows, from, to, why }: RetentionView): string {
  const names = { raw: 'readings', '1m': 'minutes', '1h': 'hours' } as const
  const setting = { raw: why === 'age' ? 'raw_age' : 'raw_size', '1m': 'rollup_1m_age', '1h': 'rollup_1h_age' }[what]
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10)
  const left = what === 'raw' ? '; their minutes and hours stay as long as those are kept' : ''
  return `${rows.toLocaleString('en')} ${names[what]} of ${day(from)} to ${day(to)} went by retention.${setting}${left}`
}

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MiB`
