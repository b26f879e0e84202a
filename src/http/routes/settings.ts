import { Type } from 'typebox'
import { ReloadResult, SettingView, TokenRotation } from '../../api/settings.ts'
import { audited } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

/** What this server was told, and the two things that change while it runs: the file read again, a new token. */
export function settingsRoutes(app: Routes, parts: HttpParts): void {
  const list = { response: { 200: Type.Array(SettingView) }, summary: 'Every setting in force and where it comes from' }
  app.get('/api/settings', { schema: list }, async () => parts.settings.views())

  const reload = {
    response: { 200: ReloadResult },
    summary: 'Read the configuration again: what changed is in force, or waits for a restart; with a mistake nothing changes',
  }
  const said = (_: unknown, answer: unknown): string => {
    const { applied = [], needs_restart = [] } = (answer ?? {}) as Partial<ReloadResult>
    return `applied: ${applied.join(', ') || 'nothing'}; needs a restart: ${needs_restart.join(', ') || 'nothing'}`
  }
  app.post('/api/config/reload', { schema: reload, config: audited('config.reload', undefined, said) }, async () => {
    const outcome = await parts.settings.reload()
    if (outcome.ok) return { applied: outcome.applied, needs_restart: outcome.needs_restart }
    throw new Refused('bad_request', 'the configuration is not valid: nothing was changed', outcome.errors)
  })

  const rotate = {
    response: { 200: TokenRotation },
    summary: 'A new token: the old one and all sessions end at once; shown this once, and only to who has the old one',
  }
  app.post('/api/token/rotate', { schema: rotate, config: audited('token.rotate') }, async (request, reply) => {
    const token = await parts.token.rotate()
    reply.header('cache-control', 'no-store')
    return { token: request.caller === 'token' ? token : null }
  })
}
