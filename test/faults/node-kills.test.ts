import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { type Fleet, startFleet } from '../../src/sim/sim.ts'
import { freePort, hasMosquitto } from '../broker/mosquitto.ts'
import { endSite, managerPassword, nodePassword, type Site, startSite } from '../broker/site.ts'
import { cli, temporaryData, type Up, until, up, upWith } from '../espalier.ts'
import { buildHostNode, type HostNode, hostToolsThere, startNode } from '../firmware/host-node.ts'

/** kill -9 of broker, manager and real nodes under load, one after the other by chance. What a real node took and had on its flash, or had
 *  sent, is stored once; what it had only in RAM when it was killed, at most its last five seconds, is the only loss there is. Virtual
 *  nodes, which are not killed, lose nothing at all. The seed is printed with a failure. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const seed = Number(process.env.ESPALIER_SEED ?? 20261124)
const hosts = ['h1', 'h2', 'h3']
/** The contract's five seconds, and what a busy machine may be late. */
const ramMs = 5_500

interface Reading {
  readonly time: number
  readonly boot: number
  readonly seq: number
}

interface Row {
  readonly node: string
  readonly time: number
  readonly boot: number
  readonly seq: number
}

class World {
  readonly nodes = new Map<string, HostNode>()
  /** Kills of each node: Unix ms. */
  readonly kills: { readonly node: string; readonly at: number }[] = []
  readonly dir: string
  private readonly binary: string
  private readonly broker: (id: string) => string[]

  constructor(dir: string, binary: string, broker: (id: string) => string[]) {
    this.dir = dir
    this.binary = binary
    this.broker = broker
  }

  file = (id: string, name: string): string => join(this.dir, `${id}.${name}`)

  async start(id: string): Promise<void> {
    const flags = ['--id', id, '--interval', '0.3', '--state', this.file(id, 'state'), '--reading-log', this.file(id, 'readings')]
    this.nodes.set(id, await startNode(this.binary, ...flags, ...this.broker(id)))
  }

  async kill(id: string): Promise<void> {
    this.kills.push({ node: id, at: Date.now() })
    await this.nodes.get(id)!.stop('SIGKILL')
  }

  taken(id: string): Reading[] {
    const lines = readFileSync(this.file(id, 'readings'), 'utf8').trimEnd().split('\n')
    return lines.map(line => JSON.parse(line) as Reading)
  }

  /** Was it in RAM alone when its node was killed? */
  mayBeGone(id: string, { time }: Reading): boolean {
    return this.kills.some(({ node, at }) => node === id && time <= at + 50 && time > at - ramMs)
  }
}

async function rowsOf(house: Up): Promise<Row[]> {
  const exported = await cli(['export', '--format', 'jsonl'], { data: house.data })
  expect(exported.stderr).toBe('')
  return exported.lines<Row>()
}

const key = ({ boot, seq }: Reading): string => `${boot}/${seq}`

/** Nobody took it, or not then: the log's clock is read a moment beside the reading's. */
const phantom = (row: Row, reading: Reading | undefined): boolean =>
  reading === undefined || Math.abs(reading.time - row.time) > 50

/** Everything is there that must be, once, and with the time it was taken at; nothing else is. */
async function account(house: Up, world: World, fleet: Fleet, settledAt: number): Promise<void> {
  for (const node of world.nodes.values()) expect(await node.stop()).toBe(0)
  const report = await fleet.stop({ settleMs: 40_000 })
  const rows = await rowsOf(house)
  for (const id of hosts) {
    const taken = new Map(world.taken(id).map(reading => [key(reading), reading]))
    const mine = rows.filter(({ node }) => node === id)
    const stored = new Set(mine.map(key))
    const says = `${id}, seed ${seed}: ${taken.size} taken, ${stored.size} stored`
    expect(mine.length, `${says}, twice`).toBe(stored.size)
    expect(
      mine.filter(row => phantom(row, taken.get(key(row)))),
      `${says}, phantom`,
    ).toEqual([])
    // What was taken since then may still lie in a node's flash.
    const gone = [...taken.values()].filter(reading => reading.time < settledAt && !stored.has(key(reading)))
    expect(
      gone.filter(reading => !world.mayBeGone(id, reading)),
      `${says}, lost`,
    ).toEqual([])
  }
  const virtual = rows.filter(({ node }) => node.startsWith('v'))
  const once = new Set(virtual.map(row => `${row.node} ${key(row)}`))
  expect({ dropped: report.dropped, rows: virtual.length, once: once.size }, `virtual, seed ${seed}`).toEqual({
    dropped: 0,
    rows: report.attempted,
    once: report.attempted,
  })
}

