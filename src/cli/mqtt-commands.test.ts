import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { portOwner } from './port-owner.ts'
import { cli } from './suite.ts'

/** pub, sub and simulate against a foreign broker that knows `_manager` by its secret. */
let data: string
let aedes: Aedes
let server: Server
let sockets: Set<Socket>
let users: string[]
const port = (): number => (server.address() as AddressInfo).port

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'espalier-cli-'))
  users = []
  aedes = await Aedes.createBroker()
  aedes.authenticate = (_, user, password, done) => {
    users.push(user ?? '')
    done(null, user === undefined || (user === '_manager' && password?.toString() === 'the secret'))
  }
  server = createServer(aedes.handle)
  sockets = new Set()
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  await writeFile(join(data, 'run.json'), JSON.stringify({ mqtt: { host: '127.0.0.1', port: port() } }))
  await writeFile(join(data, 'manager-secret'), 'the secret\n')
})
afterEach(async () => {
  await new Promise<void>(done => aedes.close(() => done()))
  await new Promise<void>(done => server.close(() => done()))
  await rm(data, { recursive: true })
})

const run = (...words: string[]) => cli([...words, '--data', data])
const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
const publish = (topic: string, payload: string | Buffer, retain = false): Promise<void> =>
  new Promise((done, fail) =>
    aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, error => (error ? fail(error) : done())),
  )

describe('pub', () => {
  test('publishes as _manager, and retained when told to', async () => {
    expect(await run('pub', 'iot/garden/lamp', 'on', '--retain', '--json')).toMatchObject({ exit: 0, err: '' })
    expect(users).toEqual(['_manager'])
    const { out } = await run('sub', 'iot/garden/#', '--count', '1', '--json')
    expect(lines(out)).toEqual([{ topic: 'iot/garden/lamp', payload: 'on', qos: 1, retain: true, time: 1_767_225_600_000 }])
  })

  test('refuses topics with wildcards and topics that the broker would forward to nobody', async () => {
    for (const topic of ['iot/#', 'iot/+/x', 'garden/lamp', 'iot', '']) expect((await run('pub', topic, 'x')).exit).toBe(2)
    expect(users).toEqual([])
  })

  test('with a wrong secret exits 5', async () => {
    await writeFile(join(data, 'manager-secret'), 'another\n')
    const { exit, err } = await run('pub', 'iot/a', 'x')
    expect(exit).toBe(5)
    expect(err).toMatch(/^error secret_refused/)
  })
})

describe('sub', () => {
  test('gives bytes that are no text in base64', async () => {
    await publish('raw', Buffer.from([0xff, 0xfe]), true)
    const [message] = lines((await run('sub', 'raw', '--count', '1', '--json')).out)
    expect(message).toMatchObject({ topic: 'raw', payload_base64: '//4=' })
    expect(message).not.toHaveProperty('payload')
  })

  test('shows topic and payload to people', async () => {
    await publish('a/b', 'hello', true)
    expect((await run('sub', '#', '--count', '1')).out).toMatch(/^\d{4}-.* a\/b retained {2}hello\n$/)
  })

  test('ends after --for, with exit 4 when it still waited for messages', async () => {
    expect((await run('sub', 'silence', '--for', '50ms')).exit).toBe(0)
    expect((await run('sub', 'silence', '--for', '50ms', '--count', '1')).exit).toBe(4)
  })

  test.each(['', 'iot/#/x', 'iot/a#', 'iot/+a'])('of %j, which is no filter, exits 2', async filter => {
    for (const words of [
      ['sub', filter, '--count', '1'],
      ['log', '--dir', join(tmpdir(), 'espalier-never-made'), '--topic', filter],
    ]) {
      const { exit, err } = await run(...words)
      expect(exit).toBe(2)
      expect(err).toContain('allowed: levels joined by /')
    }
  })

  test('of a filter that is not granted exits 3 and says what is allowed', async () => {
    aedes.authorizeSubscribe = (_client, _filter, done) => done(null, null)
    const { exit, err } = await run('sub', 'secret/#')
    expect(exit).toBe(3)
    expect(err).toContain("espalier sub 'iot/#'")
  })

  test('exits 5 when the broker goes away', async () => {
    const waiting = run('sub', 'silence')
    aedes.once('subscribe', () => {
      for (const socket of sockets) socket.destroy()
    })
    expect((await waiting).exit).toBe(5)
  })
})

test('simulate reports what its nodes did', async () => {
  const { exit, out } = await run('simulate', '--nodes', '2', '--rate', '20/s', '--for', '500ms', '--json', '--keep', 'puback')
  expect(exit).toBe(0)
  const report = JSON.parse(out)
  expect(Object.keys(report)).toEqual([
    'nodes',
    'attempted',
    'acknowledged',
    'receipted',
    'dropped',
    'commands_executed',
    'seconds',
  ])
  expect(report).toMatchObject({ nodes: 2, acknowledged: report.attempted, receipted: 0, dropped: 0, commands_executed: {} })
  expect(report.attempted).toBeGreaterThan(0)
})

// /proc is Linux's.
test.runIf(process.platform === 'linux')('the process that listens on a port is found', () => {
  expect(portOwner(port())).toMatchObject({ pid: process.pid, command: expect.stringContaining('node') })
  expect(portOwner(1)).toBeUndefined()
})
