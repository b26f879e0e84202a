import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, upWith } from '../espalier.ts'
import { hasFaketime, runningFrom } from '../faketime.ts'
import { wire } from '../wire.ts'

/** A machine without a battery clock: what a house believes of its clock from one start to the next (wire contract §8). */
const noon = Date.UTC(2026, 4, 28, 12) / 1000
const hour = 3600

let data: Awaited<ReturnType<typeof temporaryData>>
beforeAll(async () => {
  data = await temporaryData()
})
afterAll(() => data.remove())

interface Told {
  readonly clock: { ok: boolean; detail: string }
  readonly status: string
  /** Of `iot/broker/status`. */
  readonly timestamp: number | null
}

/** One run of the house at a time of its own: a reading goes in, and this is what it says of the clock. */
async function run(seconds: number, reading: { t: number; timestamp?: number }): Promise<Told> {
  const house = await upWith(runningFrom(seconds), data.dir)
  try {
    const node = await wire(house.run.mqtt, 'c1')
    const { t, ...dated } = reading
    await node.publish('iot/node/c1/telemetry', JSON.stringify({ node_id: 'node_c1', ...dated, sensors: { t } }))
    await node.subscribe('iot/broker/status')
    const status = await until('the house tells its health', async () =>
      // The first may be the goodbye of the run before, which is retained.
      node.received.map(({ payload }) => JSON.parse(payload.toString())).find(({ online }) => online),
    )
    const { body } = await house.api('/healthz')
    const shown = await house.cli('broker')
    expect(shown.code).toBe(0)
    node.end()
    return { clock: body.checks.clock, status: body.status, timestamp: status.timestamp }
  } finally {
    expect(await house.stop()).toBe(0)
  }
}

const rowsOf = async (house: Up) => (await house.cli('export', '--format', 'jsonl')).lines()

describe.skipIf(!hasFaketime)('a clock between restarts', () => {
  test('that goes on is believed', async () => {
    const told = await run(noon, { t: 1, timestamp: noon - 5 })
    expect(told.clock.ok).toBe(true)
    expect(told.timestamp).toBeGreaterThanOrEqual(noon)
  })

  test('that is half an hour behind is still believed', async () => {
    expect((await run(noon - hour / 2, { t: 2, timestamp: noon - hour })).clock.ok).toBe(true)
  })

  test('that is more than an hour behind is not: said in health, no time for nodes, readings are kept', async () => {
    const told = await run(noon - 2 * hour, { t: 3, timestamp: noon - 3 })
    expect(told).toMatchObject({ status: 'degraded', timestamp: null })
    expect(told.clock).toMatchObject({ ok: false, detail: expect.stringContaining('timedatectl') })
  })

  test('that is in 1970 is not either', async () => {
    expect(await run(1000, { t: 4, timestamp: noon - 2 })).toMatchObject({ clock: { ok: false }, timestamp: null })
  })

  test('that is right again is believed again, and every reading of those runs is there', async () => {
    const told = await run(noon + hour, { t: 5, timestamp: noon - 1 })
    expect(told.clock.ok).toBe(true)
    expect(told.timestamp).toBeGreaterThanOrEqual(noon + hour)
    const house = await upWith(runningFrom(noon + 2 * hour), data.dir)
    const rows = await rowsOf(house)
    const health = (await house.api('/healthz')).body
    expect(await house.stop()).toBe(0)
    expect(rows.map(({ time, fields }) => [time / 1000 - noon, fields.t])).toEqual([
      [-hour, 2],
      [-5, 1],
      [-3, 3], // ahead of the clock of its run by two hours: without a clock there is no future window
      [-2, 4],
      [-1, 5],
    ])
    expect(health.checks.clock.ok).toBe(true)
  })
})
