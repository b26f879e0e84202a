import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReceiver, type Receiver } from '../alerts/receiver.ts'
import { cli, temporaryData, type Up, up } from '../espalier.ts'

/** A person writes a rule and a channel into espalier.yaml, and a board gets hot. */
let data: Awaited<ReturnType<typeof temporaryData>>
let receiver: Receiver
let server: Up | undefined

beforeEach(async () => {
  data = await temporaryData()
  receiver = await openReceiver()
  await configure()
})
afterEach(async () => {
  await server?.stop()
  server = undefined
  await receiver.close()
  await data.remove()
})

const configure = (more = ''): Promise<void> =>
  writeFile(
    join(data.dir, 'espalier.yaml'),
    `alerts:
  channels:
    hook: { type: webhook, url: ${receiver.url}/hook }
    nobody: { type: ntfy, server: http://127.0.0.1:9, topic: garden }
  rules:
    - { name: hot, kind: threshold, sensor: temperature, above: 30, clear: 28, resolve_after: 1s, channels: [hook] }
${more}`,
  )

async function start(): Promise<Up> {
  server = await up(data.dir)
  return server
}

/** The board says these, one after the other, each acknowledged before the next. */
async function say(...values: number[]): Promise<void> {
  const { host, port } = server!.run.mqtt
  const board = await mqtt.connectAsync({ host, port, clientId: 'board', reconnectPeriod: 0 })
  for (const temperature of values)
    await board.publishAsync('iot/node/01/telemetry', JSON.stringify({ node_id: 'node_01', sensors: { temperature } }), {
      qos: 1,
    })
  await board.endAsync()
}
const told = (): string[] => receiver.got.map(({ body }) => `${body.event} ${body.alert?.rule}`)
const alerts = async () => (await server!.api('/api/alerts')).body.items
const settled = (state: string) =>
  expect.poll(async () => (await alerts())[0]?.notified[0]?.event, { timeout: 20_000 }).toBe(state)

test('a hot board is told once, however it flaps, over kill -9, and its end once', async () => {
  await start()
  await say(...Array.from({ length: 100 }, (_, i) => (i % 2 ? 20 : 40)), 40)
  await receiver.count(1)
  await settled('firing')
  for (let i = 0; i < 2; i++) {
    await server!.kill()
    await start()
    await say(41)
  }
  expect(told()).toEqual(['firing hot'])
  await say(20)
  await expect
    .poll(
      async () => {
        await say(20)
        return told()
      },
      { timeout: 30_000, interval: 300 },
    )
    .toEqual(['firing hot', 'resolved hot'])
  await settled('resolved')
  expect((await server!.cli('alerts', '--json')).json()).toMatchObject([
    { rule: 'hot', node: '01', sensor: 'temperature', state: 'resolved' },
  ])
  await server!.kill()
  await start()
  await say(20)
  expect(told().length).toBe(2)
})

test('killed between keeping and telling: told after the restart; killed before the answer: told again under the same id', async () => {
  const { port } = receiver
  await receiver.close()
  await start()
  await say(40)
  await expect.poll(async () => (await alerts())[0]?.notified[0]?.ok, { timeout: 20_000 }).toBe(false) // kept, and nobody there
  await server!.kill()
  receiver = await openReceiver(port)
  receiver.answer(null) // takes it, and the kill comes before the answer
  await start()
  await receiver.count(1)
  await server!.kill()
  receiver.answer(200)
  await start()
  await receiver.count(2)
  await settled('firing')
  const [first, second] = receiver.got.map(({ headers }) => headers['x-espalier-delivery'])
  expect(first).toMatch(/^[0-9A-Z]{26}-firing$/)
  expect(second).toBe(first)
  await server!.kill()
  await start()
  await say(42)
  await server!.api('/api/alerts')
  expect(receiver.got.length).toBe(2)
})

test('the event stream, the CLI and the audit log tell of it', async () => {
  const { url, token } = await start()
  const stream = await fetch(`${url}/api/events?types=alert`, { headers: { authorization: `Bearer ${token}` } })
  await say(40)
  const reader = stream.body!.getReader()
  let text = ''
  while (!text.includes('event: alert')) text += new TextDecoder().decode((await reader.read()).value)
  await reader.cancel()
  expect(text).toContain('"rule":"hot"')

  expect((await server!.cli('alerts', 'test', 'hook')).code).toBe(0)
  const failed = await server!.cli('alerts', 'test', 'nobody', '--json')
  expect(failed.code).toBe(3)
  expect(failed.json()).toMatchObject({ channel: 'nobody', ok: false })
  expect((await server!.cli('alerts', 'test', 'pager')).code).toBe(6)
  const { findings } = (await server!.api('/api/doctor')).body
  expect(findings).toContainEqual(expect.objectContaining({ code: 'alert_channel', subject: 'alerts.channels.nobody' }))
  const rules = (await server!.cli('alerts', 'rules', '--json')).json()
  expect(rules.map((r: { name: string }) => r.name)).toEqual(['certificate', 'disk', 'hot', 'loss', 'reboot_loop', 'silent'])
  expect(rules[2]).toMatchObject({ from: `${join(data.dir, 'espalier.yaml')}:6`, firing: 1, channels: ['hook'] })
  expect(rules[0]).toMatchObject({ from: 'default' })
  expect((await server!.cli('alerts', 'silence', 'hot', '01', '--for', '2h')).code).toBe(0)
  expect((await server!.cli('alerts', 'silence', 'cold')).code).toBe(6)
  expect((await alerts())[0].silenced_until).toBeGreaterThan(0)

  const audit = (await server!.cli('audit', '--json')).json()
  expect(audit.map((e: { action: string; subject: string; outcome: string }) => [e.action, e.subject, e.outcome])).toEqual([
    ['alerts.silence', 'cold', 'refused'],
    ['alerts.silence', 'hot', 'done'],
    ['alerts.test', 'pager', 'refused'],
    ['alerts.test', 'nobody', 'done'],
    ['alerts.test', 'hook', 'done'],
  ])
  expect(audit[1]).toMatchObject({ who: 'token', address: '127.0.0.1', detail: 'for 7200 s, node 01' })
})

test('a reload brings other rules; a wrong one is refused with its line, and nothing changes', async () => {
  await start()
  await configure('    - { name: dry, kind: threshold, sensor: soil, bellow: 20 }\n')
  const wrong = await server!.api('/api/config/reload', { method: 'POST' })
  expect(wrong.status).toBe(400)
  expect(JSON.stringify(wrong.body)).toContain('espalier.yaml:7')
  expect(JSON.stringify(wrong.body)).toContain('did you mean below?')
  await configure('    - { name: dry, kind: threshold, sensor: soil, below: 20 }\n    - { name: loss, off: true }\n')
  expect((await server!.api('/api/config/reload', { method: 'POST' })).body.applied).toEqual(['alerts'])
  const names = (await server!.api('/api/alerts/rules')).body.items.map((r: { name: string }) => r.name)
  expect(names).toEqual(['certificate', 'disk', 'dry', 'hot', 'reboot_loop', 'silent'])
})

test('a wrong rule keeps the server from starting, with file, line, key and what is allowed', async () => {
  await configure('    - { name: dry, kind: threshold, sensor: soil }\n')
  const refused = await cli(['up', '--mqtt-port', '0', '--http-port', '0', '--sim', '0'], { data: data.dir })
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain(`${join(data.dir, 'espalier.yaml')}:7: alerts.rules[1]: has no bound; allowed: above or below`)
})
