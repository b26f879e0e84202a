import type { PresenceState } from '../api/nodes.ts'
import type { Status } from '../contract/schemas.ts'

/** Is a node there? One pure machine a node (wire contract §4): what it says of itself, and whether its telemetry arrives. Times are
 *  milliseconds of the manager's monotonic clock. */
export interface Presence {
  readonly state: PresenceState
  /** What its latest status says; null: it never published one, or it was cleared. */
  readonly declared: 'online' | 'offline' | 'asleep' | null
  /** Boot of the last birth (null: it came without one); undefined: none is known. */
  readonly birthBoot: number | null | undefined
  /** A live online:true came in this run, and no goodbye since. */
  readonly greeted: boolean
  readonly intervalMs: number | null
  /** When telemetry arrived last, or the wait for it began anew (birth). */
  readonly waitingSince: number
  readonly lastTelemetry: number | null
  /** The last 8 gaps between arrivals, newest last. */
  readonly gapsMs: readonly number[]
}

export type PresenceEvent =
  /** Telemetry arrived, backlog or live, whatever was judged of it. */
  | { readonly kind: 'telemetry' }
  /** `live` false: the retained one that a subscription delivered. null: cleared. */
  | { readonly kind: 'status'; readonly live: boolean; readonly status: Status | null }
  | { readonly kind: 'tick' }
  /** The manager starts: only what was recorded is known. */
  | { readonly kind: 'start' }

export interface PresenceStep {
  readonly next: Presence
  readonly birth: boolean
  /** A will of an earlier boot: the status changes nothing and is not the node's latest. */
  readonly stale: boolean
}

const gapsKept = 8
const leastWaitMs = 30_000

export const neverHeard: Presence = {
  state: 'unknown',
  declared: null,
  birthBoot: undefined,
  greeted: false,
  intervalMs: null,
  waitingSince: 0,
  lastTelemetry: null,
  gapsMs: [],
}

export function step(presence: Presence, event: PresenceEvent, now: number): PresenceStep {
  switch (event.kind) {
    case 'telemetry':
      return moved(heard(presence, now))
    case 'tick':
      return moved(isLate(presence, now) ? { ...presence, state: 'late' } : presence)
    case 'start':
      return moved({ ...presence, state: recorded(presence.declared), greeted: false, lastTelemetry: null, gapsMs: [] })
    case 'status':
      if (event.status === null) return moved(cleared(presence))
      return event.status.online ? hello(presence, event.status, event.live, now) : goodbye(presence, event.status)
  }
}

/** How long telemetry may be absent before the node is late: 3 intervals; undeclared: 3 median gaps, at least 30 s. */
export const lateAfterMs = (presence: Presence): number =>
  presence.intervalMs === null ? Math.max(leastWaitMs, 3 * (median(presence.gapsMs) ?? 0)) : 3 * presence.intervalMs

const moved = (next: Presence, birth = false): PresenceStep => ({ next, birth, stale: false })

const isLate = (presence: Presence, now: number): boolean =>
  presence.state === 'online' && now - presence.waitingSince > lateAfterMs(presence)

function heard(presence: Presence, now: number): Presence {
  const gone = presence.declared === 'offline' || presence.declared === 'asleep'
  const gapsMs =
    presence.lastTelemetry === null ? presence.gapsMs : [...presence.gapsMs, now - presence.lastTelemetry].slice(-gapsKept)
  // Telemetry alone doesn't end a declared absence (a backlog may be replayed by somebody else); a status does.
  return { ...presence, state: gone ? presence.state : 'online', waitingSince: now, lastTelemetry: now, gapsMs }
}

function hello(presence: Presence, status: Status, live: boolean, now: number): PresenceStep {
  const boot = status.boot ?? null
  const known: Presence = {
    ...presence,
    declared: 'online',
    birthBoot: boot,
    intervalMs: typeof status.interval === 'number' ? status.interval * 1000 : null,
  }
  if (!live) return moved({ ...known, state: 'unknown', greeted: false })
  const anew = !presence.greeted || presence.birthBoot !== boot
  // A status does not end `late`, only telemetry does; for commands and receipts it counts as a birth all the same ("was not online").
  if (!anew) return moved(known, presence.state !== 'online')
  return moved({ ...known, state: 'online', greeted: true, waitingSince: now, lastTelemetry: null }, true)
}

function goodbye(presence: Presence, status: Status): PresenceStep {
  const boot = status.boot ?? null
  if (boot !== null && presence.birthBoot !== undefined && boot !== presence.birthBoot)
    return { next: presence, birth: false, stale: true }
  const declared = status.reason === 'sleep' ? 'asleep' : 'offline'
  return moved({ ...presence, declared, state: declared, greeted: false })
}

function cleared(presence: Presence): Presence {
  const byTelemetry = presence.state === 'online' || presence.state === 'late'
  return { ...presence, declared: null, greeted: false, state: byTelemetry ? presence.state : 'unknown' }
}

const recorded = (declared: Presence['declared']): PresenceState =>
  declared === 'offline' || declared === 'asleep' ? declared : 'unknown'

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2
}
