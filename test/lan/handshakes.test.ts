import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SecureContextOptions, type TLSSocket, connect as tlsConnect } from 'node:tls'
import mqttPacket from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BrokerNotice, Credentials } from '../../src/broker/broker.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { type Certificates, openCertificates } from '../../src/site/certificates/certificates.ts'
import { passwords, testBroker } from '../broker/broker.ts'
import { connectPacket, RawClient } from '../broker/client.ts'

/** The TLS listener under half-open handshakes, floods and odd certificates. */

let dir = ''
let certificates: Certificates
let context: SecureContextOptions

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-tls-'))
  certificates = await openCertificates({
    dir,
    clock: systemClock,
    clockSuspect: () => false,
    names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
    onTrouble: sentence => {
      throw new Error(sentence)
    },
  })
  const { cert, key } = certificates.server()
  context = { cert, key, ca: certificates.ca.pem }
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const listener = () => ({ host: '127.0.0.1', port: 0, anonymous: false, tls: context }) as const

function tcp(port: number): Promise<Socket & { gone: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const gone = new Promise<void>(done => socket.once('close', () => done()))
    socket.once('error', reject)
    socket.resume()
    onTestFinished(() => void socket.destroy())
    socket.once('connect', () => {
      socket.on('error', () => undefined)
      resolve(Object.assign(socket, { gone }))
    })
  })
}

