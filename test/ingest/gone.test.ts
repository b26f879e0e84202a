import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/kit/clock.ts'
import { keepAll } from '../../src/store/parquet/keep-limits.ts'
import { openParquetReadings, type ParquetReadings } from '../../src/store/parquet/parquet.ts'
import { openWorld, telemetry } from './lane-world.ts'

/** Readings whose rows retention took, sent again by a node that never got their receipt. */
const dayMs = 86_400_000
const arrived = Date.UTC(2026, 5, 10)
const t0 = arrived / 1000 - 3600

const dirs: string[] = []
const stores: ParquetReadings[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function swept() {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-gone-'))
  dirs.push(dir)
  const clock = new ManualClock(arrived)
  const store = await openParquetReadings({ dir, clock, ballastBytes: 0, backgroundAfterMs: null })
  stores.push(store)
  const world = openWorld({ store })
  const send = (...bodies: object[]) => world.lane.accept(bodies.map(body => telemetry(body, clock.wall)))
  await send(...Array.from({ length: 20 }, (_, seq) => ({ boot: 7, seq, timestamp: t0 + seq, sensors: { t: seq } })))
  await store.seal()
  clock.advance(30 * dayMs)
  await store.sweep({ ...keepAll, rawAgeMs: 7 * dayMs })
  expect(store.stats().rows).toBe(0)
  return { world, store, send }
}

const hours = async (store: ParquetReadings) => {
  const query = { nodes: null, sensors: null, from: null, to: null }
  const counts: number[] = []
  for await (const rows of store.exportRollups(query, '1h')) counts.push(...rows.map(row => row.count[0]!))
  return counts
}

test('are duplicates: not stored again, not in the roll-ups twice, not rejected, not lost', async () => {
  const { world, store, send } = await swept()
  const before = await hours(store)
  await send({
    boot: 7,
    seq: 5,
    readings: Array.from({ length: 10 }, (_, i) => ({ timestamp: t0 + 5 + i, sensors: { t: 5 + i } })),
  })
  expect(world.rejects()).toEqual([])
  expect(store.stats().rows).toBe(0)
  expect(await hours(store)).toEqual(before)
  expect(world.ledger.report('01')).toMatchObject({ stored: 20, duplicates: 10, rejected: 0, missing: 0, lost: 0 })
})

test('a number that is still there under another time is still caught, and a new reading of that time is stored', async () => {
  const { world, store, send } = await swept()
  await send({ boot: 8, seq: 0, timestamp: t0 + 100, sensors: { t: 1 } })
  expect(store.stats().rows).toBe(1)
  await send({ boot: 8, seq: 0, timestamp: t0 + 100, sensors: { t: 2 } })
  expect(world.rejects()).toMatchObject([{ reason: 'boot_reused' }])
})
