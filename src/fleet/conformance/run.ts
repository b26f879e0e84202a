import type { ConformanceCheck } from '../../api/conformance.ts'
import { encodeCommand } from '../../contract/encode.ts'
import type { Ack, Status } from '../../contract/schemas.ts'
import type { Air } from './air.ts'
import type { Ear } from './ear.ts'

/** What the checks of one run share: the node's line, what was heard, and the answers so far. */
export interface Run {
  readonly air: Air
  readonly ear: Ear
  readonly checks: ConformanceCheck[]
  /** Unfinished business with the node: done at the end, whatever happened. */
  readonly tidy: (() => Promise<void>)[]
  /** It was told to speak each second; what it did before is in `tidy`. */
  hurried: boolean
}

type Result = ConformanceCheck['result']

export function say(run: Run, name: string, result: Result, detail: string): void {
  run.checks.push({ name, result, detail })
}

/** One answer for a question that has one condition. */
export function judge(run: Run, name: string, good: boolean, passed: string, failed: string): boolean {
  say(run, name, good ? 'pass' : 'fail', good ? passed : failed)
  return good
}

export const skip = (run: Run, why: string, ...names: string[]): void => names.forEach(name => void say(run, name, 'skip', why))

/** What the node says of itself: heard in this run, or before. */
export const described = (run: Run): Partial<Status> | null =>
  run.ear.statuses.findLast(({ status }) => status.online)?.status ?? run.air.status()

/** Nobody waits longer than this for one reading. */
const longestMs = 600_000

/** How long a reading may take: three intervals, and a minute where the node does not say its interval. */
export function patienceMs(run: Run): number {
  const interval = described(run)?.interval
  return interval === undefined ? 60_000 : Math.min(Math.max(3_000 * interval, 10_000), longestMs)
}

/** It speaks so seldom that its silence says nothing. */
export const seldom = (run: Run): boolean => 1_500 * (described(run)?.interval ?? 0) > longestMs

export interface Sent {
  readonly id: string
  readonly payload: Uint8Array
}

const answerMs = 10_000
const finals: readonly Ack['state'][] = ['done', 'failed', 'rejected', 'expired']
export const isFinal = (ack: Ack): boolean => finals.includes(ack.state)

/** Sends a command as the manager would. `expiresInS` below 0: it comes too late. */
export async function send(run: Run, command: string, params: Record<string, unknown>, expiresInS = 300): Promise<Sent> {
  const id = run.air.newId()
  const expires = Math.floor(run.air.clock.wallMs() / 1_000) + expiresInS
  const payload = encodeCommand({ id, command, params, expires })
  run.air.claim(id)
  await run.air.command(payload, false)
  return { id, payload }
}

/** The next ack of this id from `from` on that is final; null: none within ten seconds (or `ms`). */
export const finalAck = (run: Run, id: string, from = 0, ms = answerMs): Promise<Ack | null> =>
  run.ear.until(ms, () => run.ear.acks.slice(from).find(ack => ack.id === id && isFinal(ack)))

export async function ask(run: Run, command: string, params: Record<string, unknown> = {}, expiresInS = 300) {
  const sent = await send(run, command, params, expiresInS)
  return { ...sent, ack: await finalAck(run, sent.id) }
}

/** An ack in words. */
export const inWords = (ack: Ack | null): string =>
  ack === null
    ? `no final ack within ${answerMs / 1_000} s`
    : `${ack.state}${ack.error ? ` (${ack.error.code}${ack.error.message ? `: ${ack.error.message}` : ''})` : ''}`
