import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Fleet, type FleetOptions, noFaults, startFleet } from './sim.ts'

/** Real connections to a foreign broker. What a node says is held by node.test.ts. */
let dir: string
let aedes: Aedes
let server: Server
let sockets: Set<Socket>
let watcher: MqttClient
let fleets: Fleet[]
let heard: { topic: string; text: string; retain: boolean }[]
let wake: () => void

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-sim-'))
  aedes = await Aedes.createBroker()
  server = createServer(aedes.handle)
  sockets = new Set()
  server.on('connection', socket => sockets.add(socket))
  await listen(0)
  fleets = []
  heard = []
  wake = () => {}
  watcher = await connectAsync(`mqtt://127.0.0.1:${port()}`)
  watcher.on('message', (topic, payload, packet) => {
    heard.push({ topic, text: payload.toString(), retain: packet.retain })
    wake()
  })
  await watcher.subscribeAsync('iot/#', { qos: 1 })
})

afterEach(async () => {
  for (const fleet of fleets) await fleet.stop({ settleMs: 0 })
  await watcher.endAsync(true)
  await new Promise<void>(done => aedes.close(() => done()))
  await new Promise<void>(done => server.close(() => done()))
  await rm(dir, { recursive: true })
})

const listen = (at: number): Promise<void> => new Promise(done => server.listen(at, '127.0.0.1', done))
const port = (): number => (server.address() as AddressInfo).port

function start(options: Partial<FleetOptions> = {}): Fleet {
  const fleet = startFleet({
    broker: { host: '127.0.0.1', port: port() },
    nodes: 1,
    prefix: 'sim-',
    intervalS: 0.05,
    seed: 1,
    ...options,
  })
  fleets.push(fleet)
  return fleet
}

/** Resolves when messages on a topic of this end satisfy `met`. */
async function hear<T>(topic: string, met: (texts: T[]) => boolean): Promise<T[]> {
  for (;;) {
    const texts = heard.filter(m => m.topic === topic && m.text.startsWith('{')).map(m => JSON.parse(m.text) as T)
    if (met(texts)) return texts
    await new Promise<void>(next => (wake = next))
  }
}

/** The (boot, seq) of every reading that arrived, in order: on a slow machine several come as one batch. */
async function hearReadings(id: string, enough: number): Promise<string[]> {
  const flat = (texts: Telemetry[]): string[] =>
    texts.flatMap(m => Array.from({ length: m.readings?.length ?? 1 }, (_, i) => `${m.boot}/${m.seq + i}`))
  return flat(await hear<Telemetry>(`iot/node/${id}/telemetry`, texts => flat(texts).length >= enough))
}

interface Telemetry {
  readonly boot: number
  readonly seq: number
  readonly readings?: readonly unknown[]
}

test('nodes are born and publish readings in order', async () => {
  start({ nodes: 3 })
  for (const id of ['sim-1', 'sim-2', 'sim-3']) {
    const readings = await hearReadings(id, 5)
    expect(readings.slice(0, 5).map(r => r.split('/')[1])).toEqual(['0', '1', '2', '3', '4'])
    const topics = heard.map(m => m.topic)
    expect(topics.indexOf(`iot/node/${id}/status`)).toBeLessThan(topics.indexOf(`iot/node/${id}/telemetry`))
  }
})

test.each([0, 1, 2] as const)('with QoS %i what is acknowledged has arrived', async qos => {
  const fleet = start({ qos, keep: 'puback' })
  await hearReadings('sim-1', 5)
  const report = await fleet.stop()
  expect(report.attempted).toBeGreaterThanOrEqual(5)
  expect(report.acknowledged).toBe(qos === 0 ? 0 : report.attempted)
  await hearReadings('sim-1', report.attempted)
})

