import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { buildServer } from '../../src/http/server.ts'
import { auth, commandView, fakeParts } from './fake-parts.ts'

let app: FastifyInstance | undefined
afterEach(() => app?.close())

async function served() {
  const fake = fakeParts({ commands: [commandView('01C', { state: 'done' })] })
  app = await buildServer(fake.parts)
  return { ...fake, app }
}

test('every route that writes says what it is in the audit log', async () => {
  const { parts } = await served()
  const writing = new Map<string, string | undefined>()
  const probe = await buildServer(parts, route => {
    const methods = [route.method].flat().filter(method => !['GET', 'HEAD', 'OPTIONS'].includes(method))
    for (const method of methods) writing.set(`${method} ${route.url}`, route.config?.audit?.action)
  })
  await probe.close()
  expect(writing.size).toBeGreaterThan(8)
  expect([...writing].filter(([, action]) => action === undefined)).toEqual([])
  expect([...writing.values()].filter(action => !/^[a-z]+(\.[a-z_]+)+$/.test(action!))).toEqual([])
})

test('what was done is noted with who, what and the outcome, and never with params or values', async () => {
  const { app, audited } = await served()
  const params = { ssid: 'home', password: 'hunter22' }
  await app.inject({ method: 'POST', url: '/api/nodes/01/commands', headers: auth, payload: { command: 'set_wifi', params } })
  await app.inject({ method: 'PATCH', url: '/api/nodes/01', headers: auth, payload: { name: 'Tomatoes' } })
  await app.inject({ method: 'PATCH', url: '/api/nodes/01', headers: auth, payload: { password: 'hunter22' } })
  await app.inject({ method: 'DELETE', url: '/api/commands/01C', headers: auth })
  expect(audited.map(e => [e.action, e.subject, e.outcome, e.detail])).toEqual([
    ['command.cancel', '01C', 'refused', 'Its state does not allow this'],
    ['node.change', '01', 'refused', 'The request is not valid'],
    ['node.change', '01', 'done', 'name'],
    ['command.send', '01', 'done', 'set_wifi as 01B'],
  ])
  expect(audited.every(e => e.who === 'token' && e.address === '127.0.0.1')).toBe(true)
  expect(JSON.stringify(audited)).not.toContain('hunter22')
})

test('reading is not noted, and a caller without a token changes nothing and fills nothing', async () => {
  const { app, audited, refusedCallers } = await served()
  await app.inject({ url: '/api/nodes', headers: auth })
  const headers = { host: 'localhost' }
  await app.inject({ method: 'DELETE', url: '/api/nodes/01', headers })
  await app.inject({ method: 'DELETE', url: '/api/session', headers })
  expect(audited).toEqual([])
  expect(refusedCallers).toEqual([])
})

test('a wrong token is told to the log of refused callers, not the token itself', async () => {
  const { app, audited, refusedCallers } = await served()
  const headers = { host: 'localhost', authorization: 'Bearer not-this-one' }
  await app.inject({ url: '/api/nodes', headers })
  await app.inject({ method: 'POST', url: '/api/session', headers: { host: 'localhost' }, payload: { token: 'nor-this-one' } })
  expect(refusedCallers).toEqual(['127.0.0.1: a wrong token', '127.0.0.1: a wrong token, signing in'])
  expect(audited).toEqual([])
})

test('the log goes out page by page, newest first, filtered', async () => {
  const { app } = await served()
  for (const name of ['a', 'b', 'c'])
    await app.inject({ method: 'PATCH', url: '/api/nodes/01', headers: auth, payload: { name } })
  const first = (await app.inject({ url: '/api/audit?limit=2', headers: auth })).json()
  expect(first).toMatchObject({ kept: 3, dropped: 0 })
  expect(first.items.length).toBe(2)
  const rest = (await app.inject({ url: `/api/audit?limit=2&cursor=${encodeURIComponent(first.next)}`, headers: auth })).json()
  expect(rest.items.length).toBe(1)
  expect(rest.next).toBeNull()
  expect((await app.inject({ url: '/api/audit?action=command.send', headers: auth })).json().items).toEqual([])
})
