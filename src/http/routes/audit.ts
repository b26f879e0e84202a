import { type Static, Type } from 'typebox'
import { AuditPage } from '../../api/audit.ts'
import { keyOf, listQuery, page } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import type { Routes } from './routes.ts'

const filters = {
  action: Type.Optional(Type.String({ maxLength: 64, description: 'such as `node.add`; `node` for all of nodes' })),
  subject: Type.Optional(Type.String({ maxLength: 128 })),
}

/** Who did what. */
export function auditRoutes(app: Routes, parts: HttpParts): void {
  const schema = {
    querystring: listQuery(filters, 100),
    response: { 200: AuditPage },
    summary: 'The audit log, newest first',
  }
  app.get('/api/audit', { schema }, async ({ query }): Promise<Static<typeof AuditPage>> => {
    const { limit = 100, action, subject } = query
    const before = keyOf(query.cursor)
    const found = await parts.audit.list({
      ...(action !== undefined && { action }),
      ...(subject !== undefined && { subject }),
      ...(before !== undefined && { before }),
      limit: limit + 1,
    })
    return { ...page(found, limit, entry => entry.id), ...parts.audit.counts() }
  })
}
