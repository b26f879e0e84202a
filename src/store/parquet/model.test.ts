import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { DurableBatch, ReadingEvent } from '../../contract/events.ts'
import { ManualClock } from '../../kit/clock.ts'
import { type Random, seeded } from '../../kit/random.ts'
import { createMemoryReadings } from '../memory/readings.ts'
import type { RangeResult, ReadingsStore, RollupRow } from '../readings.ts'
import { exported, plain, reading, rollups } from '../suite.ts'
import { openParquetReadings, type ParquetReadings } from './parquet.ts'

/** Seeded histories (late rows, merged rows, repeats, seals, merges, restarts, removals) through the Parquet store and through the one
 *  in memory: every answer must be the same. A failure names its seed. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const noon = Date.UTC(2024, 0, 31, 12)
const dayMs = 86_400_000
const nodes = ['01', '02', 'a-b', 'constructor']
const names = ['t', 'h', 'p', 'constructor']
const folders: string[] = []
afterAll(async () => {
  for (const dir of folders) await rm(dir, { recursive: true, force: true })
})

/** A batch around `now`: mostly in order, some late by minutes, days or months, some at times that were there. */
function batch(random: Random, now: number, seq: number): ReadingEvent[] {
  const shift = random.below(10)
  const back =
    shift < 6 ? 0 : shift < 8 ? random.below(600_000) : shift === 8 ? random.below(3 * dayMs) : random.below(70 * dayMs)
  const node = nodes[random.below(nodes.length)]!
  const step = [1, 500, 1000][random.below(3)]!
  return Array.from({ length: 1 + random.below(60) }, (_, i) => {
    const time = Math.floor((now - back) / 500) * 500 + i * step
    const kept = names.filter(() => random.below(3) > 0)
    const fields = Object.fromEntries(
      (kept.length > 0 ? kept : ['t']).map(name => [name, Math.round(random.normal() * 100) / 10]),
    )
    return random.below(2) ? reading(node, time, fields, random.below(3), seq + i) : reading(node, time, fields)
  })
}

/** Sums of floats differ in their last digits with the order of adding. */
const rounded = (result: RangeResult): unknown =>
  JSON.parse(JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value)))

/** Of roll-ups too. */
const rolled = (rows: readonly RollupRow[]): unknown => rounded(rows as never)

const sorted = (result: RangeResult): RangeResult => ({
  ...result,
  series: Object.fromEntries(Object.entries(result.series).sort(([a], [b]) => (a < b ? -1 : 1))),
})

async function same(random: Random, store: ReadingsStore, model: ReadingsStore, now: number): Promise<void> {
  const from = random.below(3) ? null : now - random.below(5 * dayMs)
  const some = random.below(2) ? null : nodes.filter(() => random.below(2))
  const sensors = random.below(2) ? null : names.filter(() => random.below(2))
  expect(await exported(store, { from, nodes: some })).toEqual(await exported(model, { from, nodes: some }))
  expect(await exported(store, { from, sensors })).toEqual(await exported(model, { from, sensors }))
  const kind = random.below(2) ? '1m' : '1h'
  expect(rolled(await rollups(store, kind, { from, nodes: some, sensors }))).toEqual(
    rolled(await rollups(model, kind, { from, nodes: some, sensors })),
  )
  for (const node of nodes) {
    const points = 1 + random.below(300)
    const query = { node, sensors, from: now - random.below(80 * dayMs), to: now + dayMs, points }
    expect(rounded(sorted(await store.range(query)))).toEqual(rounded(sorted(await model.range(query))))
    expect(Object.fromEntries(store.latest(node))).toEqual(Object.fromEntries(model.latest(node)))
    expect(store.lastTime(node)).toBe(model.lastTime(node))
    const rows = await model.rows(node, now - dayMs, now + dayMs)
    expect((await store.rows(node, now - dayMs, now + dayMs)).map(plain)).toEqual(rows.map(plain))
    for (const row of rows.slice(0, 50)) {
      const at = store.rowAt(node, row.time)
      if (at !== undefined) expect(at && plain(at)).toEqual(plain(row))
    }
  }
  expect([...store.nodes()].sort()).toEqual([...model.nodes()].sort())
}

async function history(seed: number): Promise<{ files: number; merges: number }> {
  const random = seeded(seed)
  const dir = await mkdtemp(join(tmpdir(), 'espalier-model-'))
  folders.push(dir)
  const clock = new ManualClock(noon)
  const open = () =>
    openParquetReadings({
      dir,
      clock,
      sealRows: 400,
      ballastBytes: 0,
      backgroundAfterMs: null,
      readOutright: seed % 2 ? 2_000 : 0,
      rollupAbove: seed % 3 ? 50_000 : 0,
    })
  let store: ParquetReadings = await open()
  const model = createMemoryReadings()
  const journal: DurableBatch[] = []
  let merges = 0
  for (let step = 0; step < 60; step++) {
    const what = random.below(20)
    if (what < 14) {
      const events = batch(random, clock.wall, step * 100)
      const next = { events, end: { segment: Math.floor(step / 7), offset: step + 1 } }
      journal.push(next)
      store.apply(next, true)
      model.apply(next, true)
      clock.advance(random.below(3_600_000))
    } else if (what === 14) await store.seal()
    else if (what === 15) {
      const before = store.stats().files
      await store.tidy()
      if (store.stats().files !== before) merges++
    } else if (what === 16) {
      await store.close()
      store = await open()
      for (const old of journal) store.apply(old, false) // it leaves out what lies behind its watermark
    } else if (what === 17 && random.below(3) === 0) {
      const node = nodes[random.below(nodes.length)]!
      await store.remove(node)
      await model.remove(node)
    } else if (what === 18) clock.advance(random.below(2) ? dayMs : 40 * dayMs)
    else await same(random, store, model, clock.wall)
  }
  await same(random, store, model, clock.wall)
  await store.scrub()
  expect(store.stats().quarantined).toEqual([])
  const { files } = store.stats()
  await store.close()
  return { files, merges }
}

test('any history gives the answers of the store in memory', { timeout: 90_000 * scale }, async () => {
  let files = 0
  let merges = 0
  for (let seed = 1; seed <= 8 * scale; seed++) {
    const end = await history(seed).catch(error => {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    })
    files += end.files
    merges += end.merges
  }
  expect(files).toBeGreaterThan(10) // it was about files at all
  expect(merges).toBeGreaterThan(1)
})