test('a command is executed, answered, witnessed in the log and counted in the report', async () => {
  const execLog = join(dir, 'exec.jsonl')
  const fleet = start({ execLog })
  await hear('iot/node/sim-1/status', texts => texts.length > 0)
  const command = JSON.stringify({ id: 'c1', command: 'set_led', params: { state: 'on' } })
  await watcher.publishAsync('iot/node/sim-1/command', command, { qos: 1 })
  await watcher.publishAsync('iot/node/sim-1/command', command, { qos: 1 })
  const acks = await hear<{ id: string; state: string }>('iot/node/sim-1/ack', texts => texts.length >= 2)
  expect(acks.map(a => [a.id, a.state])).toEqual([
    ['c1', 'done'],
    ['c1', 'done'],
  ])
  expect(fleet.nodes[0]!.led.on).toBe(true)
  expect((await fleet.stop()).commands_executed).toEqual({ c1: 1 })
  const lines = (await readFile(execLog, 'utf8'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines).toMatchObject([{ id: 'c1', command: 'set_led', params: { state: 'on' } }])
  expect(Object.keys(lines[0])).toEqual(['time', 'id', 'command', 'params', 'boot'])
})

test('a restarted fleet remembers what it executed', async () => {
  const stateDir = join(dir, 'state')
  const command = JSON.stringify({ id: 'c1', command: 'ping' })
  for (const executed of [{ c1: 1 }, {}]) {
    const fleet = start({ stateDir })
    heard.length = 0
    await hear('iot/node/sim-1/telemetry', texts => texts.length > 0)
    await watcher.publishAsync('iot/node/sim-1/command', command, { qos: 1 })
    await hear<{ state: string }>('iot/node/sim-1/ack', texts => texts.some(a => a.state === 'done'))
    expect((await fleet.stop()).commands_executed).toEqual(executed)
  }
})

test('reboot: the node leaves, comes back with a new boot and then says done', async () => {
  start()
  const [birth] = await hear<{ boot: number }>('iot/node/sim-1/status', texts => texts.length > 0)
  await watcher.publishAsync('iot/node/sim-1/command', JSON.stringify({ id: 'r', command: 'reboot' }), { qos: 1 })
  const acks = await hear<{ state: string }>('iot/node/sim-1/ack', texts => texts.length >= 2)
  expect(acks.map(a => a.state)).toEqual(['accepted', 'done'])
  const statuses = await hear<{ online: boolean; boot: number; reason?: string }>(
    'iot/node/sim-1/status',
    texts => texts.length >= 3,
  )
  expect(statuses.map(s => s.online)).toEqual([true, false, true])
  expect(statuses[1]).toMatchObject({ reason: 'reboot', boot: birth!.boot })
  expect(statuses[2]!.boot).not.toBe(birth!.boot)
})

test('readings of the time without a broker follow when it is back', async () => {
  const at = port()
  const fleet = start()
  await hearReadings('sim-1', 3)
  const held = fleet.nodes[0]!
  await new Promise<void>(done => {
    server.close(() => done())
    for (const socket of sockets) socket.destroy()
  })
  const missed = held.counters.attempted + 5
  while (held.counters.attempted < missed) await new Promise(next => setImmediate(next))
  await listen(at)
  await watcher.reconnect()
  while (held.held > 0 || fleet.connected() === 0) await new Promise(next => setImmediate(next))
  expect(held.counters.acknowledged).toBeGreaterThanOrEqual(missed)
})

test('a stopped fleet has said goodbye: its retained status is offline', async () => {
  const fleet = start()
  await hear('iot/node/sim-1/telemetry', texts => texts.length > 0)
  await fleet.stop()
  const statuses = await hear<{ online: boolean }>('iot/node/sim-1/status', texts => texts.some(s => !s.online))
  expect(statuses.at(-1)!.online).toBe(false)
  expect(fleet.connected()).toBe(0)
})

test('without a broker the report says so and the reason is told', async () => {
  const fleet = start({ broker: { host: '127.0.0.1', port: 1 } })
  while (fleet.lastFailure() === null) await new Promise(next => setImmediate(next))
  expect(fleet.everConnected()).toBe(false)
  expect(fleet.lastFailure()).toContain('ECONNREFUSED')
  expect((await fleet.stop()).acknowledged).toBe(0)
})

test('a stopped fleet has sent again what a faulty line lost, and every reading is receipted', async () => {
  // The least of a manager: everything up to the first hole is settled.
  const seen = new Map<number, Set<number>>()
  watcher.on('message', (topic, payload) => {
    if (!topic.endsWith('/telemetry')) return
    const { boot, seq, readings } = JSON.parse(payload.toString())
    const have = seen.get(boot) ?? new Set<number>()
    seen.set(boot, have)
    for (let i = 0; i < (readings?.length ?? 1); i++) have.add(seq + i)
    let next = 0
    while (have.has(next)) next++
    const receipts = [{ boot, seq: next === 0 ? null : next - 1, seen: Math.max(...have) }]
    void watcher.publishAsync('iot/node/sim-1/receipt', JSON.stringify({ receipts }), { qos: 1 })
  })
  const fleet = start({ keep: 'receipt', faults: { ...noFaults, drop: 0.4, dup: 0.2, reorder: 0.2 } })
  await hearReadings('sim-1', 20)
  const report = await fleet.stop({ settleMs: 20_000 })
  expect(report.receipted).toBe(report.attempted)
  expect([...seen.values()].reduce((sum, have) => sum + have.size, 0)).toBe(report.attempted)
  expect(report.dropped).toBe(0)
})

test('what a faulty line loses is not counted as acknowledged', async () => {
  const fleet = start({ keep: 'puback', faults: { ...noFaults, drop: 0.5 } })
  const { counters } = fleet.nodes[0]!
  await hearReadings('sim-1', 10)
  const report = await fleet.stop()
  expect(counters.attempted).toBeGreaterThan(counters.acknowledged)
  const arrived = await hearReadings('sim-1', report.acknowledged)
  expect(arrived).toHaveLength(report.acknowledged)
})
