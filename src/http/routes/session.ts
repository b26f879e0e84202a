import { Type } from 'typebox'
import { sameSecret, sealSession, sessionSeconds } from '../access.ts'
import { audited } from '../audit.ts'
import { sessionCookie } from '../guard.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

const SignIn = Type.Object({ token: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false })

/** The page exchanges the token (from `/#token=…` or typed) for a cookie that scripts can't read. */
export function sessionRoutes(app: Routes, parts: HttpParts): void {
  // Over TLS it never leaves without TLS.
  const attributesFor = (request: { protocol: string }) =>
    ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const

  const signIn = {
    body: SignIn,
    response: { 204: Type.Null() },
    security: [],
    summary: 'Sign in: the token for a session cookie',
  }
  app.post('/api/session', { schema: signIn, config: audited('session.open') }, async (request, reply) => {
    if (!sameSecret(request.body.token, parts.token.current()))
      throw new Refused('token_missing', 'this is not the token of this server')
    const cookie = sealSession(parts.token.current(), parts.clock.wallMs())
    return reply
      .setCookie(sessionCookie(request), cookie, { ...attributesFor(request), maxAge: sessionSeconds })
      .code(204)
      .send()
  })

  const signOut = { response: { 204: Type.Null() }, security: [], summary: 'Sign out' }
  app.delete('/api/session', { schema: signOut, config: audited('session.close') }, async (request, reply) =>
    reply.clearCookie(sessionCookie(request), attributesFor(request)).code(204).send(null),
  )
}
