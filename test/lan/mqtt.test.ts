import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { hasMosquitto } from '../broker/mosquitto.ts'
import { temporaryData, until } from '../espalier.ts'
import { type LanHouse, lanHouse, lanHouseIn, lanIp, mosquittoPub, run, strangers } from './house.ts'

/** MQTT over TLS as boards and other people's programs meet it: the real command, real clients. */

const pahoFile = fileURLToPath(new URL('paho_tls.py', import.meta.url))
const paho = async (house: LanHouse, kind: 'password' | 'cert', one: string, two: string, node: string, ca = house.caFile) =>
  (
    await run(
      ...(['/usr/bin/python3', pahoFile, kind, 'localhost', String(house.mqtts), ca, one, two] as const),
      `iot/node/${node}/telemetry`,
      `{"node_id":"node_${node}","sensors":{"t":2}}`,
    )
  ).stdout.trim()

const stored = (house: LanHouse, id: string) =>
  until(`a reading of ${id}`, async () => {
    const { body } = await house.api('/api/nodes')
    return body.items.find((node: { id: string; stored: number }) => node.id === id && node.stored > 0) as object | undefined
  })

test('run.json says where TLS is, and what only the owner may read is so', async () => {
  const house = await lanHouse()
  expect(house.run.mqtts).toEqual({ host: '0.0.0.0', port: house.mqtts })
  expect(house.run.https).toEqual({ host: '0.0.0.0', port: house.https })
  expect(house.run.mqtt.host).toBe('127.0.0.1')
  const mode = async (name: string) => ((await stat(join(house.data, name))).mode & 0o777).toString(8)
  expect(await mode('ca')).toBe('700')
  for (const file of ['ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem', 'crl.pem'])
    expect(await mode(`ca/${file}`)).toBe('600')
  const { body } = await house.api('/api/broker')
  expect(body.listeners.map((one: { tls: boolean; auth: string }) => [one.tls, one.auth])).toEqual([
    [false, 'anonymous or password'],
    [true, 'password or client certificate'],
  ])
  expect(await house.stop()).toBe(0)
})

test('the same CA after a restart: what boards were given goes on', async () => {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  const first = await lanHouseIn(dir)
  const ca = await readFile(first.caFile, 'utf8')
  const files = await first.certFiles('01')
  await first.stop()
  const second = await lanHouseIn(dir)
  expect(await readFile(second.caFile, 'utf8')).toBe(ca)
  expect(await paho(second, 'cert', files.cert, files.key, '01')).toBe('acknowledged')
})

test.skipIf(!hasMosquitto)('mosquitto_pub: a password or a certificate lets in, nothing else does', async () => {
  const house = await lanHouse()
  const { password } = await house.add('01')
  const own = await house.certFiles('02')
  const tls = ['-h', 'localhost', '--cafile', house.caFile]
  const byCert = ['--cert', own.cert, '--key', own.key]
  expect((await mosquittoPub(house.mqtts, '01', ...tls, '-u', '01', '-P', password)).code).toBe(0)
  expect((await mosquittoPub(house.mqtts, '02', ...tls, ...byCert)).code).toBe(0)
  // A certificate is a credential of its own: what else is said does not count (wire contract §1).
  expect((await mosquittoPub(house.mqtts, '02', ...tls, ...byCert, '-u', '01', '-P', 'wrong')).code).toBe(0)
  await stored(house, '01')
  await stored(house, '02')
  // 4: bad user name or password, 5: not authorised.
  expect((await mosquittoPub(house.mqtts, '01', ...tls, '-u', '01', '-P', 'wrong')).code).toBe(4)
  expect((await mosquittoPub(house.mqtts, '01', ...tls)).code).toBe(5)
  await house.api('/api/nodes/02/revoke', { method: 'POST' })
  expect((await mosquittoPub(house.mqtts, '02', ...tls, ...byCert)).code).toBe(5)
})

