import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerOf, hostAllowed, originAllowed, sameSecret, sessionValid } from './access.ts'
import { Attempts } from './attempts.ts'
import type { HttpParts } from './parts.ts'
import { Refused } from './refused.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** How the caller showed who it is; null where nobody asked. */
    caller: 'token' | 'session' | null
  }
}

/** Stands before every route, also before 404: host, origin, then token or session. Routes under /api/ need one of them,
 *  /metrics unless the caller is on this machine; the page's own files, /healthz and signing in do not. */
export function guard(app: FastifyInstance, parts: HttpParts): void {
  const names = new Set(parts.hostNames?.map(name => name.toLowerCase()))
  const refusals = new Attempts()
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async request => {
    checkHost(request, names)
    if (request.method !== 'GET' && request.method !== 'HEAD') checkOrigin(request)
    request.caller = callerOf(request, parts)
    if (request.caller !== null || !needsCaller(request)) return
    if (refusals.tooMany(request.ip, parts.clock.wallMs())) throw new Refused('too_many', tryLater)
    throw new Refused('token_missing', howToSignIn)
  })
}

const tryLater = 'too many requests without the right token from this address; wait a minute, then try the right one'
const howToSignIn =
  'send "Authorization: Bearer TOKEN" with the token from the file `token` in the data directory, or sign in on the page'

function checkHost(request: FastifyRequest, names: ReadonlySet<string>): void {
  const host = request.headers.host
  // HTTP/1.0 without Host: no browser does that.
  if (host === undefined || hostAllowed(host, names)) return
  throw new Refused('host_refused', `"${host}" is not a name of this server; use an IP address, localhost or a configured name`)
}

function checkOrigin(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site']
  const headers = {
    origin: request.headers.origin,
    host: request.headers.host,
    site: typeof site === 'string' ? site : undefined,
  }
  if (!originAllowed(headers, request.protocol))
    throw new Refused('origin_refused', `a page of ${headers.origin ?? 'another site'} tried to write`)
}

function callerOf(request: FastifyRequest, parts: HttpParts): 'token' | 'session' | null {
  const bearer = bearerOf(request.headers.authorization)
  if (bearer !== undefined) return sameSecret(bearer, parts.token.current()) ? 'token' : null
  const cookie = request.cookies[sessionCookie(request)]
  return sessionValid(cookie, parts.token.current(), parts.clock.wallMs()) ? 'session' : null
}

/** Browsers share cookies between the ports of a host; the port in the name keeps two servers on one machine apart. */
export const sessionCookie = (request: FastifyRequest): string => `espalier_session_${request.socket.localPort ?? 0}`

function needsCaller(request: FastifyRequest): boolean {
  const path = routePath(request)
  if (path === '/metrics') return !onThisMachine(request)
  if (path === '/api/session') return false
  return path === '/api' || path.startsWith('/api/')
}

/** The route that answers; what was asked where there is none. Not the URL itself: the router decodes it first, and `/%61pi/nodes` is
 *  `/api/nodes` to it. */
export function routePath(request: FastifyRequest): string {
  const route = request.routeOptions.url
  return route === undefined || route === '/*' ? request.url.split('?', 1)[0]! : route
}

/** A proxy on this machine speaks for others. */
export function onThisMachine(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? ''
  const loopback = /^(::ffff:)?127\./.test(address) || address === '::1'
  return loopback && request.headers['x-forwarded-for'] === undefined && request.headers.forwarded === undefined
}
