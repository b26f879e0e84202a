import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as ask } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'

/** What strangers and broken programs do to the real server: it answers right, does not fall, and keeps its memory. */
let server: Up
let remove: () => Promise<void>

beforeAll(async () => {
  const data = await temporaryData()
  remove = data.remove
  server = await up(data.dir, '--sim', '1', '--sim-interval', '0.5')
})
afterAll(async () => {
  await server.stop()
  await remove()
})

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Record<string, string | string[] | undefined>
}

/** A request that fetch would not make: any Host, any body, any header. */
const raw = (path: string, options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}) =>
  new Promise<Answer>((done, fail) => {
    const { host, port } = server.run.http
    const message = ask(
      // setHost: an empty Host would be replaced by the right one.
      {
        host,
        port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers,
        agent: false,
        setHost: options.headers?.host === undefined,
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('end', () =>
          done({ status: response.statusCode!, text: Buffer.concat(chunks).toString(), headers: response.headers }),
        )
        response.on('error', fail)
      },
    )
    message.on('error', fail)
    message.end(options.body)
  })
const auth = () => ({ authorization: `Bearer ${server.token}` })
const problemOf = (answer: Answer) => ({ status: answer.status, type: JSON.parse(answer.text).type.split(':').at(-1) })
const memory = async (): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))![1]) * 1024

describe('who may ask', () => {
  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer wrong' }],
    ['half a token', { authorization: 'Bearer' }],
    ['the token as a password', { authorization: 'Basic dG9rZW46dG9rZW4=' }],
    ['a made-up session', { cookie: 'espalier_session_0=abc.def' }],
  ])('%s is told how to sign in, on every route of the API', async (_, headers) => {
    const { paths } = (await server.api('/api/openapi.json')).body as { paths: Record<string, Record<string, unknown>> }
    // Images are for nodes: by a token of their own, and never without TLS (test/updates).
    const open = new Set(['/healthz', '/api/session', '/metrics', '/fw/{sha256}'])
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) {
        if (open.has(path)) continue
        const answer = await raw(path.replaceAll(/\{[^}]+\}/g, 'x'), { method: method.toUpperCase(), headers })
        expect({ path, method, ...problemOf(answer) }).toEqual({ path, method, status: 401, type: 'token_missing' })
        expect(answer.headers['www-authenticate']).toContain('Bearer')
      }
  })

  test('the token is asked for however the path is spelt', async () => {
    for (const path of ['/%61pi/nodes', '/a%70i/settings', '/ap%69/backup', '/%61%70%69/export', '/%61pi/nothing'])
      expect([path, (await raw(path)).status]).toEqual([path, path.endsWith('nothing') ? 404 : 401])
    const { status } = await raw('/%61pi/token/rotate', { method: 'POST' })
    expect(status).toBe(401)
  })

  test.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'espalier@evil.example',
    '',
  ])('a foreign Host (%j) gets nothing, with the right token too', async host => {
    for (const path of ['/', '/healthz', '/api/nodes', '/metrics'])
      expect((await raw(path, { headers: { ...auth(), host } })).status, path).toBeGreaterThanOrEqual(400)
  })

  test.each(['http://evil.example', 'null', 'http://127.0.0.1:1', 'https://localhost'])(
    'a foreign Origin (%j) may not write',
    async origin => {
      const headers = { ...auth(), origin, 'content-type': 'application/json' }
      const answer = await raw('/api/nodes/sim-1/commands', { method: 'POST', headers, body: '{"command":"ping"}' })
      expect(problemOf(answer)).toEqual({ status: 403, type: 'origin_refused' })
      expect((await server.api('/api/commands')).body.items).toEqual([])
    },
  )

  test('who guesses is told to wait, and the right token still gets in', async () => {
    let last = 0
    for (let i = 0; i < 400 && last !== 429; i++)
      last = (await raw('/api/nodes', { headers: { authorization: `Bearer ${i}` } })).status
    expect(last).toBe(429)
    expect((await server.api('/api/nodes')).status).toBe(200)
  })
})

