import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { hostname } from 'node:os'
import { connect as tlsConnect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { cli } from '../espalier.ts'
import { type LanHouse, lanHouse, lanIp, overTls, strangers } from './house.ts'

/** Page and API over TLS: the same answers, and what TLS adds. */

const bearer = (house: LanHouse) => ({ authorization: `Bearer ${house.token}` })
const json = { 'content-type': 'application/json' }

test('page and API are the same as over HTTP, to whoever trusts the CA and has the token', async () => {
  const house = await lanHouse()
  expect((await overTls(house, '/')).status).toBe(200)
  expect((await overTls(house, '/healthz')).status).toBe(200)
  expect((await overTls(house, '/api/nodes')).status).toBe(401)
  const { status, text } = await overTls(house, '/api/nodes', { headers: bearer(house) })
  expect([status, JSON.parse(text)]).toEqual([200, (await house.api('/api/nodes')).body])
  const { caFile } = await strangers('01')
  await expect(overTls({ https: house.https, caFile }, '/')).rejects.toThrow(/certificate|signature/)
})

test('GET /api/connect says what a board needs', async () => {
  const house = await lanHouse('--public-host', 'garden.example.org')
  const { body } = await house.api('/api/connect')
  expect(body).toEqual({
    host: 'garden.example.org',
    mqtts_port: house.mqtts,
    mqtt_port: null,
    ca: await readFile(house.caFile, 'utf8'),
    ca_sha256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
  })
})

test('a phone gets the CA without the token, whatever it says it accepts', async () => {
  const house = await lanHouse()
  const { status, headers, text } = await overTls(house, '/ca.pem', { headers: { accept: 'text/html,*/*' } })
  expect([status, headers['content-type']]).toEqual([200, 'application/x-x509-ca-cert'])
  expect(text).toBe(await readFile(house.caFile, 'utf8'))
})

test('it is served under the names of this machine and under no other', async () => {
  const house = await lanHouse('--public-host', 'garden.example.org')
  const first = hostname().split('.')[0]!.toLowerCase()
  const at = async (host: string, servername?: string) => {
    const { status } = await overTls(house, '/healthz', {
      headers: { host: `${host}:${house.https}` },
      ...(servername && { servername }),
    })
    return status
  }
  for (const name of ['localhost', '127.0.0.1', first, `${first}.local`, 'garden.example.org'])
    expect([name, await at(name)]).toEqual([name, 200])
  for (const name of ['evil.example', `${first}.evil.example`]) expect([name, await at(name, 'localhost')]).toEqual([name, 403])
})

test('the session cookie never leaves without TLS, and a page of the same name without TLS may not write', async () => {
  const house = await lanHouse()
  const body = JSON.stringify({ token: house.token })
  const signIn = (origin: string) =>
    overTls(house, '/api/session', { method: 'POST', body, headers: { ...json, origin, host: `localhost:${house.https}` } })
  const { status, headers } = await signIn(`https://localhost:${house.https}`)
  expect(status).toBe(204)
  expect(headers['set-cookie']?.[0]).toMatch(/; Secure/)
  expect(headers['set-cookie']?.[0]).toMatch(/HttpOnly/)
  const cookie = headers['set-cookie']![0]!.split(';')[0]!
  expect((await overTls(house, '/api/nodes', { headers: { cookie } })).status).toBe(200)
  expect((await signIn(`http://localhost:${house.https}`)).status).toBe(403)
  // Over HTTP on the loopback there is no TLS to insist on.
  const plain = await fetch(`${house.url}/api/session`, { method: 'POST', body, headers: json })
  expect(plain.headers.get('set-cookie')).not.toMatch(/Secure/)
})

test.skipIf(!lanIp)('/metrics wants the token from the LAN, and none from this machine (needs a network)', async () => {
  const house = await lanHouse()
  expect((await overTls(house, '/metrics', { host: lanIp! })).status).toBe(401)
  expect((await overTls(house, '/metrics', { host: lanIp!, headers: bearer(house) })).status).toBe(200)
  expect((await overTls(house, '/metrics')).status).toBe(200)
})

test('an event stream over TLS brings events and ends when the server stops', async () => {
  const house = await lanHouse()
  const ca = await readFile(house.caFile)
  const sent = request({ host: 'localhost', port: house.https, path: '/api/events', ca, headers: bearer(house), agent: false })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  answer.setEncoding('utf8').on('data', piece => (text += piece))
  await house.add('01')
  await house.cli('pub', 'iot/node/01/telemetry', '{"node_id":"node_01","sensors":{"t":1}}')
  while (!text.includes('event: readings')) await once(answer, 'data')
  const ended = once(answer, 'end')
  expect(await house.stop()).toBe(0)
  await ended
})

test('connections that never finish the handshake keep nobody out and end with the server', async () => {
  const house = await lanHouse()
  const ca = await readFile(house.caFile)
  const { createConnection } = await import('node:net')
  const half = Array.from({ length: 2_100 }, () =>
    createConnection({ host: '127.0.0.1', port: house.https }).on('error', () => undefined),
  )
  onTestFinished(() => half.forEach(socket => void socket.destroy()))
  await Promise.all(half.map(socket => once(socket, 'connect')))
  expect((await overTls(house, '/healthz')).status).toBe(200)
  const old = tlsConnect({
    host: 'localhost',
    port: house.https,
    ca,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  expect(((await once(old, 'error')) as [NodeJS.ErrnoException])[0].code).toMatch(/ALERT|PROTOCOL|ECONNRESET/)
  expect(await house.stop()).toBe(0)
})

test('the command line over HTTPS: by the data directory, by ESPALIER_CA, and not without either', async () => {
  const house = await lanHouse('--sim', '1')
  const url = `https://localhost:${house.https}`
  const byData = await house.cli('nodes', '--json', '--url', url)
  expect([byData.code, byData.stderr]).toEqual([0, ''])
  expect(byData.json()).toMatchObject([{ id: 'sim-1' }])
  const elsewhere = { ESPALIER_TOKEN: house.token, ESPALIER_URL: url }
  const data = `${house.data}-nowhere`
  const byFile = await cli(['watch', '--count', '1', '--json'], { data, env: { ...elsewhere, ESPALIER_CA: house.caFile } })
  expect([byFile.code, byFile.json().node]).toEqual([0, 'sim-1'])
  const exported = await cli(['export', '--format', 'jsonl'], { data, env: { ...elsewhere, ESPALIER_CA: house.caFile } })
  expect(exported.stdout).toContain('"node":"sim-1"')
  const without = await cli(['nodes'], { data, env: elsewhere })
  expect([without.code, without.stderr]).toEqual([5, expect.stringContaining('ESPALIER_CA=FILE')])
  const wrong = await cli(['nodes'], { data, env: { ...elsewhere, ESPALIER_CA: '/nonexistent/ca.pem' } })
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('ESPALIER_CA')])
})
