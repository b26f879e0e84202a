import { BrokerView } from '../../api/broker.ts'
import { Health } from '../../api/health.ts'
import type { HttpParts } from '../parts.ts'
import type { Routes } from './routes.ts'

/** How the process stands: for people (broker), for supervisors (healthz) and for Prometheus (metrics). */
export function stateRoutes(app: Routes, parts: HttpParts): void {
  const broker = { response: { 200: BrokerView }, summary: 'The broker with its latest figures' }
  app.get('/api/broker', { schema: broker }, async () => parts.broker())

  const healthz = { response: { 200: Health, 503: Health }, summary: 'Health; 503 only when readings are not made durable' }
  app.get('/healthz', { schema: { ...healthz, security: [] } }, async (_, reply) => {
    const health = parts.health()
    return reply.code(health.status === 'down' ? 503 : 200).send(health)
  })

  app.get('/metrics', { schema: { hide: true } }, async (_, reply) =>
    reply.type(parts.metrics.contentType).send(await parts.metrics.render(parts)),
  )
}
