import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import { problems } from '../api/problems.ts'
import { bearerOf } from './access.ts'
import type { HttpParts } from './parts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    audit?: AuditDeclaration
  }
}

/** What a writing route says of itself for the audit log. Every one has it: test/http/audit.test.ts asks all of them. */
export interface AuditDeclaration {
  readonly action: string
  /** What it was done to, as far as the request names it. */
  readonly subject?: (request: FastifyRequest) => string | null
  /** What is worth keeping of a request that was served; never a secret, and nothing that may be one (parameters of commands). */
  readonly detail?: (request: FastifyRequest, answer: unknown) => string
}

/** `config` of a route that writes. */
export const audited = (
  action: string,
  subject?: AuditDeclaration['subject'],
  detail?: AuditDeclaration['detail'],
): FastifyContextConfig => ({ audit: { action, ...(subject && { subject }), ...(detail && { detail }) } })

/** The route's `:id`, or `:name`. */
export const ofPath = ({ params }: FastifyRequest): string | null => {
  const { id, name } = (params ?? {}) as { id?: string; name?: string }
  return id ?? name ?? null
}

/** The one place where requests enter the audit log: right before their answer leaves, so that whoever has the answer finds the
 *  entry. Refused credentials are noted too, throttled by address. */
export function auditRequests(app: FastifyInstance, parts: Pick<HttpParts, 'audit'>): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const declared = request.routeOptions.config.audit
    const { statusCode } = reply
    const signingIn = declared?.action === 'session.open'
    if (statusCode === 401 || statusCode === 429) {
      if (signingIn || bearerOf(request.headers.authorization) !== undefined) {
        if (request.caller === null)
          parts.audit.refusedCaller(request.ip, signingIn ? 'a wrong token, signing in' : 'a wrong token')
      }
    }
    if (declared === undefined || (request.caller === null && !(signingIn && statusCode < 400))) return payload
    const served = statusCode < 400
    parts.audit.note({
      who: request.caller ?? 'session',
      address: request.ip,
      action: declared.action,
      subject: textOf(declared.subject?.(request)),
      outcome: served ? 'done' : statusCode < 500 ? 'refused' : 'failed',
      detail: served ? (declared.detail?.(request, answerIn(payload)) ?? '') : titleIn(payload),
    })
    return payload
  })
}

/** A body that was refused may hold anything there. */
const textOf = (subject: unknown): string | null => (typeof subject === 'string' ? subject.slice(0, 128) : null)

function answerIn(payload: unknown): unknown {
  try {
    return typeof payload === 'string' && payload !== '' ? JSON.parse(payload) : null
  } catch {
    return null
  }
}

/** The title alone: a problem's detail repeats what was sent, and that may be a secret in the wrong place. */
function titleIn(payload: unknown): string {
  const type = (answerIn(payload) as { type?: string } | null)?.type ?? ''
  const code = type.slice('urn:espalier:problem:'.length)
  return code in problems ? problems[code as keyof typeof problems][1] : ''
}