test.skipIf(!hasMosquitto)('a certificate of somebody else is refused, with a right password too', async () => {
  const house = await lanHouse()
  const foreign = await strangers('01')
  const { password } = await house.add('01')
  const tls = ['-h', 'localhost', '--cafile', house.caFile, '--cert', foreign.cert, '--key', foreign.key]
  expect((await mosquittoPub(house.mqtts, '01', ...tls)).code).toBe(5)
  expect((await mosquittoPub(house.mqtts, '01', ...tls, '-u', '01', '-P', password)).code).toBe(5)
  // The server's own certificate is no client's.
  const server = ['--cert', join(house.data, 'ca/server.pem'), '--key', join(house.data, 'ca/server-key.pem')]
  expect((await mosquittoPub(house.mqtts, '01', '-h', 'localhost', '--cafile', house.caFile, ...server)).code).toBe(5)
})

test.skipIf(!hasMosquitto)('a client that trusts another CA does not talk to us', async () => {
  const house = await lanHouse()
  const other = await strangers('01')
  const { password } = await house.add('01')
  const answer = await mosquittoPub(house.mqtts, '01', '-h', 'localhost', '--cafile', other.caFile, '-u', '01', '-P', password)
  expect(answer.code).not.toBe(0)
  expect(answer.stderr).toMatch(/TLS error|certificate verify failed|protocol error/i)
})

test.skipIf(!lanIp)('every address of this machine is in the certificate (needs a network)', async () => {
  const house = await lanHouse()
  const { password } = await house.add('01')
  for (const host of [lanIp!, '127.0.0.1', 'localhost'])
    expect((await mosquittoPub(house.mqtts, '01', '-h', host, '--cafile', house.caFile, '-u', '01', '-P', password)).code).toBe(0)
})

test('paho: password and certificate', async () => {
  const house = await lanHouse()
  const foreign = await strangers('02')
  const { password } = await house.add('01')
  const own = await house.certFiles('02')
  expect(await paho(house, 'password', '01', password, '01')).toBe('acknowledged')
  expect(await paho(house, 'password', '01', 'wrong', '01')).toBe('refused 4')
  expect(await paho(house, 'cert', own.cert, own.key, '02')).toBe('acknowledged')
  expect(await paho(house, 'cert', foreign.cert, foreign.key, '02')).toBe('refused 5')
  expect(await paho(house, 'password', '01', password, '01', foreign.caFile)).toMatch(/^tls .*VERIFY_FAILED/i)
})

test('mqtt.js gets a command over TLS and acknowledges it; revoking its certificate closes the session', async () => {
  const house = await lanHouse()
  const { cert, key, port } = await house.add('01', true)
  expect(port).toBe(house.mqtts)
  const ca = await readFile(house.caFile)
  const client = await connectAsync(`mqtts://localhost:${house.mqtts}`, { ca, cert, key, reconnectPeriod: 0 })
  onTestFinished(() => void client.end(true))
  const told = new Promise<string>(resolve => client.once('message', topic => resolve(topic)))
  await client.subscribeAsync('iot/node/01/command', { qos: 1 })
  await client.publishAsync('iot/node/01/status', '{"node_id":"node_01","online":true}', { qos: 1 })
  await house.api('/api/nodes/01/commands', {
    method: 'POST',
    body: '{"command":"ping"}',
    headers: { 'content-type': 'application/json' },
  })
  expect(await told).toBe('iot/node/01/command')
  const closed = new Promise<void>(resolve => client.once('close', () => resolve()))
  await house.api('/api/nodes/01/revoke', { method: 'POST' })
  await closed
})

test('TLS below 1.2 is not spoken', async () => {
  const house = await lanHouse()
  const ca = await readFile(house.caFile)
  const speak = (version: 'TLSv1.1' | 'TLSv1.2') =>
    new Promise<string>(resolve => {
      const socket = tlsConnect(
        { host: 'localhost', port: house.mqtts, ca, minVersion: 'TLSv1', maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
        () => resolve(socket.getProtocol() ?? ''),
      )
      socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? 'refused'))
      onTestFinished(() => void socket.destroy())
    })
  expect(await speak('TLSv1.1')).toMatch(/ALERT|PROTOCOL|ECONNRESET/)
  expect(await speak('TLSv1.2')).toBe('TLSv1.2')
})
