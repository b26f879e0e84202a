import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { Problem } from '../api/shapes.ts'

const description = `A fleet of boards over HTTP. Times are Unix milliseconds unless a name says otherwise. Every failure is an
application/problem+json document; lists come as {"items","next"} with ?limit (up to 1000) and ?cursor.`

interface RouteSchema extends FastifySchema {
  readonly summary?: string
  /** Media types of a stream, which has no JSON shape. */
  readonly produces?: readonly string[]
  /** Media types of a body that is read as a stream. */
  readonly takes?: readonly string[]
  readonly response?: Record<string, unknown>
}

const failure = { description: 'Every failure', content: { 'application/problem+json': { schema: Problem } } }

const contentOf = (types: readonly string[]) => Object.fromEntries(types.map(type => [type, { schema: { type: 'string' } }]))

/** GET /api/openapi.json, made from the schemas of the routes: it can't say anything else than they check. */
export async function describe(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Espalier', description, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'the file `token` in the data directory' },
          session: { type: 'apiKey', in: 'cookie', name: 'espalier_session_PORT', description: 'made by POST /api/session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: ({ schema, url, route }) => {
      const { produces, takes, response, ...rest } = schema as RouteSchema
      const streamed = produces && { 200: { description: rest.summary ?? '', content: contentOf(produces) } }
      const body = takes && { consumes: takes, body: { type: 'string', format: 'binary' } }
      return { schema: { ...rest, ...body, response: { ...response, ...streamed, default: failure } }, url, route }
    },
  })
}

/** After the routes are there. */
export function openapiRoute(app: FastifyInstance): void {
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
