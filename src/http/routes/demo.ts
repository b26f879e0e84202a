import { DemoOutage, DemoOutageRequest, DemoStop, DemoStopRequest } from '../../api/demo.ts'
import { audited } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

const defaultOutageS = 30

/** The virtual nodes of `up`: sent home, or cut off for a while to see what happens. */
export function demoRoutes(app: Routes, parts: HttpParts): void {
  const emptyIsDefault = async (request: { body: unknown }): Promise<void> => {
    request.body ??= {}
  }

  const stop = {
    body: DemoStopRequest,
    response: { 200: DemoStop },
    summary: 'Stop the virtual nodes; forget: remove them and their readings',
  }
  app.post('/api/demo/stop', { schema: stop, preValidation: emptyIsDefault, config: audited('demo.stop') }, async ({ body }) =>
    parts.demo.stop(body.forget ?? false),
  )

  const outage = { body: DemoOutageRequest, response: { 200: DemoOutage }, summary: 'Cut virtual nodes off for some seconds' }
  app.post(
    '/api/demo/outage',
    { schema: outage, preValidation: emptyIsDefault, config: audited('demo.outage') },
    async ({ body }) => {
      const { node = null, seconds = defaultOutageS } = body
      const nodes = parts.demo.outage(node, seconds)
      if (nodes.length > 0) return { nodes, seconds }
      throw new Refused(
        'not_found',
        node === null ? 'no virtual nodes run here (up --sim 3)' : `${node} is no virtual node that runs here`,
      )
    },
  )
}
