/** One rule at one subject. Pure: samples in, the next state and what changed out. Only samples move it: while nothing is known of
 *  the subject, nothing begins, fires or ends. Times are of any clock that does not go back; the shell uses the monotonic one. */

/** `between`: neither bad enough to begin nor good enough to end (hysteresis). */
export type Verdict = 'bad' | 'between' | 'good'

/** null: all is well. */
export type AlertPhase = {
  readonly phase: 'pending' | 'firing'
  /** When it turned bad. */
  readonly badSince: number
  /** Since when it has been good again; null: it is bad. */
  readonly goodSince: number | null
} | null

export interface Patience {
  readonly forMs: number
  readonly resolveAfterMs: number
}

/** `dropped`: a pending one came to nothing. */
export type AlertChange = 'pending' | 'dropped' | 'firing' | 'resolved' | null

export interface AlertStep {
  readonly next: AlertPhase
  readonly change: AlertChange
}

export function step(state: AlertPhase, verdict: Verdict, now: number, patience: Patience): AlertStep {
  if (state === null) return verdict === 'bad' ? begun(now, patience) : unchanged(null)
  return state.phase === 'pending' ? pending(state, verdict, now, patience) : firing(state, verdict, now, patience)
}

type Known = NonNullable<AlertPhase>

const unchanged = (next: AlertPhase): AlertStep => ({ next, change: null })

function begun(now: number, { forMs }: Patience): AlertStep {
  const phase = forMs === 0 ? 'firing' : 'pending'
  return { next: { phase, badSince: now, goodSince: null }, change: phase }
}

function pending(state: Known, verdict: Verdict, now: number, { forMs }: Patience): AlertStep {
  if (verdict === 'good') return { next: null, change: 'dropped' }
  return now - state.badSince >= forMs ? { next: { ...state, phase: 'firing' }, change: 'firing' } : unchanged(state)
}

/** Over only when it stayed good: one bad sample, and the waiting begins anew. Between the bounds it stays what it was. */
function firing(state: Known, verdict: Verdict, now: number, { resolveAfterMs }: Patience): AlertStep {
  if (verdict === 'bad') return unchanged(state.goodSince === null ? state : { ...state, goodSince: null })
  const goodSince = state.goodSince ?? (verdict === 'good' ? now : null)
  if (goodSince === null) return unchanged(state)
  if (now - goodSince >= resolveAfterMs) return { next: null, change: 'resolved' }
  return unchanged(goodSince === state.goodSince ? state : { ...state, goodSince })
}
