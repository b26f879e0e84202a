import { ReadingsQuery, ReadingsView } from '../../api/readings.ts'
import type { HttpParts } from '../parts.ts'
import { badInput } from '../refused.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

const dayMs = 86_400_000

/** What one node measured, thinned so that a spike never vanishes (min, mean, max a bucket). */
export function readingsRoutes(app: Routes, parts: HttpParts): void {
  const schema = {
    params: NodeParams,
    querystring: ReadingsQuery,
    response: { 200: ReadingsView },
    summary: 'Readings of a node, downsampled to at most `points` buckets a sensor',
  }
  app.get('/api/nodes/:id/readings', { schema }, async ({ params, query }) => {
    if (!parts.fleet.node(params.id)) throw noSuchNode(params.id)
    const to = query.to ?? parts.clock.wallMs()
    const from = query.from ?? Math.max(0, to - dayMs)
    if (from > to) throw badInput('/from', `is ${from}, after \`to\` (${to})`, 'Unix milliseconds not after `to`')
    const sensors = query.sensor === undefined ? null : query.sensor.split(',').filter(name => name !== '')
    const result = await parts.store.range({ node: params.id, sensors, from, to, points: query.points ?? 500 })
    return { node: params.id, from, to, bucket_ms: result.bucketMs, series: result.series }
  })
}
