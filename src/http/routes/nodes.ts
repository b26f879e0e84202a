import { Type } from 'typebox'
import { NodeDetail, NodePatch, NodeView } from '../../api/nodes.ts'
import { Page } from '../../api/shapes.ts'
import { audited, ofPath } from '../audit.ts'
import { nodeDetail } from '../node-detail.ts'
import { listQuery, pageAfter } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

const Removal = Type.Object(
  { history: Type.Optional(Type.Union([Type.Literal('keep'), Type.Literal('delete')], { default: 'keep' })) },
  { additionalProperties: false },
)

/** The registry: who is there, under which name, and goodbye. */
export function nodeRoutes(app: Routes, parts: HttpParts): void {
  const { fleet, store, ledger } = parts

  const list = { querystring: listQuery({}, 1000), response: { 200: Page(NodeView) }, summary: 'All nodes, by id' }
  app.get('/api/nodes', { schema: list }, async ({ query }) =>
    pageAfter(fleet.nodes(), { limit: query.limit ?? 1000, cursor: query.cursor }, node => node.id),
  )

  const detail = { params: NodeParams, response: { 200: NodeDetail }, summary: 'One node with its status, sensors and ledger' }
  app.get('/api/nodes/:id', { schema: detail }, async ({ params }) => {
    const view = fleet.node(params.id)
    if (!view) throw noSuchNode(params.id)
    const { id } = params
    return nodeDetail(view, fleet.status(id), fleet.described(id), store.latest(id), ledger.report(id))
  })

  const patch = { params: NodeParams, body: NodePatch, response: { 200: NodeView }, summary: 'Name and tags' }
  app.patch(
    '/api/nodes/:id',
    { schema: patch, config: audited('node.change', ofPath, ({ body }) => Object.keys(body as NodePatch).join(', ')) },
    async ({ params, body }) => {
      const view = await fleet.patch(params.id, body)
      if (!view) throw noSuchNode(params.id)
      return view
    },
  )

  const remove = { params: NodeParams, querystring: Removal, response: { 204: Type.Null() }, summary: 'Remove a node' }
  app.delete(
    '/api/nodes/:id',
    {
      schema: remove,
      config: audited('node.remove', ofPath, ({ query }) => `history: ${(query as { history?: string }).history ?? 'keep'}`),
    },
    async ({ params: { id }, query }, reply) => {
      // Between two batches, so that nothing judged before comes in behind it. History that a kill left behind can go later.
      await parts.between(async () => {
        const was = await fleet.remove(id)
        const history = query.history === 'delete' && store.nodes().includes(id)
        if (!was && !history) throw noSuchNode(id)
        if (history) await store.remove(id)
        ledger.forget(id)
      })
      parts.messages.forget(id)
      return reply.code(204).send(null)
    },
  )
}
