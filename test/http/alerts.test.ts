import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { buildServer } from '../../src/http/server.ts'
import { alertView } from './fake-alerts.ts'
import { auth, fakeParts } from './fake-parts.ts'

let app: FastifyInstance | undefined
afterEach(() => app?.close())

async function served() {
  const alerts = [alertView('01A'), alertView('01B', { state: 'resolved', node: '02' }), alertView('01C', { state: 'pending' })]
  const fake = fakeParts({ alerts })
  app = await buildServer(fake.parts)
  const get = async (url: string) => (await app!.inject({ url, headers: auth })).json()
  const post = (url: string, payload?: object) => app!.inject({ method: 'POST', url, headers: auth, ...(payload && { payload }) })
  return { ...fake, get, post }
}

test('alerts go out newest first, by state, by node, page by page', async () => {
  const { get } = await served()
  const ids = async (query: string): Promise<string[]> =>
    (await get(`/api/alerts${query}`)).items.map((a: { id: string }) => a.id)
  expect(await ids('')).toEqual(['01C', '01B', '01A'])
  expect(await ids('?state=firing')).toEqual(['01A'])
  expect(await ids('?node=02')).toEqual(['01B'])
  const first = await get('/api/alerts?limit=2')
  expect(await ids(`?limit=2&cursor=${encodeURIComponent(first.next)}`)).toEqual(['01A'])
  expect((await get('/api/alerts?state=angry')).errors[0].allowed).toBe('pending, firing, resolved')
})

test('rules and channels are lists like all others', async () => {
  const { get } = await served()
  expect(await get('/api/alerts/rules')).toMatchObject({ items: [{ name: 'hot', from: 'espalier.yaml:3' }], next: null })
  expect(await get('/api/alerts/channels')).toMatchObject({ items: [{ name: 'phone', type: 'ntfy' }], next: null })
})

test('a channel is tried, and one that is not there names those that are', async () => {
  const { post } = await served()
  expect((await post('/api/alerts/channels/phone/test')).json()).toEqual({ channel: 'phone', ok: true, detail: 'HTTP 200' })
  const missing = await post('/api/alerts/channels/pager/test')
  expect(missing.statusCode).toBe(404)
  expect(missing.json().detail).toContain('there are: phone')
})

test('a rule is silenced; a wrong name, time or key is said', async () => {
  const { post, silenced, audited } = await served()
  expect((await post('/api/alerts/silences', { rule: 'hot', node: '01', seconds: 7200 })).statusCode).toBe(204)
  expect(silenced).toEqual([{ rule: 'hot', node: '01', seconds: 7200 }])
  expect(audited[0]).toMatchObject({ action: 'alerts.silence', subject: 'hot', detail: 'for 7200 s, node 01' })
  expect((await post('/api/alerts/silences', { rule: 'cold', seconds: 60 })).json().detail).toContain('there are: hot')
  expect((await post('/api/alerts/silences', { rule: 'hot', node: 'nope', seconds: 60 })).json().detail).toContain('"nope"')
  expect((await post('/api/alerts/silences', { rule: 'hot', seconds: -1 })).statusCode).toBe(400)
  expect((await post('/api/alerts/silences', { rule: 'hot', minutes: 1 })).statusCode).toBe(400)
})
