import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { type ProblemCode, type ProblemPlace, problem } from '../api/problems.ts'
import type { Problem } from '../api/shapes.ts'
import type { HttpParts } from './parts.ts'

/** Thrown by routes and hooks to answer with a problem document: an expected refusal, never a bug. */
export class Refused extends Error {
  readonly problem: Problem
  constructor(code: ProblemCode, detail: string, errors?: readonly ProblemPlace[]) {
    super(detail)
    this.problem = problem(code, detail, errors)
  }
}

/** One wrong place: `allowed` says what may stand there. */
export const badInput = (path: string, message: string, allowed?: string): Refused =>
  new Refused('bad_request', `${path}: ${message}${allowed ? `; allowed: ${allowed}` : ''}`, [
    { path, message, ...(allowed !== undefined && { allowed }) },
  ])

/** Every failure leaves as application/problem+json: refusals as they are, fastify's own (bad JSON, too large) translated, the rest
 *  as 500 without details, which go to the log. */
export function answerProblems(app: FastifyInstance, parts: Pick<HttpParts, 'onError'>): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const known = error instanceof Refused ? error.problem : ofFastify(error as FastifyError)
    if (known) return sendProblem(reply, known)
    // The path alone: the token of an image stands behind it.
    parts.onError(error, `${request.method} ${request.url.split('?', 1)[0]}`)
    return sendProblem(reply, problem('internal', 'the reason is in the log of the server'))
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem('not_found', `${request.method} ${request.url.split('?', 1)[0]} is no route; see /api/openapi.json`),
    ),
  )
}

export function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  // What a browser would have saved as a file is a sentence now.
  reply.removeHeader('content-disposition')
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="espalier"')
  if (body.status === 429 || body.status === 503) reply.header('retry-after', '10')
  return reply.code(body.status).type('application/problem+json').send(body)
}

function ofFastify(error: FastifyError): Problem | null {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('too_large', 'the body is larger than 65,536 bytes')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('not_json', 'send the body as JSON, with "Content-Type: application/json"')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return badInput('/', 'the body is not valid JSON', 'a JSON object').problem
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return badInput('/', 'the body is empty', 'a JSON object').problem
    default:
      // Parsing failures of fastify carry a status in the 400s: bad JSON, a bad URL, a bad Content-Length.
      return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
        ? problem('bad_request', error.message)
        : null
  }
}
