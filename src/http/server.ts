import cookie from '@fastify/cookie'
import fastify, { type FastifyInstance, type FastifyReply, type RouteOptions } from 'fastify'
import { problem } from '../api/problems.ts'
import { auditRequests } from './audit.ts'
import { boundRequests, connectionsAtOnce, socketBounds } from './bounds.ts'
import { pageUrl, serveConsole } from './console.ts'
import { guard } from './guard.ts'
import { describe, openapiRoute } from './openapi.ts'
import type { HttpParts } from './parts.ts'
import { answerProblems, sendProblem } from './refused.ts'
import { alertRoutes } from './routes/alerts.ts'
import { auditRoutes } from './routes/audit.ts'
import { backupRoutes } from './routes/backups.ts'
import { commandRoutes } from './routes/commands.ts'
import { conformanceRoutes } from './routes/conformance.ts'
import { connectRoutes } from './routes/connect.ts'
import { demoRoutes } from './routes/demo.ts'
import { eventRoutes } from './routes/events.ts'
import { exportRoutes } from './routes/export.ts'
import { firmwareRoutes } from './routes/firmware.ts'
import { identityRoutes } from './routes/identities.ts'
import { imageRoutes } from './routes/images.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { machineRoutes } from './routes/machine.ts'
import { messageRoutes } from './routes/messages.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { readingsRoutes } from './routes/readings.ts'
import { rejectRoutes } from './routes/rejects.ts'
import type { Routes } from './routes/routes.ts'
import { sessionRoutes } from './routes/session.ts'
import { settingsRoutes } from './routes/settings.ts'
import { stateRoutes } from './routes/state.ts'
import { validatorCompiler } from './validate.ts'

const routes = [
  nodeRoutes,
  identityRoutes,
  readingsRoutes,
  commandRoutes,
  rejectRoutes,
  messageRoutes,
  alertRoutes,
  auditRoutes,
  ledgerRoutes,
  exportRoutes,
  conformanceRoutes,
  firmwareRoutes,
  imageRoutes,
  backupRoutes,
  eventRoutes,
  stateRoutes,
  settingsRoutes,
  demoRoutes,
  machineRoutes,
  connectRoutes,
  sessionRoutes,
]

/** Everything but the listening: tests ask it without a socket. `onRoute` sees every route as it is added. */
export async function buildServer(parts: HttpParts, onRoute?: (route: RouteOptions) => void): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: 65_536,
    requestTimeout: socketBounds.requestTimeout,
    http: socketBounds,
    // At the end idle connections go at once; those with a request get the time that openHttp gives them.
    forceCloseConnections: 'idle',
    // A request that comes in that time is answered, not met with a 503 that is no problem document.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 128 },
    rewriteUrl: pageUrl,
    // A malformed URL is answered like any other bad input.
    frameworkErrors: (error, _, reply) => {
      sendProblem(reply as unknown as FastifyReply, problem('bad_request', error.message))
    },
  })
  // The shapes are what the rooms hand over; serializing by schema would silently drop what a schema forgot.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.setValidatorCompiler(validatorCompiler)
  app.removeContentTypeParser('text/plain')
  app.server.maxConnections = connectionsAtOnce
  await app.register(cookie)
  await boundRequests(app)
  if (onRoute) app.addHook('onRoute', onRoute)
  auditRequests(app, parts)
  guard(app, parts)
  answerProblems(app, parts)
  await describe(app, parts.version)
  await serveConsole(app, parts)
  for (const add of routes) add(app as unknown as Routes, parts)
  openapiRoute(app)
  return app
}
