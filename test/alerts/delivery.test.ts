import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Records } from '../../src/store/records.ts'
import { openReceiver, type Receiver } from './receiver.ts'
import { hot, World, webhookTo } from './world.ts'

let world: World
let receiver: Receiver
beforeEach(async () => {
  world = new World()
  receiver = await openReceiver()
})
afterEach(async () => {
  await world.alerts.close()
  await receiver.close()
})

const hook = (name = 'hook') => webhookTo(receiver.url, name)
const events = (): string[] => receiver.got.map(({ body }) => `${body.event} ${body.alert.rule} ${body.alert.node}`)

/** The answers come over real sockets, on a machine that may be busy. */
const patient = { interval: 5, timeout: 20_000 }

/** Waits until what the last tick sent has been answered and written down. */
const told = (n: number): Promise<unknown> =>
  expect.poll(() => world.alerts.list({ limit: 999 }).flatMap(a => a.notified).length, patient).toBe(n)

/** Time passes, with a moment for the answers of the receiver, until it got so many. */
async function until(n: number): Promise<void> {
  while (receiver.got.length < n) {
    await world.pass(1)
    await new Promise(done => setTimeout(done, 2))
  }
}

test('a value that flaps is told once, and its end once', async () => {
  await world.open([hot()], [hook()])
  for (let i = 0; i < 200; i++) {
    world.read(i % 2 ? 20 : 40)
    await world.pass(1)
  }
  for (let i = 0; i < 62; i++) {
    world.read(20)
    await world.pass(1)
  }
  await receiver.count(2)
  expect(events()).toEqual(['firing hot 01', 'resolved hot 01'])
  expect(receiver.got[0]!.body).toMatchObject({
    site: 'Garden',
    title: 'Garden: hot, temperature of node 01',
    text: 'Temperature is 40; allowed: up to 30.\nRule: temperature above 30, over at 28.',
    alert: { state: 'firing', value: 40, node: '01' },
  })
  expect(receiver.got[1]!.body.title).toBe('Garden: over: hot, temperature of node 01')
})

test('a restart tells nothing again, and tells the end of what began before', async () => {
  const rules = [hot()]
  await world.open(rules, [hook()])
  world.read(40)
  await receiver.count(1)
  await told(1)
  for (let i = 0; i < 3; i++) {
    await world.restart(rules, [hook()], 5_000)
    world.read(40)
    await world.pass(70)
  }
  expect(events()).toEqual(['firing hot 01'])
  world.read(20)
  await world.pass(61)
  world.read(20)
  await receiver.count(2)
  expect(events()).toEqual(['firing hot 01', 'resolved hot 01'])
})

test('nothing is told before it is kept: while the records can not be written, nobody hears of it', async () => {
  let broken = true
  const memory = world.records
  world.records = {
    ...memory,
    write: (changes, options) => (broken ? Promise.reject(new Error('disk full')) : memory.write(changes, options)),
  } satisfies Records
  await world.open([hot()], [hook()])
  world.read(40)
  await world.pass(5)
  expect(receiver.got.length).toBe(0)
  expect(world.problems).toEqual([expect.stringContaining('disk full')])
  broken = false
  await world.pass(1)
  await receiver.count(1)
  expect(events()).toEqual(['firing hot 01'])
})

test('a receiver that is away for long gets everything when it is back, in order, once', async () => {
  const { port } = receiver
  await receiver.close()
  const rules = [hot({ resolveAfterMs: 0 })]
  await world.open(rules, [hook()])
  world.read(40)
  await world.pass(2)
  world.read(20)
  await world.pass(2)
  world.read(41)
  await told(1) // the first is tried; the others wait behind it
  await world.restart(rules, [hook()], 3_600_000)
  await world.pass(600)
  expect(world.alerts.findings()[0]).toMatchObject({
    code: 'alert_channel',
    subject: 'alerts.channels.hook',
    what: expect.stringContaining('3 messages wait'),
  })
  receiver = await openReceiver(port)
  await until(3)
  expect(events()).toEqual(['firing hot 01', 'resolved hot 01', 'firing hot 01'])
  expect(new Set(receiver.got.map(({ body }) => body.delivery)).size).toBe(3)
  await expect.poll(() => world.alerts.findings(), patient).toEqual([])
  await world.restart(rules, [hook()])
  await world.pass(30)
  expect(receiver.got.length).toBe(3)
})

test('what a receiver refuses for good does not stand before the others', async () => {
  await world.open([hot(), hot({ name: 'warm' })], [hook()])
  receiver.answer(400)
  world.read(40)
  await world.pass(1)
  await receiver.count(1)
  await told(1)
  await until(3)
  await expect.poll(() => world.problems.length, patient).toBe(1)
  receiver.answer(200)
  await until(4)
  expect(events()).toEqual(['firing hot 01', 'firing hot 01', 'firing hot 01', 'firing warm 01'])
  expect(world.problems).toEqual([expect.stringContaining('given up')])
  expect(world.alerts.findings().map(f => f.code)).toContain('alert_given_up')
})

