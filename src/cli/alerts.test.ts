import { afterEach, beforeEach, expect, test } from 'vitest'
import { cli, type FakeServer, fakeServer, json, page, problem } from './suite.ts'

let server: FakeServer
let env: Record<string, string>
beforeEach(async () => {
  server = await fakeServer()
  env = { ESPALIER_URL: server.url, ESPALIER_DATA: '/nonexistent' }
})
afterEach(() => server.close())

const alert = {
  id: '01A',
  rule: 'hot',
  kind: 'threshold',
  node: '01',
  sensor: 'temperature',
  state: 'firing',
  since: 1_767_000_000_000,
  fired_at: 1_767_000_000_000,
  resolved_at: null,
  value: 40,
  detail: 'temperature is 40; allowed: up to 35',
  silenced_until: 1_767_100_000_000,
  notified: [{ channel: 'phone', event: 'firing', time: 1_767_000_001_000, ok: false, detail: 'HTTP 401' }],
}

test.each([['alerts'], ['alerts rules'], ['alerts channels'], ['alerts silence'], ['alerts test'], ['audit']])(
  '%s --help has examples',
  async command => {
    const { exit, out } = await cli([...command.split(' '), '--help'])
    expect(exit).toBe(0)
    expect(out).toContain(`$ espalier ${command}`)
  },
)

test('alerts are shown with what is wrong, since when, and who was told; or as the API gives them', async () => {
  server.on('GET /api/alerts', page([alert]))
  const people = await cli(['alerts', '--node', '01', '--state', 'firing'], { env })
  for (const part of ['● firing', 'hot', '01 temperature', 'allowed: up to 35', 'silenced until', 'phone: not told', 'HTTP 401'])
    expect(people.out).toContain(part)
  expect([...server.seen[0]!.query]).toEqual([
    ['node', '01'],
    ['state', 'firing'],
    ['limit', '100'],
  ])
  expect(JSON.parse((await cli(['alerts', '--json'], { env })).out)).toEqual([alert])
  server.on('GET /api/alerts', page([]))
  expect((await cli(['alerts'], { env })).out).toBe('All is well.\n')
  expect((await cli(['alerts', '--state', 'angry'], { env })).exit).toBe(2)
})

test('a test exits 0 when it got through, 3 when not, 6 for no such channel', async () => {
  server.on('POST /api/alerts/channels/phone/test', json({ channel: 'phone', ok: true, detail: 'HTTP 200' }))
  server.on('POST /api/alerts/channels/mail/test', json({ channel: 'mail', ok: false, detail: 'no answer in time' }))
  server.on('POST /api/alerts/channels/pager/test', problem(404, 'not_found', 'no channel is called "pager"'))
  expect((await cli(['alerts', 'test', 'phone'], { env })).exit).toBe(0)
  const failed = await cli(['alerts', 'test', 'mail'], { env })
  expect(failed).toMatchObject({ exit: 3, out: 'not delivered  mail: no answer in time\n' })
  expect((await cli(['alerts', 'test', 'pager'], { env })).exit).toBe(6)
})

test('a silence has a rule, perhaps a node, and a time', async () => {
  server.on('POST /api/alerts/silences', (_, response) => void response.writeHead(204).end())
  const { exit, out } = await cli(['alerts', 'silence', 'hot', '01', '--for', '90m', '--json'], { env })
  expect(exit).toBe(0)
  expect(JSON.parse(out)).toEqual({ rule: 'hot', node: '01', silenced_until: 1_767_225_600_000 + 5_400_000 })
  expect(server.seen[0]!.body).toEqual({ rule: 'hot', node: '01', seconds: 5_400 })
  expect((await cli(['alerts', 'silence', 'hot', '--for', '0'], { env })).out).toBe('hot is told again\n')
  expect((await cli(['alerts', 'silence', 'hot', '--for', 'ever'], { env })).exit).toBe(2)
})

test('rules and channels are tables with where each comes from', async () => {
  const rule = {
    name: 'loss',
    kind: 'loss',
    text: '1 reading lost within 60 min',
    from: 'default',
    nodes: 'all',
    channels: [],
    firing: 2,
    silenced_until: null,
  }
  server.on('GET /api/alerts/rules', page([rule]))
  expect((await cli(['alerts', 'rules'], { env })).out).toMatch(/loss +1 reading lost within 60 min +all +- +2 +- +default/)
  const channel = {
    name: 'phone',
    type: 'ntfy',
    target: 'https://ntfy.sh/gar…',
    from: 'e.yaml:3',
    last: { time: 1_767_000_000_000, ok: true, detail: 'HTTP 200' },
  }
  server.on('GET /api/alerts/channels', page([channel]))
  expect((await cli(['alerts', 'channels'], { env })).out).toMatch(
    /phone +ntfy +https:\/\/ntfy\.sh\/gar… +e\.yaml:3 +told .*HTTP 200/,
  )
})

test('the audit log says who, what, to what, and what came of it', async () => {
  const entry = {
    id: '1',
    time: 1_767_000_000_000,
    who: 'token',
    address: '10.0.0.5',
    action: 'node.add',
    subject: '01',
    outcome: 'done',
    detail: 'with a password',
  }
  server.on('GET /api/audit', json({ items: [entry], next: null, kept: 1, dropped: 0 }))
  const { out } = await cli(['audit', '--action', 'node', '--subject', '01'], { env })
  expect(out).toMatch(/token 10\.0\.0\.5 +node\.add +01 +done +with a password/)
  expect([...server.seen[0]!.query]).toEqual([
    ['action', 'node'],
    ['subject', '01'],
    ['limit', '100'],
  ])
  expect(JSON.parse((await cli(['audit', '--json'], { env })).out)).toEqual([entry])
})
