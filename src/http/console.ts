import { existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { routePath } from './guard.ts'
import type { HttpParts } from './parts.ts'

// Scripts and styles from here alone; nobody may frame the page; what it is not asked for does not leave.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Headers of every answer. */
const always = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

const notBuilt = `<!doctype html><meta charset="utf-8"><title>Espalier</title>
<p>The page is not built. Run <code>npm run build:console</code> in the folder of espalier and load this page again.</p>
`

// What is no page: the API, what machines ask for, and files (a node's id has no dot).
const notAPage = /^\/(?:api|assets|fw|metrics|healthz)(?:[/?]|$)|\.[^/?]*(?:\?|$)/

/** The console's pages have real addresses (`/nodes/01`), but there is one file behind them: a browser that asks for a page gets it. */
export function pageUrl(request: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): string {
  const url = request.url ?? '/'
  const asksForPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html')
  return asksForPage && !notAPage.test(url) ? '/' : url
}

/** The built console as static files: hashed assets for ever, the page itself asked for anew each time. */
export async function serveConsole(app: FastifyInstance, parts: Pick<HttpParts, 'consoleDir'>): Promise<void> {
  app.addHook('onSend', async (request, reply) => {
    reply.headers(always)
    if (routePath(request).startsWith('/api/') && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  if (!existsSync(join(parts.consoleDir, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, (_, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy).send(notBuilt),
    )
    return
  }
  await app.register(fastifyStatic, {
    root: parts.consoleDir,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.includes('/assets/')
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      reply.header('content-security-policy', contentSecurityPolicy)
    },
  })
}
