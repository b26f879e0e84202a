import { Type } from 'typebox'
import { ConformanceReport, ConformanceRun } from '../../api/conformance.ts'
import { audited, ofPath } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

/** Does a node keep the wire contract? */
export function conformanceRoutes(app: Routes, parts: HttpParts): void {
  const wait = Type.Optional(
    Type.Enum(['true', 'false'], { description: 'false: 202 with the run that has begun; it goes on, GET tells how far it is' }),
  )
  const run = {
    params: NodeParams,
    querystring: Type.Object({ wait }, { additionalProperties: false }),
    response: { 200: ConformanceReport, 202: ConformanceRun },
    summary:
      'Check a node on the air against the wire contract: it is commanded, its line is cut, it is restarted; the answer comes when that is over',
  }
  const running = audited('node.conformance', ofPath)
  app.post('/api/nodes/:id/conformance', { schema: run, config: running }, async ({ params, query }, reply) => {
    if (!parts.fleet.node(params.id)) throw noSuchNode(params.id)
    const begun = parts.conformance.begin(params.id)
    if (!begun) throw new Refused('state_conflict', `a conformance run of ${params.id} is under way: wait for its end`)
    if (query.wait === 'false') return reply.code(202).send(begun.run)
    const { node, pass, checks } = await begun.ended
    return { node, pass, checks }
  })

  const latest = {
    params: NodeParams,
    response: { 200: ConformanceRun },
    summary: 'The latest conformance run of a node since the manager started, under way or ended',
  }
  app.get('/api/nodes/:id/conformance', { schema: latest }, async ({ params }) => {
    if (!parts.fleet.node(params.id)) throw noSuchNode(params.id)
    const found = parts.conformance.latest(params.id)
    if (found) return found
    throw new Refused('not_found', `${params.id} was not checked since the manager started: POST begins a run`)
  })
}
