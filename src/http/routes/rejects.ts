import { Type } from 'typebox'
import { RejectCounts, RejectView } from '../../api/rejects.ts'
import { Page } from '../../api/shapes.ts'
import { rejectReasons } from '../../contract/codes.ts'
import { cursorAfter, keyOf, listQuery } from '../pages.ts'
import type { HttpParts, RejectListQuery } from '../parts.ts'
import { timeOf } from '../times.ts'
import type { Routes } from './routes.ts'

const filters = {
  node: Type.Optional(Type.String()),
  reason: Type.Optional(Type.Enum([...rejectReasons])),
  since: Type.Optional(Type.String({ description: 'ISO 8601, Unix seconds, or -24h' })),
}

/** What was not stored, why, and with which bytes. */
export function rejectRoutes(app: Routes, parts: HttpParts): void {
  const list = {
    querystring: listQuery(filters, 100),
    response: { 200: Page(RejectView) },
    summary: 'Kept rejects, newest first',
  }
  app.get('/api/rejects', { schema: list }, async ({ query }) => {
    const { limit = 100, node, reason } = query
    const cursor = keyOf(query.cursor)
    const since = query.since === undefined ? undefined : timeOf('/since', query.since, parts.clock.wallMs())
    const asked: RejectListQuery = {
      ...(node !== undefined && { node }),
      ...(reason !== undefined && { reason }),
      ...(since !== undefined && { since }),
      ...(cursor !== undefined && { cursor }),
      limit,
    }
    const { items, next } = await parts.rejects.list(asked)
    return { items: [...items], next: next === null ? null : cursorAfter(next) }
  })

  const counts = { response: { 200: RejectCounts }, summary: 'Rejected readings and messages, by reason and node; never reset' }
  app.get('/api/rejects/counts', { schema: counts }, async () => parts.rejects.counts())
}