function tls(port: number, more: SecureContextOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: '127.0.0.1', port, ca: certificates.ca.pem, ...more }, () => resolve(socket))
    socket.once('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

/** CONNECT over TLS; the CONNACK's code. */
async function logIn(port: number, user: { username?: string; password?: string }, more: SecureContextOptions = {}) {
  const client = new RawClient(await tls(port, more))
  client.send(connectPacket({ clientId: 'x', ...user }))
  return { client, code: (await client.expect('connack')).returnCode }
}
const right = { username: '01', password: passwords['01']! }

describe('half-open handshakes', () => {
  test('one that says nothing is closed after connectMs', async () => {
    const { port } = await testBroker({ listeners: [listener()], limits: { connectMs: 300 } })
    const socket = await tcp(port)
    await socket.gone
  })

  test('after the handshake, CONNECT has connectMs too', async () => {
    const { port } = await testBroker({ listeners: [listener()], limits: { connectMs: 300 } })
    const socket = await tls(port)
    await new Promise<void>(done => socket.once('close', () => done()))
  })

  test('they count as connections, on all listeners together', async () => {
    const { port, broker } = await testBroker({
      listeners: [listener(), { host: '127.0.0.1', port: 0, anonymous: true }],
      limits: { connections: 5 },
    })
    const half = []
    for (let i = 0; i < 5; i++) half.push(await tcp(port))
    const plain = await tcp(broker.ports[1]!)
    await plain.gone
    half[0]!.destroy()
    await half[0]!.gone
    const { code } = await once(() => logIn(port, right))
    expect(code).toBe(0)
  })

  test('under a flood of them the oldest goes, and a board still gets in', async () => {
    const { port } = await testBroker({ listeners: [listener()], limits: { handshakes: 20, connectMs: 60_000 } })
    const flood = []
    for (let i = 0; i < 200; i++) flood.push(await tcp(port))
    await Promise.all(flood.slice(0, 180).map(socket => socket.gone))
    expect(flood.slice(181).every(socket => !socket.destroyed)).toBe(true)
    expect((await logIn(port, right)).code).toBe(0)
  })

  test('the broker closes without waiting for them', async () => {
    const { port, broker } = await testBroker({ listeners: [listener()], limits: { connectMs: 60_000 } })
    const socket = await tcp(port)
    await Promise.all([broker.close(), socket.gone])
  })

  test('garbage and plain MQTT end the socket, and a notice says so', async () => {
    const notices: BrokerNotice[] = []
    const { port } = await testBroker({ listeners: [listener()], onNotice: notice => notices.push(notice) })
    const socket = await tcp(port)
    socket.write(mqttPacket.generate(connectPacket({ clientId: 'x' })))
    await socket.gone
    expect(notices).toMatchObject([{ kind: 'refused', why: 'tls' }])
  })
})

describe('certificates', () => {
  test('what was shown is handed to authenticate, and nothing of the CONNECT', async () => {
    const asked: Credentials[] = []
    const { port } = await testBroker(
      { listeners: [listener()] },
      {
        authenticate: async shown => {
          asked.push(shown)
          return shown.certificate?.cn === '07' ? { role: 'node', user: '07' } : null
        },
      },
    )
    const { cert, key, serial, fingerprint } = await certificates.issue('07')
    const { client, code } = await logIn(port, { username: '01', password: 'x' }, { cert, key })
    expect(code).toBe(0)
    await client.publish('iot/node/07/telemetry', '{}')
    expect(asked).toMatchObject([{ user: '07', certificate: { cn: '07', serial, fingerprint } }])
    expect(asked[0]!.password).toHaveLength(0)
    const other = await certificates.issue('08')
    expect((await logIn(port, right, other)).code).toBe(5)
  })

  test('the same name from another CA is refused and told', async () => {
    const notices: BrokerNotice[] = []
    const foreignDir = await mkdtemp(join(tmpdir(), 'espalier-tls-'))
    onTestFinished(() => rm(foreignDir, { recursive: true, force: true }))
    const foreign = await openCertificates({
      dir: foreignDir,
      clock: systemClock,
      clockSuspect: () => false,
      names: () => ({ dns: ['localhost'], ips: [] }),
      onTrouble: () => undefined,
    })
    const { cert, key } = await foreign.issue('01')
    const { port } = await testBroker({ listeners: [listener()], onNotice: notice => notices.push(notice) })
    expect((await logIn(port, right, { cert, key })).code).toBe(5)
    expect(notices).toMatchObject([{ kind: 'refused', why: 'credentials', got: expect.any(String) }])
  })

  test('a session that TLS resumes is judged again: revoked means out', async () => {
    let revoked = false
    const { port } = await testBroker(
      { listeners: [listener()] },
      { authenticate: async ({ user }) => (revoked ? null : { role: 'node', user }) },
    )
    const { cert, key } = await certificates.issue('07')
    const first = await tls(port, { cert, key, maxVersion: 'TLSv1.2' })
    const session = first.getSession()!
    const resumed = await new Promise<TLSSocket>((resolve, reject) => {
      const socket = tlsConnect(
        { host: '127.0.0.1', port, ca: certificates.ca.pem, cert, key, maxVersion: 'TLSv1.2', session },
        () => resolve(socket),
      )
      socket.once('error', reject)
      onTestFinished(() => void socket.destroy())
    })
    expect(resumed.isSessionReused()).toBe(true)
    revoked = true
    const client = new RawClient(resumed)
    client.send(connectPacket({ clientId: 'x' }))
    expect((await client.expect('connack')).returnCode).toBe(5)
  })
})

describe('a new certificate', () => {
  test('is what handshakes get from then on; an open session goes on', async () => {
    const { port, broker, accepted } = await testBroker({ listeners: [listener()] })
    const { client } = await logIn(port, right)
    const before = (client.socket as TLSSocket).getPeerCertificate().fingerprint256
    const newDir = await mkdtemp(join(tmpdir(), 'espalier-tls-'))
    onTestFinished(() => rm(newDir, { recursive: true, force: true }))
    const fresh = await openCertificates({
      dir: newDir,
      clock: systemClock,
      clockSuspect: () => false,
      names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
      onTrouble: () => undefined,
    })
    const { cert, key, fingerprint } = fresh.server()
    broker.secure({ cert, key, ca: fresh.ca.pem })
    const later = await tls(port, { ca: fresh.ca.pem })
    expect(later.getPeerCertificate().fingerprint256).toBe(fingerprint)
    expect(before).not.toBe(fingerprint)
    await client.publish('iot/node/01/telemetry', '{}')
    expect(accepted).toHaveLength(1)
  })
})

/** The place of the socket that went is free in a moment. */
async function once<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await new Promise(done => setTimeout(done, 10))
    }
  }
}