/** All that the nodes took before this moment is stored: what was lost on the way came again. */
async function settled(house: Up, world: World): Promise<number> {
  const before = Date.now()
  await until(
    'all is stored',
    async () => {
      const stored = new Set((await rowsOf(house)).map(row => `${row.node} ${key(row)}`))
      const waiting = hosts.flatMap(id =>
        world.taken(id).filter(r => r.time < before && !world.mayBeGone(id, r) && !stored.has(`${id} ${key(r)}`)),
      )
      return waiting.length === 0 ? true : undefined
    },
    90_000,
  )
  return before
}

const stored = async (house: Up): Promise<number> =>
  (await house.api('/api/nodes')).body.items.reduce((sum: number, node: { stored: number }) => sum + node.stored, 0)

async function grows(house: Up, by: number): Promise<void> {
  const before = await stored(house)
  await until('more readings', async () => ((await stored(house)) >= before + by ? true : undefined), 60_000)
}

const virtualNodes = (port: number, username: string | null, password: string | null): Fleet =>
  startFleet({
    broker: { host: '127.0.0.1', port },
    nodes: 4,
    prefix: 'v',
    intervalS: 0.3,
    seed,
    keep: 'receipt',
    ringSize: 100_000,
    username,
    password,
  })

async function folders() {
  const binary = await buildHostNode()
  const data = await temporaryData()
  const dir = await temporaryData()
  onTestFinished(async () => {
    await data.remove()
    await dir.remove()
  })
  return { binary, data: data.dir, dir: dir.dir }
}

async function run(
  world: World,
  fleet: Fleet,
  house: Up,
  trials: number,
  victims: readonly string[],
  strike: (victim: string, house: Up) => Promise<Up>,
) {
  onTestFinished(async () => {
    for (const node of world.nodes.values()) await node.stop('SIGKILL')
  })
  for (const id of hosts) await world.start(id)
  const random = seeded(seed)
  await grows(house, 40)
  for (let trial = 0; trial < trials; trial++) {
    await grows(house, 20 + random.below(60))
    const victim = victims[trial % victims.length]!
    if (victim === 'node') {
      const id = hosts[random.below(hosts.length)]!
      await world.kill(id)
      await sleep(random.below(1_500))
      await world.start(id)
    } else {
      house = await strike(victim, house)
    }
  }
  await grows(house, 60)
  await account(house, world, fleet, await settled(house, world))
  expect(await house.stop()).toBe(0)
}

const mosquittoTrials = scale >= 10 ? 60 : 9
test.skipIf(!hasMosquitto || !hostToolsThere)(
  `${mosquittoTrials} times kill -9 of mosquitto, manager or a real node over TLS: lost 0, twice 0, phantom 0`,
  { timeout: 1_800_000 },
  async () => {
    const { binary, data, dir } = await folders()
    const site: Site = await startSite(hosts)
    onTestFinished(() => endSite(site))
    for (const id of hosts) await writeFile(join(dir, `${id}.password`), `${nodePassword(id)}\n`, { mode: 0o600 })
    const world = new World(dir, binary, id => [
      ...['--broker', `mqtts://localhost:${site.tls}`, '--ca', site.ca],
      ...['--user', id, '--password-file', join(dir, `${id}.password`)],
    ])
    const random = seeded(seed + 1)
    const flags = ['--broker', `mqtts://localhost:${site.tls}`, '--broker-ca', site.ca]
    const manager = (): Promise<Up> => upWith({ ESPALIER_BROKER_PASSWORD: managerPassword }, data, ...flags)
    const fleet = virtualNodes(site.plain, '_manager', managerPassword)
    await run(world, fleet, await manager(), mosquittoTrials, ['broker', 'manager', 'node'], async (victim, house) => {
      if (victim === 'broker') {
        await site.kill()
        await sleep(random.below(1_000))
        await site.start()
        return house
      }
      await house.kill()
      await sleep(random.below(1_000))
      return manager()
    })
  },
)

const embeddedTrials = scale >= 10 ? 40 : 6
test.skipIf(!hostToolsThere)(
  `${embeddedTrials} times kill -9 of the manager with its broker or a real node: lost 0, twice 0, phantom 0`,
  { timeout: 1_800_000 },
  async () => {
    const { binary, data, dir } = await folders()
    const port = await freePort()
    const world = new World(dir, binary, () => ['--broker', `mqtt://127.0.0.1:${port}`])
    const random = seeded(seed + 2)
    const manager = (): Promise<Up> => up(data, '--mqtt-port', String(port))
    const house = await manager()
    await run(world, virtualNodes(port, null, null), house, embeddedTrials, ['manager', 'node'], async (_, before) => {
      await before.kill()
      await sleep(random.below(1_000))
      return manager()
    })
  },
)
