import { ConformanceReport } from '../../api/conformance.ts'
import { audited, ofPath } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

/** Does a node keep the wire contract? The answer comes when the run is over: a minute, longer for a node that speaks seldom. */
export function conformanceRoutes(app: Routes, parts: HttpParts): void {
  const run = {
    params: NodeParams,
    response: { 200: ConformanceReport },
    summary: 'Check a node on the air against the wire contract: it is commanded, its line is cut, it is restarted',
  }
  app.post('/api/nodes/:id/conformance', { schema: run, config: audited('node.conformance', ofPath) }, async ({ params }) => {
    if (!parts.fleet.node(params.id)) throw noSuchNode(params.id)
    const report = await parts.conformance(params.id)
    if (report) return report
    throw new Refused('state_conflict', `a conformance run of ${params.id} is under way: wait for its end`)
  })
}
