import type { AlertKind, AlertState, AlertView } from '../../api/alerts.ts'
import type { AlertRule } from '../../contract/alert-rules.ts'
import type { AlertPhase } from './machine.ts'

/** One alert: a rule that turned bad at one subject, until it is over. */
export interface Instance {
  readonly id: string
  readonly rule: string
  readonly kind: AlertKind
  readonly node: string | null
  readonly sensor: string | null
  phase: AlertPhase
  /** Wall clock, for people. */
  readonly since: number
  firedAt: number | null
  resolvedAt: number | null
  value: number | null
  detail: string
  /** Channels that its firing was handed to; null: not decided, because it did not fire yet or is silenced. */
  told: readonly string[] | null
  /** Its end was handed to them too. */
  closed: boolean
  notified: AlertView['notified']
}

/** What is kept. Durations go over a restart as what had passed at `saved`; null there: the clock was not believed then. */
export interface InstanceRecord {
  readonly id: string
  readonly rule: string
  readonly kind: AlertKind
  readonly node: string | null
  readonly sensor: string | null
  readonly phase: 'pending' | 'firing' | null
  readonly bad_ms: number
  readonly good_ms: number | null
  readonly saved: number | null
  readonly since: number
  readonly fired_at: number | null
  readonly resolved_at: number | null
  readonly value: number | null
  readonly detail: string
  readonly told: readonly string[] | null
  readonly closed: boolean
  readonly notified: AlertView['notified']
}

export interface Moment {
  readonly wallMs: number
  readonly monoMs: number
  readonly suspect: boolean
}

export const subjectKey = (rule: string, node: string | null, sensor: string | null): string =>
  `${rule}/${node ?? ''}/${sensor ?? ''}`

export function newInstance(id: string, rule: AlertRule, node: string | null, sensor: string | null, now: Moment): Instance {
  return {
    id,
    rule: rule.name,
    kind: rule.kind,
    node,
    sensor,
    phase: null,
    since: now.wallMs,
    firedAt: null,
    resolvedAt: null,
    value: null,
    detail: '',
    told: null,
    closed: false,
    notified: [],
  }
}

export function toRecord(i: Instance, now: Moment): InstanceRecord {
  return {
    id: i.id,
    rule: i.rule,
    kind: i.kind,
    node: i.node,
    sensor: i.sensor,
    phase: i.phase?.phase ?? null,
    bad_ms: i.phase === null ? 0 : now.monoMs - i.phase.badSince,
    good_ms: i.phase === null || i.phase.goodSince === null ? null : now.monoMs - i.phase.goodSince,
    saved: now.suspect ? null : now.wallMs,
    since: i.since,
    fired_at: i.firedAt,
    resolved_at: i.resolvedAt,
    value: i.value,
    detail: i.detail,
    told: i.told,
    closed: i.closed,
    notified: i.notified,
  }
}

export function fromRecord(r: InstanceRecord, now: Moment): Instance {
  const away = r.saved === null || now.suspect ? 0 : Math.max(0, now.wallMs - r.saved)
  const phase: AlertPhase =
    r.phase === null
      ? null
      : {
          phase: r.phase,
          badSince: now.monoMs - r.bad_ms - away,
          goodSince: r.good_ms === null ? null : now.monoMs - r.good_ms - away,
        }
  return {
    id: r.id,
    rule: r.rule,
    kind: r.kind,
    node: r.node,
    sensor: r.sensor,
    phase,
    since: r.since,
    firedAt: r.fired_at,
    resolvedAt: r.resolved_at,
    value: r.value,
    detail: r.detail,
    told: r.told,
    closed: r.closed,
    notified: r.notified,
  }
}

export const stateOf = (i: Instance): AlertState => i.phase?.phase ?? 'resolved'

export function viewOf(i: Instance, silencedUntil: number | null): AlertView {
  return {
    id: i.id,
    rule: i.rule,
    kind: i.kind,
    node: i.node,
    sensor: i.sensor,
    state: stateOf(i),
    since: i.since,
    fired_at: i.firedAt,
    resolved_at: i.resolvedAt,
    value: i.value,
    detail: i.detail,
    silenced_until: silencedUntil,
    notified: i.notified,
  }
}
