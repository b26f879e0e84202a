import { Type } from 'typebox'
import { LogLine, MessageView, Verdict } from '../../api/messages.ts'
import { Page } from '../../api/shapes.ts'
import { cursorAfter, keyOf, listQuery } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

const filters = { node: Type.Optional(Type.String()), verdict: Type.Optional(Verdict) }

/** What boards just said, and their own log lines. */
export function messageRoutes(app: Routes, parts: HttpParts): void {
  const list = {
    querystring: listQuery(filters, 100),
    response: { 200: Page(MessageView) },
    summary: 'What boards just said, newest first, of this run',
  }
  app.get('/api/messages', { schema: list }, async ({ query: { limit = 100, node, verdict, cursor } }) => {
    const before = keyOf(cursor)
    const { items, next } = parts.messages.list({
      limit,
      ...(node !== undefined && { node }),
      ...(verdict !== undefined && { verdict }),
      ...(before !== undefined && { before }),
    })
    return { items: [...items], next: next === null ? null : cursorAfter(next) }
  })

  const logs = {
    params: NodeParams,
    response: { 200: Page(LogLine) },
    summary: "A node's last log lines, newest first, of this run",
  }
  app.get('/api/nodes/:id/logs', { schema: logs }, async ({ params: { id } }) => {
    const items = parts.messages.logs(id)
    if (items.length === 0 && !parts.fleet.node(id)) throw noSuchNode(id)
    return { items: [...items], next: null }
  })
}
