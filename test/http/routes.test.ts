import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { buildServer } from '../../src/http/server.ts'
import { auth, commandView, type FakeOptions, fakeParts, healthy, nodeView, reading, rejectView, token } from './fake-parts.ts'

let app: FastifyInstance
afterEach(() => app.close())

type Answer = {
  status: number
  type: string
  body: any
  text: string
  headers: Record<string, unknown>
}

async function server(options: FakeOptions = {}, change: (parts: ReturnType<typeof fakeParts>) => void = () => {}) {
  const fake = fakeParts(options)
  change(fake)
  app = await buildServer(fake.parts)
  const ask = async (method: string, url: string, more: { headers?: object; payload?: unknown; remote?: string } = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...auth, ...more.headers },
      ...(more.payload !== undefined && { payload: more.payload as object }),
      ...(more.remote && { remoteAddress: more.remote }),
    })
    const type = String(response.headers['content-type'] ?? '')
    const body = type.includes('json') && !type.includes('jsonl') ? response.json() : null
    return { status: response.statusCode, type, body, text: response.body, headers: response.headers } satisfies Answer as Answer
  }
  return { ...fake, ask, get: (url: string, headers: object = {}) => ask('GET', url, { headers }) }
}

const anonymous = { authorization: '' }

describe('who may ask', () => {
  test('without a token there is nothing but health and signing in', async () => {
    const { ask, get } = await server()
    for (const path of ['/api/nodes', '/api/nope', '/api/openapi.json', '/api/events', '/api/export'])
      expect((await get(path, anonymous)).status, path).toBe(401)
    expect((await get('/api/nodes', { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await get('/healthz', anonymous)).status).toBe(200)
    const signIn = await ask('POST', '/api/session', { headers: anonymous, payload: { token: 'wrong' } })
    expect(signIn.status).toBe(401)
  })

  test('the token buys a cookie that scripts cannot read, and the cookie opens the rest', async () => {
    const { ask, get } = await server()
    const signIn = await ask('POST', '/api/session', { headers: anonymous, payload: { token } })
    const cookie = String(signIn.headers['set-cookie'])
    expect(signIn.status).toBe(204)
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect((await get('/api/nodes', { ...anonymous, cookie: cookie.split(';')[0] })).status).toBe(200)
    expect((await get('/api/nodes', { ...anonymous, cookie: 'espalier_session_0=x.y' })).status).toBe(401)
  })

  test('a rebound name is refused before anything else', async () => {
    const { get } = await server()
    expect((await get('/api/nodes', { host: 'evil.example:8080' })).status).toBe(403)
    expect((await get('/healthz', { host: 'evil.example' })).status).toBe(403)
    expect((await get('/api/nodes', { host: 'greenhouse.local:8080' })).status).toBe(200)
  })

  test('a page of another origin may not write, even with the token', async () => {
    const { ask } = await server()
    const write = (origin: string) => ask('POST', '/api/nodes/01/commands', { headers: { origin }, payload: { command: 'ping' } })
    expect((await write('http://evil.example')).status).toBe(403)
    expect((await write('http://localhost')).status).toBe(202)
  })

  test('metrics are open to this machine alone, and not to whom a proxy speaks for', async () => {
    const { ask } = await server()
    expect((await ask('GET', '/metrics', { headers: anonymous })).status).toBe(200)
    expect((await ask('GET', '/metrics', { headers: anonymous, remote: '192.168.1.9' })).status).toBe(401)
    expect((await ask('GET', '/metrics', { headers: { ...anonymous, 'x-forwarded-for': '192.168.1.9' } })).status).toBe(401)
    expect((await ask('GET', '/metrics', { remote: '192.168.1.9' })).status).toBe(200)
  })
})

describe('every failure is a problem document', () => {
  test.each([
    ['GET', '/api/nope', undefined, 404],
    ['POST', '/api/nodes/01', { id: 'x' }, 404],
    ['POST', '/api/nodes', { id: '_x' }, 400],
    ['POST', '/api/nodes', { id: 'a/b' }, 400],
    ['POST', '/api/nodes', [], 400],
    ['POST', '/api/nodes', { id: 'x', cert: true }, 409],
    ['POST', '/api/nodes/xx/rotate', undefined, 404],
    ['POST', '/api/nodes/01/rotate', { cert: 1 }, 400],
    ['POST', '/api/nodes/01/revoke', undefined, 409],
    ['POST', '/api/nodes/xx/claim', undefined, 404],
    ['GET', '/nope', undefined, 404],
    ['GET', '/%zz', undefined, 400],
    ['GET', '/api/export?format=parquet&rollup=1m', undefined, 400],
    ['POST', '/api/nodes/01/commands', '{"command":', 400],
    ['POST', '/api/nodes/01/commands', undefined, 400],
    ['POST', '/api/nodes/01/commands', [], 400],
  ])('%s %s with %j', async (method, url, payload, status) => {
    const { ask } = await server()
    const headers = { 'content-type': 'application/json' }
    const answer = await ask(method, url, payload === undefined ? {} : { headers, payload })
    expect(answer.status).toBe(status)
    expect(answer.type).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({
      type: expect.stringMatching(/^urn:/),
      title: expect.any(String),
      status,
      detail: expect.any(String),
      errors: expect.any(Array),
    })
    expect(answer.headers).not.toHaveProperty('content-disposition')
  })

  test('a body over 64 KiB is too large', async () => {
    const { ask } = await server()
    const answer = await ask('POST', '/api/nodes/01/commands', { payload: { command: 'x'.repeat(70_000) } })
    expect([answer.status, answer.type]).toEqual([413, expect.stringContaining('problem+json')])
  })

  test('bad input is named place by place, with what is allowed', async () => {
    const { get, ask } = await server()
    const query = await get('/api/nodes/01/readings?points=0&from=5abc&foo=1')
    expect(query.body.errors).toEqual([
      { path: '/foo', message: 'is not known here', allowed: 'sensor, from, to, points' },
      { path: '/from', message: 'is "5abc"', allowed: 'an integer from 0' },
      { path: '/points', message: 'is 0', allowed: 'an integer 1 to 5000' },
    ])
    const body = await ask('POST', '/api/nodes/01/commands', { payload: { expires: '60' } })
    expect(body.body.errors).toEqual([
      { path: '/command', message: 'is missing', allowed: 'text of 1 to 64 characters' },
      { path: '/expires', message: 'is "60"', allowed: 'a number 1 to 604800' },
    ])
  })

  test('a body that is not JSON is told how to be it', async () => {
    const { ask } = await server()
    const answer = await ask('POST', '/api/nodes/01/commands', {
      headers: { 'content-type': 'text/plain' },
      payload: 'command=ping',
    })
    expect([answer.status, answer.body.detail]).toEqual([415, expect.stringContaining('application/json')])
  })

  test('a bug answers 500 without its inside, which goes to the log', async () => {
    const { get, failures } = await server({}, ({ parts }) => {
      parts.store.range = async () => {
        throw new Error('secret path')
      }
    })
    const answer = await get('/api/nodes/01/readings')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
    expect(failures.map(error => error.message)).toEqual(['secret path'])
  })
})

describe('nodes', () => {
  test('come by id, page by page', async () => {
    const { get } = await server({ nodes: ['b', 'A', 'c', '01'].map(id => nodeView(id)) })
    const first = await get('/api/nodes?limit=3')
    expect(first.body.items.map((node: { id: string }) => node.id)).toEqual(['01', 'A', 'b'])
    const second = await get(`/api/nodes?limit=3&cursor=${first.body.next}`)
    expect(second.body).toMatchObject({ items: [{ id: 'c' }], next: null })
    expect((await get('/api/nodes?limit=1001')).status).toBe(400)
  })

  test.each(['nodes', 'identities', 'ledger', 'commands', 'rejects'])(
    'a cursor of %s that no page gave is refused',
    async list => {
      const { get } = await server()
      for (const cursor of ['garbage', 'after:', 'after:../x', '%00', '']) {
        const { status, body } = await get(`/api/${list}?cursor=${cursor}`)
        expect(status, cursor).toBe(400)
        expect(body.errors).toMatchObject([{ path: '/cursor', allowed: '`next` of the page before' }])
      }
    },
  )

  test('show sensors with declared units first, then those only ever sent, also when the last status is a will', async () => {
    const { get } = await server({ readings: [reading('01', 5, { zeta: 1, alpha: 2, wifi_rssi: -60 })] })
    const { body } = await get('/api/nodes/01')
    expect(body.sensors).toEqual([
      { name: 'temperature', unit: '°C', value: null, time: null },
      { name: 'alpha', unit: null, value: 2, time: 5 },
      { name: 'zeta', unit: null, value: 1, time: 5 },
    ])
    expect(body.status).toEqual({ node_id: 'node_01', online: false, boot: 7 })
    expect(body.ledger).toMatchObject({ node: '01', expected: 3, dropped: 2, gaps: [] })
  })

  test('are renamed and tagged, and a bad tag is refused', async () => {
    const { ask } = await server()
    expect((await ask('PATCH', '/api/nodes/01', { payload: { name: 'Bench', tags: ['a'] } })).body).toMatchObject({
      name: 'Bench',
      tags: ['a'],
    })
    expect((await ask('PATCH', '/api/nodes/01', { payload: { tags: ['A B'] } })).body.errors[0].path).toBe('/tags/0')
    expect((await ask('PATCH', '/api/nodes/01', { payload: { nmae: 'x' } })).status).toBe(400)
    expect((await ask('PATCH', '/api/nodes/xx', { payload: {} })).status).toBe(404)
  })

  test('go with their history only when that is asked for', async () => {
    const readings = [reading('01', 5, { x: 1 }), reading('02', 5, { x: 1 })]
    const { ask, store } = await server({ readings })
    expect((await ask('DELETE', '/api/nodes/01')).status).toBe(204)
    expect((await ask('DELETE', '/api/nodes/02?history=delete')).status).toBe(204)
    expect((await ask('DELETE', '/api/nodes/02')).status).toBe(404)
    expect([store.fieldNames('01'), store.fieldNames('02')]).toEqual([['x'], []])
    // What a kill left behind, or was kept: the node is gone, its history can still be asked to go.
    expect((await ask('DELETE', '/api/nodes/01')).status).toBe(404)
    expect((await ask('DELETE', '/api/nodes/01?history=delete')).status).toBe(204)
    expect(store.fieldNames('01')).toEqual([])
  })
})

describe('readings', () => {
  test('of the last 24 h by default, raw when they are few', async () => {
    const { get, clock } = await server({ readings: [reading('01', 1_704_844_800_000, { x: 22.5, y: 1 })] })
    const { body } = await get('/api/nodes/01/readings?sensor=x')
    expect(body).toEqual({
      node: '01',
      from: clock.wall - 86_400_000,
      to: clock.wall,
      bucket_ms: 0,
      series: { x: { time: [1_704_844_800_000], min: [22.5], mean: [22.5], max: [22.5], count: [1] } },
    })
  })

  test('ask for a known node and a range that does not run backwards; an empty one is empty', async () => {
    const { get } = await server()
    expect((await get('/api/nodes/xx/readings')).status).toBe(404)
    expect((await get('/api/nodes/01/readings?from=11&to=10')).body.errors[0].path).toBe('/from')
    expect((await get('/api/nodes/01/readings?from=10&to=10')).body).toMatchObject({ bucket_ms: 0, series: {} })
  })
})

describe('commands', () => {
  test('are kept with 202, repeated with 200, and know who sent them', async () => {
    const { ask, sent } = await server()
    const post = (key?: string) =>
      ask('POST', '/api/nodes/01/commands', { headers: key ? { 'idempotency-key': key } : {}, payload: { command: 'ping' } })
    expect((await post()).status).toBe(202)
    expect((await post('repeated')).status).toBe(200)
    expect(sent[1]).toEqual(['01', { command: 'ping' }, 'api', 'repeated'])
  })

  test.each([
    ['conflict', 409],
    ['too_large', 413],
    ['queue_full', 429],
  ])('a refusal because of %s is %d, with its reason', async (key, status) => {
    const { ask } = await server()
    const answer = await ask('POST', '/api/nodes/01/commands', {
      headers: { 'idempotency-key': key },
      payload: { command: 'ping' },
    })
    expect([answer.status, answer.body.detail]).toEqual([status, `because ${key}`])
  })

  test('for a node nobody knows are 404', async () => {
    const { ask } = await server()
    expect((await ask('POST', '/api/nodes/xx/commands', { payload: { command: 'ping' } })).status).toBe(404)
  })

  test('are listed newest first, by page and filter', async () => {
    const { get } = await server({ commands: ['01A', '01B', '01C'].map(id => commandView(id)) })
    const first = await get('/api/commands?limit=2')
    expect(first.body.items.map((command: { id: string }) => command.id)).toEqual(['01C', '01B'])
    expect((await get(`/api/commands?limit=2&cursor=${first.body.next}`)).body).toMatchObject({
      items: [{ id: '01A' }],
      next: null,
    })
    expect((await get('/api/commands?state=done')).body.items).toEqual([])
    expect((await get('/api/commands?state=finished')).status).toBe(400)
  })

  test('are cancelled only while queued', async () => {
    const { ask } = await server({ commands: [commandView('01A'), commandView('01B', { state: 'sent', attempts: 1 })] })
    expect((await ask('DELETE', '/api/commands/01A')).body.state).toBe('cancelled')
    expect((await ask('DELETE', '/api/commands/01B')).status).toBe(409)
    expect((await ask('DELETE', '/api/commands/01X')).status).toBe(404)
    expect((await ask('GET', '/api/commands/01B')).body.id).toBe('01B')
  })
})

describe('export', () => {
  const readings = [
    reading('02', 1_704_844_800_000, { temperature: 20 }),
    reading('01', 1_704_844_800_000, { temperature: 22.5, humidity: 45.2 }, 0),
    reading('01', 1_704_844_860_000, { co2: 400 }, 1),
  ]

  test('is CSV with every field of the chosen nodes, by time and node', async () => {
    const { get } = await server({ readings })
    const { text, type } = await get('/api/export')
    expect(type).toMatch(/^text\/csv/)
    expect(text).toBe(
      'time,node,boot,seq,co2,humidity,temperature\n' +
        '2024-01-10T00:00:00.000Z,01,7,0,,45.2,22.5\n' +
        '2024-01-10T00:00:00.000Z,02,,,,,20\n' +
        '2024-01-10T00:01:00.000Z,01,7,1,400,,\n',
    )
  })

  test('takes names repeated or with commas, and times in every form', async () => {
    const { get } = await server({ readings })
    const lines = async (query: string) => (await get(`/api/export?${query}`)).text.split('\n').length - 1
    expect(await lines('node=01,02&sensor=temperature')).toBe(3)
    expect(await lines('node=01&node=02&sensor=temperature&sensor=co2')).toBe(4)
    expect(await lines('from=1704844860')).toBe(2)
    expect(await lines('to=2024-01-10T00:01:00Z')).toBe(3)
    expect(await lines('from=-60s')).toBe(2)
    expect((await get('/api/export?sensor=temperature,co2')).text).toMatch(/^time,node,boot,seq,co2,temperature\n/)
  })

  test('is JSON lines when asked', async () => {
    const { get } = await server({ readings })
    const { text } = await get('/api/export?format=jsonl&node=02')
    expect(
      text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([{ time: 1_704_844_800_000, node: '02', boot: null, seq: null, fields: { temperature: 20 } }])
  })

  test('refuses a node nobody knows, a bad time and a format the store does not write', async () => {
    const { get } = await server()
    expect((await get('/api/export?node=xx')).status).toBe(404)
    expect((await get('/api/export?from=yesterday')).body.errors[0].path).toBe('/from')
    expect((await get('/api/export?from=2&to=1')).status).toBe(400)
    expect((await get('/api/export?format=parquet')).body.errors[0].allowed).toBe('csv, jsonl')
    expect((await get('/api/export?format=xml')).body.errors[0].allowed).toBe('csv, jsonl, parquet')
  })

  test('of nothing is a header', async () => {
    const { get } = await server()
    expect((await get('/api/export')).text).toBe('time,node,boot,seq\n')
  })
})

describe('the rest of the house', () => {
  test('rejects are listed and counted', async () => {
    const { get } = await server({ rejects: [rejectView('2'), rejectView('1')] })
    expect((await get('/api/rejects?limit=1')).body).toMatchObject({ items: [{ id: '2' }], next: 'after:more' })
    expect((await get('/api/rejects?node=xx')).body).toEqual({ items: [], next: null })
    expect((await get('/api/rejects/counts')).body).toEqual({ total: 2, by_reason: { bad_json: 2 }, by_node: { '01': 2 } })
    expect((await get('/api/rejects?reason=because')).status).toBe(400)
    expect((await get('/api/rejects?since=-24h')).status).toBe(200)
  })

  test('the ledger comes by node', async () => {
    const { get } = await server()
    expect((await get('/api/ledger')).body.items.map((report: { node: string }) => report.node)).toEqual(['01', '02'])
    expect((await get('/api/ledger?node=02')).body.items).toHaveLength(1)
    expect((await get('/api/ledger?node=xx')).status).toBe(404)
  })

  test('the broker shows its figures', async () => {
    const { get } = await server()
    expect((await get('/api/broker')).body).toMatchObject({ kind: 'embedded', up: true, messages_in_s: 3 })
  })

  test('health is 503 only when nothing is made durable', async () => {
    let health = { ...healthy, status: 'degraded' as 'degraded' | 'down' }
    const { get } = await server({}, fake => Object.assign(fake.parts, { health: () => health }))
    expect((await get('/healthz')).status).toBe(200)
    health = { ...health, status: 'down' }
    expect((await get('/healthz')).status).toBe(503)
  })

  test('the metrics have the names that dashboards know', async () => {
    const { get, parts } = await server()
    parts.metrics.observeCommit(0.003)
    const { text } = await get('/metrics')
    for (const line of [
      'espalier_readings_stored_total 3',
      'espalier_readings_rejected_total{reason="bad_json"} 2',
      'espalier_readings_duplicate_total 1',
      'espalier_nodes{state="online"} 2',
      'espalier_nodes{state="asleep"} 0',
      'espalier_commit_seconds_bucket{le="0.005"} 1',
      'espalier_commands{state="queued"} 0',
      'espalier_rejects_kept 0',
      'espalier_store_bytes 0',
    ])
      expect(text.split('\n')).toContain(line)
  })

  test('openapi.json is 3.1 and knows every route', async () => {
    const { get } = await server()
    const { body } = await get('/api/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(await new Validator().validate(body)).toMatchObject({ valid: true })
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/api/nodes',
        '/api/nodes/{id}',
        '/api/nodes/{id}/readings',
        '/api/nodes/{id}/commands',
        '/api/export',
      ]),
    )
  })
})

describe('identities', () => {
  test('a credential leaves once, in an answer that no cache keeps, and lists show none', async () => {
    const { get, ask } = await server()
    const added = await ask('POST', '/api/nodes', { payload: { id: 'greenhouse', name: 'Greenhouse' } })
    expect(added).toMatchObject({ status: 201, body: { id: 'greenhouse', username: 'greenhouse', password: 'first' } })
    expect(added.headers['cache-control']).toBe('no-store')
    expect(await ask('POST', '/api/nodes', { payload: { id: 'greenhouse' } })).toMatchObject({ status: 409 })
    const rotated = await ask('POST', '/api/nodes/greenhouse/rotate')
    expect(rotated).toMatchObject({ status: 200, body: { password: 'second' } })
    expect(rotated.headers['cache-control']).toBe('no-store')
    const list = await get('/api/identities')
    expect(list.body).toMatchObject({ items: [{ id: 'greenhouse', kind: 'password' }], next: null })
    expect(JSON.stringify(list.body)).not.toMatch(/first|second/)
    expect((await ask('POST', '/api/nodes/greenhouse/revoke')).body).toMatchObject({
      id: 'greenhouse',
      revoked: expect.any(Number),
    })
    expect((await ask('POST', '/api/nodes/01/claim')).body).toMatchObject({ id: '01', claimed: true })
  })
})
