import type { FastifyReply } from 'fastify'
import { Credential, IdentityView, NodeAddition, NodeRotation } from '../../api/identities.ts'
import { NodeView } from '../../api/nodes.ts'
import { Page } from '../../api/shapes.ts'
import type { IdentityRefusal, IdentityResult } from '../../fleet/fleet.ts'
import { audited, ofPath } from '../audit.ts'
import { listQuery, pageAfter } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { badInput, Refused } from '../refused.ts'
import { NodeParams, type Routes } from './routes.ts'

/** Who may connect. A secret leaves in the answer that made it, and no cache may keep that. */
export function identityRoutes(app: Routes, parts: HttpParts): void {
  const { identities } = parts.fleet

  const list = { querystring: listQuery({}, 1000), response: { 200: Page(IdentityView) }, summary: 'Who may connect, by id' }
  app.get('/api/identities', { schema: list }, async ({ query }) =>
    pageAfter(identities.list(), { limit: query.limit ?? 1000, cursor: query.cursor }, identity => identity.id),
  )

  const add = { body: NodeAddition, response: { 201: Credential }, summary: 'Add a node; its credential is shown this once' }
  const adding = audited('node.add', ({ body }) => (body as { id?: string } | undefined)?.id ?? null, withCertificate)
  app.post(
    '/api/nodes',
    { schema: add, config: adding, preValidation: async ({ body }) => checkNotAService(body) },
    async ({ body }, reply) => {
      // Between two batches: of a removed id that comes back, nothing judged before may be applied behind it.
      const added = await parts.between(() => identities.add(body))
      if (added.ok) parts.messages.forget(body.id)
      return secret(reply.code(201), valueOrRefused(added))
    },
  )

  const rotate = {
    params: NodeParams,
    body: NodeRotation,
    response: { 200: Credential },
    summary: 'A new credential, shown this once; the old one is invalid at once and its session is closed, or it has a grace',
  }
  app.post(
    '/api/nodes/:id/rotate',
    { schema: rotate, config: audited('node.rotate', ofPath, withCertificate), preValidation: emptyIsDefault },
    async ({ params, body }, reply) => secret(reply, valueOrRefused(await identities.rotate(params.id, body))),
  )

  const revoke = {
    params: NodeParams,
    response: { 200: IdentityView },
    summary: 'The credential is invalid at once and its session is closed; the node and its history stay',
  }
  app.post('/api/nodes/:id/revoke', { schema: revoke, config: audited('node.revoke', ofPath) }, async ({ params }) =>
    valueOrRefused(await identities.revoke(params.id)),
  )

  const claim = { params: NodeParams, response: { 200: NodeView }, summary: '"That\'s mine": a node that came by itself' }
  app.post('/api/nodes/:id/claim', { schema: claim, config: audited('node.claim', ofPath) }, async ({ params }) =>
    valueOrRefused(await identities.claim(params.id)),
  )
}

/** Which credential went out; never the credential. */
const withCertificate = (_: unknown, answer: unknown): string =>
  'cert' in (answer as object) ? 'with a certificate' : 'with a password'

function secret(reply: FastifyReply, credential: Credential): Credential {
  reply.header('cache-control', 'no-store')
  return credential
}

function valueOrRefused<T>(result: IdentityResult<T>): T {
  if (result.ok) return result.value
  throw new Refused(problemOf[result.why], result.detail)
}

const problemOf = {
  no_such_node: 'not_found',
  exists: 'state_conflict',
  no_identity: 'state_conflict',
  virtual: 'state_conflict',
  no_issuer: 'state_conflict',
  elsewhere: 'state_conflict',
} as const satisfies Record<IdentityRefusal, string>

/** The schema would only say that the id does not fit. */
function checkNotAService(body: unknown): void {
  const id = (body as { id?: unknown } | null)?.id
  if (typeof id === 'string' && id.startsWith('_'))
    throw badInput(
      '/id',
      `${JSON.stringify(id)} begins with _, which is kept for services of this server`,
      'an id like 01 or greenhouse',
    )
}

/** Without a body it stays the kind that it is. */
async function emptyIsDefault(request: { body: unknown }): Promise<void> {
  request.body ??= {}
}
