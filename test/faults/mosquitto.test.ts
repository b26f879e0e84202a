import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import { type Fleet, startFleet } from '../../src/sim/sim.ts'
import { hasMosquitto } from '../broker/mosquitto.ts'
import { endSite, managerPassword, type Site, startSite } from '../broker/site.ts'
import { cli, temporaryData, type Up, until, upWith } from '../espalier.ts'

/** mosquitto acknowledges before it writes, so what it and the manager lose between them the nodes must bring again: nodes that keep
 *  until receipt, through kills of both under load, and through a session that is deleted behind the manager's back. Attempted,
 *  receipted and stored are counted; the seed is printed with a failure. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const kills = scale >= 10 ? 60 : 6
const seed = Number(process.env.ESPALIER_SEED ?? 20261124)

/** Nodes measure their waits by a clock that is faster: what they send again after 30 s comes after 3. */
const fastMs = 10
const fast: Clock = { wallMs: () => systemClock.wallMs(), monoMs: () => systemClock.monoMs() * fastMs }

const manager = (data: string, site: Site): Promise<Up> =>
  upWith({ ESPALIER_BROKER_PASSWORD: managerPassword }, data, '--broker', `mqtts://localhost:${site.tls}`, '--broker-ca', site.ca)

const fleetOn = (site: Site, nodes: number): Fleet =>
  startFleet({
    broker: { host: '127.0.0.1', port: site.plain },
    nodes,
    prefix: 'n',
    intervalS: 0.3,
    seed,
    clock: fast,
    keep: 'receipt',
    ringSize: 100_000,
    username: '_manager',
    password: managerPassword,
  })

/** Everything that was attempted is there once, and nothing else. */
async function account(house: Up, fleet: Fleet): Promise<void> {
  const report = await fleet.stop({ settleMs: 40_000 })
  const { attempted, receipted, dropped } = report
  const exported = await cli(['export', '--format', 'jsonl'], { data: house.data })
  expect(exported.stderr).toBe('')
  const rows = exported.lines()
  const once = new Set(rows.map(row => `${row.node} ${row.boot} ${row.seq}`))
  const ledger = (await house.api('/api/ledger?limit=1000')).body.items
  const sum = (key: string): number => ledger.reduce((total: number, one: Record<string, number>) => total + one[key]!, 0)
  expect(
    { receipted, dropped, rows: rows.length, once: once.size, stored: sum('stored'), missing: sum('missing'), lost: sum('lost') },
    `seed ${seed}, ${attempted} attempted, ${sum('duplicates')} came again`,
  ).toEqual({ receipted: attempted, dropped: 0, rows: attempted, once: attempted, stored: attempted, missing: 0, lost: 0 })
}

const stored = async (house: Up): Promise<number> =>
  (await house.api('/api/nodes')).body.items.reduce((sum: number, node: { stored: number }) => sum + node.stored, 0)

async function grows(house: Up, by: number): Promise<void> {
  const before = await stored(house)
  await until('more readings', async () => ((await stored(house)) >= before + by ? true : undefined))
}

async function begin() {
  const site = await startSite([])
  onTestFinished(() => endSite(site))
  const data = await temporaryData()
  onTestFinished(data.remove)
  return { site, data: data.dir }
}

test.skipIf(!hasMosquitto)(
  `${kills} times kill -9 of mosquitto or the manager under load: lost 0, twice 0, phantom 0`,
  { timeout: 1_200_000 },
  async () => {
    const { site, data } = await begin()
    const random = seeded(seed)
    let house = await manager(data, site)
    const fleet = fleetOn(site, 8)
    for (let i = 0; i < kills; i++) {
      await grows(house, 50 + random.below(200))
      if (i % 2 === 0) {
        await site.kill()
        await sleep(random.below(500))
        await site.start()
      } else {
        await house.kill()
        await sleep(random.below(500))
        house = await manager(data, site)
      }
    }
    await grows(house, 100)
    await account(house, fleet)
    expect(await house.stop()).toBe(0)
  },
)

test.skipIf(!hasMosquitto)(
  "the manager's session deleted on mosquitto, nodes never reconnecting: all arrive",
  { timeout: 200_000 },
  async () => {
    const { site, data } = await begin()
    let house = await manager(data, site)
    const fleet = fleetOn(site, 4)
    await grows(house, 100)
    const connected = fleet.nodes.length
    await until('all connected', async () => (fleet.connected() === connected ? true : undefined))
    let disconnections = 0
    const watch = setInterval(() => {
      if (fleet.connected() < connected) disconnections++
    }, 5)
    onTestFinished(() => clearInterval(watch))

    await house.kill()
    const thief = await connectAsync({
      host: '127.0.0.1',
      port: site.plain,
      clientId: '_manager',
      username: '_manager',
      password: managerPassword,
      clean: true,
      reconnectPeriod: 0,
    })
    await thief.endAsync()
    // All of this is acknowledged by mosquitto, and nobody gets it.
    const before = fleet.report().acknowledged
    await until('readings into nothing', async () => (fleet.report().acknowledged > before + 40 ? true : undefined))
    house = await manager(data, site)
    await grows(house, 100)

    // The same while the manager runs: it is thrown out, and its session is gone when it comes back.
    const again = await connectAsync({
      host: '127.0.0.1',
      port: site.plain,
      clientId: '_manager',
      username: '_manager',
      password: managerPassword,
      clean: true,
      reconnectPeriod: 0,
    })
    again.on('error', () => undefined)
    await grows(house, 100)
    again.end(true)
    // At the end they leave; until then none did.
    clearInterval(watch)
    expect(disconnections).toBe(0)
    await account(house, fleet)
    expect(await house.stop()).toBe(0)
  },
)
