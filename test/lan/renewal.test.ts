import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { connectAsync } from 'mqtt'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import type { UpOptions } from '../../src/config/config.ts'
import { openHttp } from '../../src/http/http.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import { openLan } from '../../src/manager/lan.ts'
import { passwords, testBroker } from '../broker/broker.ts'
import { fakeParts, token } from '../http/fake-parts.ts'

/** The server's certificate made anew under a running house, on a clock of the test's own. */

const dayMs = 86_400_000

async function house(clock: ManualClock) {
  const data = await mkdtemp(join(tmpdir(), 'espalier-lan-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  const options = {
    data,
    lan: true,
    insecure: false,
    broker: 'embedded',
    mqttHost: '127.0.0.1',
    mqttPort: 0,
    mqttsPort: 0,
    httpsPort: 0,
    publicHost: null,
  }
  const lan = await openLan({
    options: options as UpOptions,
    clock,
    clockSuspect: () => false,
    log: pino({ level: 'silent' }),
  })
  const mqtt = await testBroker({ listeners: lan.listeners })
  const { parts } = fakeParts()
  const http = await openHttp(parts)
  onTestFinished(() => http.close())
  const { mqtts, https } = await lan.serve(mqtt.broker, http)
  onTestFinished(() => lan.close())
  const ca = lan.connect().ca!
  return { lan, mqtt, http, parts, ca, mqtts: mqtts!.port, https: https!.port }
}

const shownAt = (port: number, ca: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = tlsConnect({ host: 'localhost', port, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.once('error', reject)
  })

test('MQTT sessions and event streams stay open over a renewal; whoever comes next sees the new certificate', async () => {
  // Far enough back that the certificate is due today, by the machine's real clock still good.
  const clock = new ManualClock(Date.now() - 280 * dayMs)
  const { lan, mqtt, ca, mqtts, https, parts } = await house(clock)
  const before = lan.certificates().find(({ name }) => name === 'server')!
  expect(await shownAt(mqtts, ca)).toBe(before.fingerprint)
  expect(await shownAt(https, ca)).toBe(before.fingerprint)

  const board = await connectAsync(`mqtts://localhost:${mqtts}`, {
    ca,
    username: '01',
    password: passwords['01']!,
    reconnectPeriod: 0,
  })
  onTestFinished(() => void board.end(true))
  let dropped = false
  board.once('close', () => (dropped = true))
  const headers = { authorization: `Bearer ${token}` }
  const stream = secureRequest({ host: 'localhost', port: https, path: '/api/events', ca, headers, agent: false }).end()
  const [events] = (await once(stream, 'response')) as [IncomingMessage]
  await once(events.setEncoding('utf8'), 'data')

  await lan.look()
  expect(await shownAt(mqtts, ca)).toBe(before.fingerprint) // nothing is due yet
  clock.advance(280 * dayMs)
  await lan.look()
  const after = lan.certificates().find(({ name }) => name === 'server')!
  expect(after.fingerprint).not.toBe(before.fingerprint)
  expect(after.expires).toBeGreaterThan(before.expires)
  expect(await shownAt(mqtts, ca)).toBe(after.fingerprint)
  expect(await shownAt(https, ca)).toBe(after.fingerprint)

  await board.publishAsync('iot/node/01/telemetry', '{}', { qos: 1 })
  expect(mqtt.accepted).toHaveLength(1)
  parts.events.publish({ type: 'presence', data: { node: '01', state: 'online', time: 1 } })
  expect(await once(events, 'data')).toEqual([expect.stringContaining('event: presence')])
  expect(dropped).toBe(false)
})

test('the plain listener stays as it is beside the others', async () => {
  const { http, mqtt } = await house(new ManualClock(Date.now()))
  expect(http.host).toBe('127.0.0.1')
  expect(mqtt.broker.health().listeners.map(({ host, tls }) => [host, tls])).toEqual([
    ['127.0.0.1', false],
    ['0.0.0.0', true],
  ])
  const asked = request({ host: '127.0.0.1', port: http.port, path: '/healthz' }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  answer.resume()
})
