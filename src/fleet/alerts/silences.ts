import type { Silence } from '../../api/alerts.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Moment } from './instance.ts'

/** Rules (at one node, or as a whole) of which nothing is told for some time. They expire by the monotonic clock in a run; over a
 *  restart what is left is taken from the wall clock, never more than was asked for. */
export interface Silences {
  set(silence: Silence, now: Moment): Promise<void>
  /** Wall clock; null: not silenced. `node` null: the rule as a whole. */
  until(rule: string, node: string | null): number | null
  /** Drops those that are over; answers with what to remove. */
  expire(now: Moment): Change[]
}

interface Kept {
  readonly until: number
  readonly seconds: number
}
interface Held {
  readonly untilWallMs: number
  readonly untilMonoMs: number
}

const collection = 'alert_silences'
const keyOf = (rule: string, node: string | null | undefined): string => `${rule}/${node ?? ''}`

export async function openSilences(records: Records, now: Moment): Promise<Silences> {
  const held = new Map<string, Held>()
  for await (const [key, { until, seconds }] of records.list<Kept>(collection)) {
    const leftMs = Math.min(now.suspect ? Number.POSITIVE_INFINITY : until - now.wallMs, seconds * 1000)
    held.set(key, { untilWallMs: until, untilMonoMs: now.monoMs + leftMs })
  }
  return {
    async set({ rule, node, seconds }, { wallMs, monoMs }) {
      const key = keyOf(rule, node)
      const until = Math.round(wallMs + seconds * 1000)
      const value: Kept = { until, seconds }
      await records.write([seconds > 0 ? { collection, key, value } : { collection, key, remove: true }], { sync: true })
      if (seconds > 0) held.set(key, { untilWallMs: until, untilMonoMs: monoMs + seconds * 1000 })
      else held.delete(key)
    },
    until(rule, node) {
      const whole = held.get(keyOf(rule, null))?.untilWallMs ?? null
      const own = node === null ? null : (held.get(keyOf(rule, node))?.untilWallMs ?? null)
      return whole === null ? own : own === null ? whole : Math.max(whole, own)
    },
    expire({ monoMs }) {
      const over = [...held].filter(([, { untilMonoMs }]) => monoMs >= untilMonoMs).map(([key]) => key)
      for (const key of over) held.delete(key)
      return over.map(key => ({ collection, key, remove: true }))
    },
  }
}
