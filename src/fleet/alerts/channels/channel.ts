import type { AlertView } from '../../../api/alerts.ts'

/** What a channel is given to tell. `delivery` is the same whenever the same thing is told again: receivers may drop repeats by it. */
export interface Message {
  readonly delivery: string
  readonly event: 'firing' | 'resolved' | 'test'
  /** Wall clock of the event, not of the sending. */
  readonly time: number
  readonly site: string
  readonly title: string
  readonly text: string
  /** Page to look at; null: none. */
  readonly url: string | null
  /** As the API shows it, at the time of the event; null for a test. */
  readonly alert: Omit<AlertView, 'notified'> | null
}

/** `soon`: the receiver is away; `later`: it answers, but won't take it now; `never`: it won't take this very message. */
export type Sent =
  | { readonly ok: true; readonly detail: string }
  | { readonly ok: false; readonly detail: string; readonly again: 'soon' | 'later' | 'never'; readonly afterMs?: number }

/** Tells one receiver. Every failure is a value with a sentence in which no secret stands. May be called again with the same message. */
export interface Channel {
  send(message: Message, signal: AbortSignal): Promise<Sent>
  /** Where it goes, without what is secret. */
  readonly target: string
}

/** Errors of libraries and receivers may repeat what they were given. */
export function redacted(text: string, secrets: readonly (string | null)[]): string {
  let out = text
  for (const secret of secrets) if (secret !== null && secret.length >= 4) out = out.replaceAll(secret, '***')
  return out.replace(/\s+/g, ' ').slice(0, 300)
}

/** The reason of a failure of a socket: fetch hides it one level down. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time'
  const inner = error.cause instanceof Error ? error.cause : error
  const { code } = inner as NodeJS.ErrnoException
  return inner.message || code || inner.name
}
