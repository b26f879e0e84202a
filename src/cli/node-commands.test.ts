import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cli, type FakeServer, fakeServer, json, nodeView, problem } from './suite.ts'

let server: FakeServer
beforeAll(async () => {
  server = await fakeServer()
})
afterAll(() => server.close())
beforeEach(() => void server.seen.splice(0))

const at = (...words: string[]) => ['--url', server.url, ...words]
const lan = {
  host: '192.168.1.5',
  mqtts_port: 8883,
  mqtt_port: null,
  ca: '-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n',
  ca_sha256: 'ab:cd',
}
const loopback = { host: '127.0.0.1', mqtts_port: null, mqtt_port: null, ca: null, ca_sha256: null }
const password = { id: '01', username: '01', password: 'secret123' }
const certificate = { id: '01', cert: 'CERT\n', key: 'KEY\n', ca: 'CA\n', port: 8883 }

const house = (connect: object, credential: object = password) => {
  server.on('GET /api/connect', json(connect))
  server.on('POST /api/nodes', json(credential, 201))
  server.on('POST /api/nodes/01/rotate', json(credential))
}

describe('node add', () => {
  test('--json is the credential and nothing else', async () => {
    house(lan)
    const run = await cli(at('node', 'add', '01', '--name', 'Kitchen', '--json'))
    expect(JSON.parse(run.out)).toEqual(password)
    expect(run.exit).toBe(0)
    expect(server.seen.at(-1)!.body).toEqual({ id: '01', name: 'Kitchen' })
  })

  test('--cert asks for a certificate', async () => {
    house(lan, certificate)
    const run = await cli(at('node', 'add', '01', '--cert', '--json'))
    expect(JSON.parse(run.out)).toEqual(certificate)
    expect(server.seen.at(-1)!.body).toEqual({ id: '01', cert: true })
  })

  test('for people: the password, and where it is used', async () => {
    house(lan)
    const { out, err } = await cli(at('node', 'add', '01'))
    expect(out).toContain('secret123')
    expect(out).toContain('mqtts://192.168.1.5:8883')
    expect(out).toContain('ca/ca.pem')
    expect(err).toContain('shown once')
  })

  test('--cert where only this machine is listened to: says how to get the CA, and makes nothing', async () => {
    house(loopback, certificate)
    const run = await cli(at('node', 'add', '01', '--cert'))
    expect(run.exit).toBe(2)
    expect(run.err).toContain('espalier up --lan')
    expect(run.err).not.toContain('rotate')
    expect(server.seen.map(({ method }) => method)).not.toContain('POST')
  })

  test('the id of a virtual node: another id, and nothing else', async () => {
    house(lan)
    server.on('POST /api/nodes', problem(409, 'state_conflict', 'sim-1 is a virtual node of this server'))
    server.on('GET /api/nodes/sim-1', json(nodeView('sim-1', { virtual: true })))
    const run = await cli(at('node', 'add', 'sim-1'))
    expect(run.exit).toBe(2)
    expect(run.err).toContain('try: another id')
    expect(run.err).not.toContain('rotate')
  })

  test('again: exit 2 with the way to a new credential', async () => {
    house(lan)
    server.on('POST /api/nodes', problem(409, 'state_conflict', '01 has a credential already'))
    const run = await cli(at('node', 'add', '01'))
    expect(run.exit).toBe(2)
    expect(run.err).toContain('espalier node rotate 01')
  })

  test('an id that is none is refused before the server is asked', async () => {
    const run = await cli(at('node', 'add', 'my board'))
    expect(run.exit).toBe(2)
    expect(server.seen).toEqual([])
  })

  test('a sketch without --lan says so, and makes no credential', async () => {
    house(loopback)
    for (const flag of ['--sketch', '--python', '--qr']) {
      const run = await cli(at('node', 'add', '01', flag))
      expect(run.exit, flag).toBe(2)
      expect(run.err, flag).toContain('espalier up --lan')
    }
    expect(server.seen.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('--sketch: stdout is the sketch, with host, port, CA and secret; TLS only where it is', async () => {
    house(lan)
    const { out } = await cli(at('node', 'add', '01', '--sketch'))
    for (const part of ['"192.168.1.5"', '8883', '"secret123"', '-----BEGIN CERTIFICATE-----', 'YOUR-WIFI-NAME', 'setCACert'])
      expect(out).toContain(part)
    house({ ...lan, mqtt_port: 1883 })
    const plain = await cli(at('node', 'rotate', '01', '--sketch', '--no-tls'))
    expect(plain.out).not.toContain('CERTIFICATE')
    expect(plain.out).toContain('brokerPort = 1883')
    house(lan)
    expect((await cli(at('node', 'rotate', '01', '--sketch', '--no-tls'))).err).toContain('espalier up --lan --insecure')
  })

  test('--qr holds credential and address', async () => {
    house(lan)
    const { out } = await cli(at('node', 'add', '01', '--qr', '--json'))
    expect(JSON.parse(JSON.parse(out).qr)).toEqual({
      ...password,
      host: '192.168.1.5',
      port: 8883,
      tls: true,
      ca_sha256: 'ab:cd',
    })
    expect((await cli(at('node', 'add', '01', '--qr'))).out).toMatch(/[▀▄█]{10}/)
    expect((await cli(at('node', 'add', '01', '--qr', '--cert'))).exit).toBe(2)
  })
})

describe('changes', () => {
  beforeEach(() => {
    server.on('GET /api/nodes/01', json(nodeView('01', { tags: ['old', 'kept'] })))
    server.on('PATCH /api/nodes/01', (request, response) => json(nodeView('01', request.body))(request, response))
    server.on('DELETE /api/nodes/01', (_, response) => void response.writeHead(204).end())
    server.on('POST /api/nodes/01/revoke', json({ id: '01', revoked: 1 }))
    server.on('POST /api/nodes/01/claim', json(nodeView('01', { claimed: true })))
  })

  test.each(['revoke', 'remove'])('%s wants --yes where nobody can be asked, and a yes where somebody can', async word => {
    const unasked = await cli(at('node', word, '01'))
    expect([unasked.exit, unasked.err]).toEqual([2, expect.stringContaining('--yes')])
    const no = await cli(at('node', word, '01'), { ask: async () => 'n' })
    expect([no.exit, no.err]).toEqual([3, expect.stringContaining('nothing was changed')])
    expect(server.seen.every(({ method }) => method === 'GET')).toBe(true)
    expect((await cli(at('node', word, '01'), { ask: async () => 'y' })).exit).toBe(0)
    expect((await cli(at('node', word, '01', '--yes', '--json'))).exit).toBe(0)
  })

  test('remove deletes the history unless told to keep it', async () => {
    expect(JSON.parse((await cli(at('node', 'remove', '01', '--yes', '--json'))).out)).toEqual({
      id: '01',
      removed: true,
      history: 'delete',
    })
    expect(server.seen.at(-1)!.query.get('history')).toBe('delete')
    await cli(at('node', 'remove', '01', '--yes', '--keep-history'))
    expect(server.seen.at(-1)!.query.get('history')).toBe('keep')
  })

  test('rename, claim', async () => {
    expect(JSON.parse((await cli(at('node', 'rename', '01', 'Green house', '--json'))).out)).toMatchObject({
      id: '01',
      name: 'Green house',
    })
    expect(server.seen.at(-1)!.body).toEqual({ name: 'Green house' })
    expect(JSON.parse((await cli(at('node', 'claim', '01', '--json'))).out)).toMatchObject({ claimed: true })
  })

  test('tags are added and taken away', async () => {
    const run = await cli(at('node', 'tag', '01', '+new', '-old', '--json'))
    expect(run.err).toBe('')
    expect(JSON.parse(run.out).tags).toEqual(['kept', 'new'])
    expect((await cli(at('node', 'tag', '01', 'new'))).exit).toBe(2)
  })

  test('a node that is not there: exit 6', async () => {
    server.on('GET /api/nodes/none', problem(404, 'not_found', 'no node has the id "none"'))
    for (const words of [
      ['remove', 'none', '--yes'],
      ['tag', 'none', '+x'],
      ['claim', 'none'],
      ['rename', 'none', 'x'],
      ['revoke', 'none', '--yes'],
      ['rotate', 'none'],
      ['rotate', 'none', '--yes'],
    ])
      expect((await cli(at('node', ...words))).exit, words[0]).toBe(6)
  })
})