test('a receiver is not flooded: ten at once, then one each three seconds', async () => {
  for (let i = 0; i < 30; i++) world.node(`n${i}`)
  await world.open([hot()], [hook()])
  for (let i = 0; i < 30; i++) world.read(40, { node: `n${i}` })
  await world.alerts.tick()
  await receiver.count(10)
  await told(10)
  await world.pass(3)
  await told(11)
  for (let n = 12; n <= 30; n++) {
    await world.pass(3)
    await told(n)
  }
  expect(receiver.got.length).toBe(30)
})

test('a silenced rule is not told, at one node or at all; when the silence is over, what still fires is', async () => {
  world.node('02')
  const rules = [hot()]
  const alerts = await world.open(rules, [hook()])
  expect(await alerts.silence({ rule: 'hot', node: '01', seconds: 3_600 })).toBe(true)
  expect(await alerts.silence({ rule: 'cold', seconds: 60 })).toBe(false)
  for (const node of ['01', '02']) world.read(40, { node })
  await receiver.count(1)
  expect(events()).toEqual(['firing hot 02'])
  expect(alerts.list({ node: '01', limit: 1 })[0]!.silenced_until).toBe(world.clock.wallMs() + 3_600_000)
  await told(1)
  await world.restart(rules, [hook()], 1_800_000) // half of it
  await world.pass(30)
  expect(receiver.got.length).toBe(1)
  await world.pass(1_780)
  await receiver.count(2)
  expect(events()[1]).toBe('firing hot 01')
  await world.alerts.silence({ rule: 'hot', seconds: 60 })
  expect(world.alerts.rules()[0]!.silenced_until).not.toBeNull()
  await world.alerts.silence({ rule: 'hot', seconds: 0 })
  expect(world.alerts.rules()[0]!.silenced_until).toBeNull()
})

test('what was silenced while it lasted is never told, not even its end', async () => {
  await world.open([hot({ resolveAfterMs: 0 })], [hook()])
  await world.alerts.silence({ rule: 'hot', seconds: 600 })
  world.read(40)
  await world.pass(5)
  world.read(20)
  await world.pass(5)
  await world.alerts.silence({ rule: 'hot', seconds: 0 })
  await world.pass(5)
  expect(world.states()).toEqual(['hot 01 resolved'])
  expect(receiver.got.length).toBe(0)
})

test('a spike that is over at once is told, with its end', async () => {
  await world.open([hot({ resolveAfterMs: 0 })], [hook()])
  world.read(40)
  world.read(20)
  await receiver.count(2)
  expect(events()).toEqual(['firing hot 01', 'resolved hot 01'])
})

test('a rule is told on its own channels; each has its own note', async () => {
  const other = await openReceiver()
  await world.open([hot({ channels: ['b'] })], [hook('a'), webhookTo(other.url, 'b')])
  world.read(40)
  await other.count(1)
  await told(1)
  expect(receiver.got.length).toBe(0)
  expect(world.alerts.list({ limit: 1 })[0]!.notified).toEqual([
    { channel: 'b', event: 'firing', time: world.clock.wallMs(), ok: true, detail: 'HTTP 200' },
  ])
  expect(world.alerts.channels().map(c => [c.name, c.last?.ok ?? null])).toEqual([
    ['a', null],
    ['b', true],
  ])
  await other.close()
})

test('a channel is tried by hand, and then what waited for it goes out', async () => {
  receiver.answer(401, {}, 'wrong token')
  await world.open([hot()], [hook()])
  world.read(40)
  await told(1)
  expect(await world.alerts.test('hook')).toEqual({ channel: 'hook', ok: false, detail: 'HTTP 401: wrong token' })
  expect(await world.alerts.test('pager')).toBeUndefined()
  receiver.answer(204)
  expect(await world.alerts.test('hook')).toEqual({ channel: 'hook', ok: true, detail: 'HTTP 204' })
  await receiver.count(4)
  expect(receiver.got.map(({ body }) => body.event)).toEqual(['firing', 'test', 'test', 'firing'])
})

test('a channel that is configured anew gets what waits; one that is gone takes its messages along', async () => {
  receiver.answer(500)
  const rules = [hot()]
  await world.open(rules, [hook('a'), hook('b')])
  world.read(40)
  await told(2)
  const other = await openReceiver()
  world.alerts.setRules({ rules, channels: [webhookTo(other.url, 'a')] })
  await other.count(1)
  expect(world.problems).toEqual([expect.stringContaining('channel b is gone')])
  receiver.answer(200)
  await world.restart(rules, [webhookTo(other.url, 'a'), hook('b')])
  await world.pass(600)
  expect(other.got.length).toBe(1)
  expect(receiver.got.length).toBe(2)
  await other.close()
})

test('a rule that is gone after a restart ends its alert, and that is told once', async () => {
  await world.open([hot()], [hook()])
  world.read(40)
  await receiver.count(1)
  await told(1)
  await world.restart([], [hook()])
  await receiver.count(2)
  await world.pass(30)
  expect(events()).toEqual(['firing hot 01', 'resolved hot 01'])
})

test('only the newest thousand of those that are over are kept', async () => {
  await world.open([hot({ resolveAfterMs: 0 })], [])
  for (let i = 0; i < 1_010; i++) {
    world.read(40)
    world.read(20)
    await world.alerts.tick()
    world.clock.advance(1)
  }
  expect(world.alerts.list({ limit: 9_999 }).length).toBe(1_000)
  await world.restart([hot()])
  expect(world.alerts.list({ limit: 9_999 }).length).toBe(1_000)
})
