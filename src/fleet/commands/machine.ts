import { type CommandState, type CommandView, finalStates } from '../../api/commands.ts'
import type { Ack } from '../../contract/schemas.ts'
import { withoutSecrets } from '../../contract/secrets.ts'
import { type KeptCommand, proofOf, type Reported } from './proof.ts'

/** The states of a command and the evidence that moves it (wire contract §5). Pure: no clock, no disk. States never move backwards;
 *  the one step after an end is a final ack that corrects `unknown`. */
export type Evidence =
  /** It is about to be published; kept before it is. */
  | { readonly kind: 'intent' }
  /** The broker or the node's own subscription took it. */
  | { readonly kind: 'handed'; readonly by: 'puback' | 'write' }
  /** `reported`: what the node said of its firmware before; absent: nothing. */
  | { readonly kind: 'ack'; readonly ack: Ack; readonly matched: 'id' | 'name'; readonly reported?: Reported }
  /** The node speaks of its firmware, behind an ack that said done. */
  | { readonly kind: 'status'; readonly reported: Reported }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'cancel' }
  /** Its node is removed: what never left is cancelled, of the rest nobody will know. */
  | { readonly kind: 'abandon' }

/** Why nothing moved: it has ended · it is there already or further · it may have left · it never left · not yet. */
export interface Refusal {
  readonly refused: 'final' | 'nothing_new' | 'underway' | 'never_sent' | 'too_early'
}

const order: Readonly<Record<CommandState, number>> = {
  queued: 0,
  sent: 1,
  accepted: 2,
  running: 3,
  done: 4,
  failed: 4,
  rejected: 4,
  expired: 4,
  cancelled: 4,
  unknown: 4,
}

export const isFinal = (state: CommandState): boolean => finalStates.includes(state)

export const isRefusal = (result: CommandView | Refusal): result is Refusal => 'refused' in result

/** `now` in Unix ms. */
export function step(command: KeptCommand, evidence: Evidence, now: number): KeptCommand | Refusal {
  if (evidence.kind === 'ack') {
    const proof = evidence.ack.state === 'done' ? proofOf(command, evidence.reported ?? unheard) : 'needless'
    if (proof === 'open' || proof === 'contradicted') return claimed(command, evidence.ack, evidence.matched, now)
    return acknowledged(command, evidence.ack, evidence.matched, now)
  }
  if (evidence.kind === 'status') return borneOut(command, evidence.reported, now)
  if (isFinal(command.state)) return { refused: 'final' }
  switch (evidence.kind) {
    case 'intent':
      return { ...command, attempts: command.attempts + 1 }
    case 'handed':
      if (command.attempts === 0) return { refused: 'never_sent' }
      return command.state === 'queued' ? sent(command, now, evidence.by) : { refused: 'nothing_new' }
    case 'deadline':
      if (now < command.expires) return { refused: 'too_early' }
      return ended(command, command.attempts === 0 ? 'expired' : 'unknown', now, 'clock')
    case 'cancel':
      return command.attempts === 0 ? ended(command, 'cancelled', now, 'user') : { refused: 'underway' }
    case 'abandon':
      return ended(command, command.attempts === 0 ? 'cancelled' : 'unknown', now, 'user')
  }
}

/** May it be published now? Once to anybody; again only to a node that knows a repeat (`dedupe`). */
export const mayPublish = (command: CommandView, dedupe: boolean): boolean =>
  !isFinal(command.state) && (command.attempts === 0 || dedupe)

/** Can an ack belong to it? What never left can't be answered. */
export const answerable = (command: CommandView, node: string): boolean => command.node === node && command.attempts > 0

function acknowledged(command: CommandView, ack: Ack, matched: 'id' | 'name', now: number): CommandView | Refusal {
  if (command.attempts === 0) return { refused: 'never_sent' }
  const corrects = command.state === 'unknown' && isFinal(ack.state)
  if (isFinal(command.state) && !corrects) return { refused: 'final' }
  if (order[ack.state] < order[command.state]) return { refused: 'nothing_new' }
  const told: CommandView = {
    ...command,
    matched,
    progress: ack.progress ?? command.progress,
    result: ack.result === undefined ? command.result : ack.result,
    error: ack.error ? { code: ack.error.code, message: ack.error.message ?? '' } : command.error,
  }
  if (ack.state === command.state) return sameNews(told, command) ? { refused: 'nothing_new' } : told
  const left = told.state === 'queued' ? sent(told, now, 'ack') : told
  return isFinal(ack.state) ? ended(left, ack.state, now, 'ack') : entered(left, ack.state, now, 'ack')
}

const unheard: Reported = { version: null, confirmed: null }

/** It says done, and its status does not (yet): as far as anybody knows it is still at it. */
function claimed(command: KeptCommand, ack: Ack, matched: 'id' | 'name', now: number): KeptCommand | Refusal {
  if (command.claimed) return { refused: 'nothing_new' }
  if (command.state === 'unknown') return { ...command, claimed: true }
  const next = acknowledged(command, { ...ack, state: 'running', progress: 100 }, matched, now)
  if (!isRefusal(next)) return { ...next, claimed: true }
  return next.refused === 'nothing_new' ? { ...command, claimed: true } : next
}

function borneOut(command: KeptCommand, reported: Reported, now: number): KeptCommand | Refusal {
  if (isFinal(command.state) && command.state !== 'unknown') return { refused: 'final' }
  const proof = command.claimed ? proofOf(command, reported) : 'open'
  if (proof === 'proven') return ended(command, 'done', now, 'ack')
  if (proof !== 'contradicted') return { refused: 'nothing_new' }
  const message = `the node said done, but reports version ${reported.version}`
  return { ...ended(command, 'failed', now, 'ack'), error: { code: 'rolled_back', message } }
}

const sameNews = (a: CommandView, b: CommandView): boolean =>
  a.progress === b.progress && JSON.stringify([a.result, a.error]) === JSON.stringify([b.result, b.error])

type By = CommandView['history'][number]['evidence']

const sent = (command: CommandView, now: number, by: By): CommandView => {
  const next = entered(command, 'sent', now, by)
  return { ...next, sent_at: next.history.at(-1)!.time }
}

/** It is never published again: what it had of secrets is not kept. */
const ended = (command: CommandView, state: CommandState, now: number, by: By): CommandView => {
  const next = entered(command, state, now, by)
  return { ...next, final_at: next.history.at(-1)!.time, params: withoutSecrets(next.params) }
}

/** A history reads forward: an ack is dated by its arrival, which may lie a moment before the evidence that was handled first, and
 *  the wall clock may step back. */
const entered = (command: CommandView, state: CommandState, now: number, by: By): CommandView => ({
  ...command,
  state,
  history: [...command.history, { state, time: Math.max(now, command.history.at(-1)?.time ?? now), evidence: by }],
})