describe('bodies', () => {
  const post = (body: string | Buffer, type = 'application/json') =>
    raw('/api/nodes/sim-1/commands', { method: 'POST', headers: { ...auth(), 'content-type': type }, body })

  test.each<[string, string | Buffer, string, number]>([
    ['one byte too many', JSON.stringify({ command: 'x'.repeat(70_000) }), 'application/json', 413],
    ['10 MB', Buffer.alloc(10_000_000, 0x20), 'application/json', 413],
    ['nested 30,000 deep', '['.repeat(30_000), 'application/json', 400],
    [
      'nested 30,000 deep and closed',
      `{"command":"x","params":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`,
      'application/json',
      400,
    ],
    ['no JSON', '{"command":', 'application/json', 400],
    ['nothing', '', 'application/json', 400],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 'application/json', 400],
    ['a form', 'command=ping', 'application/x-www-form-urlencoded', 415],
    ['plain text', '{"command":"ping"}', 'text/plain', 415],
    ['a poisoned prototype', '{"__proto__":{"command":"ping"}}', 'application/json', 400],
  ])('%s: the right answer', async (_, body, type, status) => {
    // A server that answers before it has read all of 10 MB may close on the writer.
    const answer = await post(body, type).catch((error: NodeJS.ErrnoException) => ({
      status: error.code === 'EPIPE' || error.code === 'ECONNRESET' ? 413 : 0,
    }))
    expect(answer.status).toBe(status)
    expect((await server.api('/healthz')).status).toBe(200)
  })

  test('a body that comes a byte at a time ends within its half minute, and headers that never end within ten seconds', {
    timeout: 60_000,
  }, async () => {
    const { host, port } = server.run.http
    const open = async (first: string): Promise<Socket> => {
      const socket = connect(port, host)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(first)
      return socket
    }
    const slowHeaders = await open('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
    const slowBody = await open(
      `POST /api/nodes/sim-1/commands HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`,
    )
    const drip = setInterval(() => {
      slowHeaders.write('x')
      slowBody.write(' ')
    }, 1_000)
    const ends = (socket: Socket) => once(socket.resume(), 'close')
    await Promise.all([ends(slowHeaders), ends(slowBody)])
    clearInterval(drip)
    expect((await server.api('/healthz')).status).toBe(200)
  })
})

test('10,000 event streams attempted: 500 are served, the rest told to come back, memory stays, everything else goes on', {
  timeout: 120_000,
}, async () => {
  const { host, port } = server.run.http
  const before = await memory()
  const sockets: Socket[] = []
  const answers = { 200: 0, 429: 0, closed: 0 }
  for (let i = 0; i < 10_000; i++) {
    const socket = connect(port, host)
    sockets.push(socket)
    let said = false
    socket.on('error', () => undefined)
    socket.once('data', data => {
      said = true
      const status = /^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]
      if (status === '200' || status === '429') answers[status]++
    })
    socket.once('close', () => {
      if (!said) answers.closed++
    })
    socket.write(`GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${server.token}\r\n\r\n`)
    if (i % 100 === 99) await new Promise(done => setImmediate(done))
  }
  const all = await until(
    'all are answered',
    async () => (answers[200] + answers[429] + answers.closed >= 10_000 ? answers : undefined),
    90_000,
  )
  expect(all[200]).toBe(500)
  expect(await memory()).toBeLessThan(before + 150 * 1024 * 1024)
  for (const socket of sockets) socket.destroy()
  await until('a stream is free again', async () => {
    const response = await fetch(`${server.url}/api/events`, { headers: auth() }).catch(() => undefined)
    await response?.body?.cancel()
    return response?.status === 200 ? true : undefined
  })
  const [node] = (await server.api('/api/nodes')).body.items
  expect(node).toMatchObject({ id: 'sim-1', state: 'online', rejected: 0 })
})
