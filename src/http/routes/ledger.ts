import { Type } from 'typebox'
import { LedgerReport } from '../../api/ledger.ts'
import { Page } from '../../api/shapes.ts'
import { ledgerOf } from '../node-detail.ts'
import { listQuery, pageAfter } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { noSuchNode, type Routes } from './routes.ts'

/** What was expected, and what became of it. */
export function ledgerRoutes(app: Routes, parts: HttpParts): void {
  const schema = {
    querystring: listQuery({ node: Type.Optional(Type.String()) }, 1000),
    response: { 200: Page(LedgerReport) },
    summary: 'Expected, stored, missing and lost readings with their gaps, by node',
  }
  app.get('/api/ledger', { schema }, async ({ query }) => {
    const { node, limit = 1000, cursor } = query
    if (node !== undefined && !parts.fleet.node(node)) throw noSuchNode(node)
    const ids = pageAfter(node === undefined ? parts.ledger.nodes() : [node], { limit, cursor }, id => id)
    return { items: ids.items.map(id => ledgerOf(parts.ledger.report(id), parts.fleet.described(id))), next: ids.next }
  })
}
