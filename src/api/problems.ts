import type { Problem } from './shapes.ts'

/** Every way a request can fail, with its HTTP status and title. `type` of a problem is `urn:espalier:problem:<code>`. */
export const problems = {
  bad_request: [400, 'The request is not valid'],
  token_missing: [401, 'A token is needed'],
  host_refused: [403, 'This host name is not served'],
  origin_refused: [403, 'Another site may not write here'],
  not_found: [404, 'There is no such thing'],
  not_set_up: [409, 'The server is not set up for this'],
  state_conflict: [409, 'Its state does not allow this'],
  key_conflict: [409, 'The Idempotency-Key belongs to another request'],
  too_large: [413, 'The request is too large'],
  not_json: [415, 'The body must be JSON'],
  queue_full: [429, 'The queue is full'],
  too_many: [429, 'Too many at once'],
  backup_failed: [503, 'The backup could not be made'],
  internal: [500, 'The server failed'],
  not_ready: [503, 'The store is not ready'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof problems

export type ProblemPlace = NonNullable<Problem['errors']>[number]

/** A problem document. `detail`: what is wrong and what to do next; `errors`: the places, with what is allowed
 *  there; none when it is no place of the request that is wrong. */
export function problem(code: ProblemCode, detail: string, errors: readonly ProblemPlace[] = []): Problem {
  const [status, title] = problems[code]
  return { type: `urn:espalier:problem:${code}`, title, status, detail, errors: [...errors] }
}
