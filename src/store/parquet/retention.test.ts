import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, describe, expect, test } from 'vitest'
import type { ReadingEvent } from '../../contract/events.ts'
import { ManualClock } from '../../kit/clock.ts'
import { seeded } from '../../kit/random.ts'
import { createMemoryReadings } from '../memory/readings.ts'
import type { RangeQuery, RangeResult, ReadingsStore } from '../readings.ts'
import { exported, rollups } from '../suite.ts'
import { keepAll } from './keep-limits.ts'
import { type KeepLimits, openParquetReadings, type ParquetOptions, type ParquetReadings } from './parquet.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const weekMs = 7 * dayMs
const monday = Date.UTC(2026, 5, 1)
const yearMs = 365 * dayMs

const folders: string[] = []
const stores: ParquetReadings[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true })
})

const fresh = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-retention-'))
  folders.push(dir)
  return dir
}
async function open(options: Partial<ParquetOptions> = {}): Promise<ParquetReadings> {
  const clock = new ManualClock(monday)
  const dir = options.dir ?? (await fresh())
  const store = await openParquetReadings({ clock, ballastBytes: 0, backgroundAfterMs: null, ...options, dir })
  stores.push(store)
  return store
}

/** A house on a clock of its own: every reading goes into the store and into one that never forgets. */
class House {
  readonly clock = new ManualClock(monday)
  readonly all = createMemoryReadings()
  store!: ParquetReadings
  private readonly dir: string
  private readonly options: Partial<ParquetOptions>
  private offset = 0

  constructor(dir: string, options: Partial<ParquetOptions> = {}) {
    this.dir = dir
    this.options = options
  }

  async open(): Promise<this> {
    this.store = await open({ dir: this.dir, clock: this.clock, ...this.options })
    return this
  }

  async add(events: readonly ReadingEvent[]): Promise<void> {
    const batch = { events, end: { segment: 1, offset: ++this.offset } }
    this.store.apply(batch, true)
    this.all.apply(batch, true)
    await this.store.seal()
  }

  /** Readings of a node at an even pace, values in eighths so that their sums are exact. */
  readings(node: string, from: number, count: number, stepMs: number): ReadingEvent[] {
    return Array.from({ length: count }, (_, i) => {
      const time = from + i * stepMs
      const t = (Math.abs(Math.imul(i + node.length, 2_654_435_761)) % 400) / 8
      return { kind: 'reading', node, arrived: this.clock.wall, time, boot: 7, seq: i, names: ['t', 'h'], values: [t, i % 3] }
    })
  }

  limits(change: Partial<KeepLimits>): KeepLimits {
    return { ...keepAll, ...change }
  }
}

const sorted = ({ bucketMs, series }: RangeResult): RangeResult => ({
  bucketMs,
  series: Object.fromEntries(Object.entries(series).sort(([a], [b]) => (a < b ? -1 : 1))),
})

describe('readings that are too old', () => {
  test('go, and their hours (min, mean, max, count) are those the readings had', async () => {
    const house = await new House(await fresh()).open()
    await house.add(house.readings('slow', monday, 14 * 24 * 60, 60_000))
    await house.add(house.readings('fast', monday + dayMs, 30_000, 2_000))
    house.clock.advance(60 * dayMs)
    await house.store.tidy()
    await house.store.sweep(house.limits({ rawAgeMs: 7 * dayMs }))
    expect(await exported(house.store)).toEqual([])
    expect(house.store.stats()).toMatchObject({ files: 0, rows: 0, bytes: 0, quarantined: [] })
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
    const minutes = await rollups(house.store, '1m')
    expect(minutes).toEqual(await rollups(house.all, '1m', { nodes: ['fast'] })) // slower than one in 5 s: hours only
    expect(minutes.length).toBe(1000)
  })

  test('are in the view that other programs read', async () => {
    const dir = await fresh()
    const house = await new House(dir).open()
    await house.add(house.readings('a', monday, 5_000, 2_000))
    house.clock.advance(60 * dayMs)
    await house.store.sweep(house.limits({ rawAgeMs: 7 * dayMs }))
    await house.add(house.readings('a', monday + 59 * dayMs, 10, 2_000))
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`SET file_search_path = '${dir}'`)
    await connection.run(await readFile(join(dir, 'view.sql'), 'utf8'))
    const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJS()
    for (const [view, buckets] of [
      ['kept_1h', 3],
      ['kept_1m', 167],
    ] as const)
      expect(await ask(`SELECT count(*)::INT, sum(count)::INT FROM ${view} WHERE node = 'a' AND sensor = 't'`)).toEqual([
        [buckets, 5_000],
      ])
    expect(await ask('SELECT count(*)::INT FROM telemetry')).toEqual([[10]])
    connection.closeSync()
    instance.closeSync()
  })

  test('are told, with what, how many, of when and why, also after a restart', async () => {
    const dir = await fresh()
    const house = await new House(dir).open()
    await house.add(house.readings('a', monday, 3 * 1440, 60_000))
    house.clock.advance(30 * dayMs)
    await house.store.sweep(house.limits({ rawAgeMs: 14 * dayMs }))
    const expected = [
      {
        id: 1,
        time: house.clock.wall,
        what: 'raw',
        rows: 3 * 1440,
        bytes: expect.any(Number),
        from: monday,
        to: monday + (3 * 1440 - 1) * 60_000,
        why: 'age',
      },
    ]
    expect(house.store.sweeps()).toEqual(expected)
    await house.store.close()
    await house.open()
    expect(house.store.sweeps()).toEqual(expected)
    expect(house.store.goneBefore()).toBe(monday + (3 * 1440 - 1) * 60_000 + 1)
  })

  test('go out of memory too, where no reading came since that would have sealed them', async () => {
    const house = await new House(await fresh()).open()
    const batch = { events: house.readings('a', monday, 100, 60_000), end: { segment: 1, offset: 1 } }
    house.store.apply(batch, true)
    house.all.apply(batch, true)
    const limits = house.limits({ rawAgeMs: 7 * dayMs })
    house.clock.advance(6 * dayMs)
    await house.store.sweep(limits)
    expect(house.store.stats().hotRows).toBe(100)
    house.clock.advance(9 * dayMs)
    await house.store.sweep(limits)
    expect(await exported(house.store)).toEqual([])
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
  })

  test('are all told when three years go at once', { timeout: 60_000 }, async () => {
    const house = await new House(await fresh()).open()
    await house.add(house.readings('a', monday - 156 * weekMs, 156 * 7, dayMs))
    house.clock.advance(8 * dayMs)
    await house.store.sweep(house.limits({ rawAgeMs: 7 * dayMs }))
    const sweeps = house.store.sweeps()
    expect(sweeps.length).toBe(156)
    expect(sweeps.reduce((sum, { rows }) => sum + rows, 0)).toBe(156 * 7)
    house.clock.advance(60 * dayMs)
    await house.add(house.readings('a', monday + dayMs, 5, 1_000))
    house.clock.advance(60 * dayMs)
    await house.store.sweep(house.limits({ rawAgeMs: 7 * dayMs }))
    expect(house.store.sweeps().map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => 58 + i))
  })

  test('stay seven days after they arrived, whatever their time says and however full it is', async () => {
    const house = await new House(await fresh()).open()
    await house.add(house.readings('a', Date.UTC(2024, 0, 10), 10, 1_000)) // the contract's example is from 2024
    const limits = house.limits({ rawAgeMs: 7 * dayMs, rawBytes: 1 })
    for (let hours = 0; hours < 7 * 24; hours += 12) {
      await house.store.sweep(limits)
      expect((await exported(house.store)).length).toBe(10)
      house.clock.advance(12 * hourMs)
    }
    await house.store.sweep(limits)
    expect(await exported(house.store)).toEqual([])
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
  })

  test('that a clock without a battery dated are spared from the first look of a right one on', async () => {
    const house = await new House(await fresh()).open()
    const now = house.clock.wall
    house.clock.wall = 5_000
    await house.add(house.readings('a', Date.UTC(2025, 0, 10), 10, 1_000))
    house.clock.wall = now
    const limits = house.limits({ rawAgeMs: 7 * dayMs })
    await house.store.sweep(limits)
    house.clock.advance(6 * dayMs)
    await house.store.sweep(limits)
    expect((await exported(house.store)).length).toBe(10)
    house.clock.advance(2 * dayMs)
    await house.store.sweep(limits)
    expect((await exported(house.store)).length).toBe(0)
  })

  test('that come late into a week that is gone are kept, then added to its roll-ups exactly', async () => {
    const house = await new House(await fresh()).open()
    const limits = house.limits({ rawAgeMs: 14 * dayMs })
    await house.add(house.readings('a', monday, 5_000, 2_000))
    house.clock.advance(30 * dayMs)
    await house.store.sweep(limits)
    for (let late = 1; late <= 3; late++) {
      await house.add(house.readings('a', monday + late * 300, 4_000, 2_000))
      expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
      house.clock.advance(8 * dayMs)
      await house.store.tidy()
      await house.store.sweep(limits)
      expect(await exported(house.store)).toEqual([])
      for (const kind of ['1h', '1m'] as const) expect(await rollups(house.store, kind)).toEqual(await rollups(house.all, kind))
    }
    await house.store.tidy()
    expect(house.store.stats().rollups.files).toBe(2) // put together again: hours and minutes of one week
    for (const kind of ['1h', '1m'] as const) expect(await rollups(house.store, kind)).toEqual(await rollups(house.all, kind))
  })

  test('late rows that never end keep no older ones alive', async () => {
    const house = await new House(await fresh()).open()
    const limits = house.limits({ rawAgeMs: 14 * dayMs })
    await house.add(house.readings('a', monday, 1_000, 2_000))
    house.clock.advance(40 * dayMs)
    for (let day = 0; day < 30; day++) {
      await house.add(house.readings('b', monday + day * 60_000, 20, 1_000))
      house.clock.advance(dayMs)
      await house.store.tidy()
      await house.store.sweep(limits)
      expect(house.store.stats().files).toBeLessThanOrEqual(3)
    }
    expect(house.store.stats().rows).toBeLessThanOrEqual(14 * 20)
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
  })
})

describe('readings that are too many', () => {
  test('go from the oldest on until the rest fits, week by week, and no more', async () => {
    const house = await new House(await fresh()).open()
    for (let week = 0; week < 12; week++) {
      await house.add(house.readings('a', house.clock.wall, 7 * 1440, 60_000))
      house.clock.advance(weekMs)
    }
    house.clock.advance(60 * dayMs)
    await house.store.tidy()
    const { bytes } = house.store.stats()
    await house.store.sweep(house.limits({ rawBytes: bytes / 2 }))
    const left = house.store.stats()
    expect(left.bytes).toBeLessThanOrEqual(bytes / 2)
    expect(left.bytes).toBeGreaterThan(bytes / 3)
    expect(left.files).toBe(6)
    expect((await exported(house.store))[0]).toMatchObject({ time: monday + 6 * weekMs })
    expect(house.store.sweeps().map(({ why, from }) => [why, from])).toEqual(
      Array.from({ length: 6 }, (_, week) => ['size', monday + week * weekMs]),
    )
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
  })
})

describe('roll-ups', () => {
  test('go by their own age, each with its record, and what rows still say is no loss', async () => {
    const house = await new House(await fresh()).open()
    await house.add(house.readings('a', monday, 5_000, 2_000))
    house.clock.advance(100 * dayMs)
    const limits = house.limits({ rawAgeMs: 30 * dayMs, minuteAgeMs: 200 * dayMs, hourAgeMs: yearMs })
    await house.store.sweep(limits)
    expect(house.store.stats().rollups.files).toBe(2)
    house.clock.advance(120 * dayMs)
    await house.store.sweep(limits)
    expect(await rollups(house.store, '1m')).toEqual([])
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
    house.clock.advance(yearMs)
    await house.store.sweep(limits)
    expect(await rollups(house.store, '1h')).toEqual([])
    expect(house.store.sweeps().map(({ what, why }) => `${what} ${why}`)).toEqual(['raw age', '1m age', '1h age'])
    expect(house.store.stats()).toMatchObject({ files: 0, rollups: { files: 0, bytes: 0 } })
  })

  test('of ten years are few files', { timeout: 60_000 }, async () => {
    const dir = await fresh()
    const house = await new House(dir).open()
    const limits = house.limits({ rawAgeMs: 30 * dayMs, minuteAgeMs: 60 * dayMs, hourAgeMs: 10 * yearMs })
    for (let week = 0; week < 96; week++) {
      await house.add(house.readings('a', house.clock.wall, 168, hourMs))
      house.clock.advance(weekMs)
      if (week % 8 !== 7) continue
      await house.store.tidy()
      await house.store.sweep(limits)
    }
    await house.store.tidy()
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
    expect((await readdir(join(dir, 'rollups'))).length).toBeLessThan(30)
    const { series } = await house.store.range({ node: 'a', sensors: ['t'], from: 0, to: house.clock.wall, points: 500 })
    expect(series['t']!.count.reduce((a, b) => a + b)).toBe(96 * 168)
  })

  test('of a removed node go with it, those of others stay', async () => {
    const house = await new House(await fresh()).open()
    for (const node of ['a', 'b']) await house.add(house.readings(node, monday, 3_000, 2_000))
    await house.add(house.readings('a', monday + 5 * weekMs, 3_000, 2_000))
    house.clock.advance(100 * dayMs)
    await house.store.tidy()
    await house.store.sweep(house.limits({ rawAgeMs: 90 * dayMs }))
    await house.store.remove('a')
    await house.all.remove('a')
    expect(await rollups(house.store, '1h')).toEqual(await rollups(house.all, '1h'))
    expect(await rollups(house.store, '1m')).toEqual(await rollups(house.all, '1m'))
    const { series } = await house.store.range({ node: 'a', sensors: null, from: 0, to: house.clock.wall, points: 500 })
    expect(series).toEqual({})
  })
})

/** Every answer over roll-ups is that of all rows, as far as its buckets can be. */
describe('a range', () => {
  /** In the store's own buckets, from the rows. */
  async function byHand(all: ReadingsStore, query: RangeQuery, bucketMs: number): Promise<RangeResult['series']> {
    const series: Record<string, { time: number[]; min: number[]; mean: number[]; max: number[]; count: number[] }> = {}
    const sums: Record<string, number[]> = {}
    for (const row of await all.rows(query.node, query.from, query.to))
      for (const [i, name] of row.names.entries()) {
        if (query.sensors && !query.sensors.includes(name)) continue
        const one = (series[name] ??= { time: [], min: [], mean: [], max: [], count: [] })
        const sum = (sums[name] ??= [])
        const start = Math.floor(row.time / bucketMs) * bucketMs
        const value = row.values[i]!
        const at = one.time.length - 1
        if (one.time[at] !== start) {
          one.time.push(start)
          one.min.push(value)
          one.max.push(value)
          one.count.push(1)
          sum.push(value)
        } else {
          one.min[at] = Math.min(one.min[at]!, value)
          one.max[at] = Math.max(one.max[at]!, value)
          one.count[at]!++
          sum[at]! += value
        }
      }
    for (const [name, one] of Object.entries(series)) one.mean = sums[name]!.map((sum, i) => sum / one.count[i]!)
    return series
  }

  test('over gone and present readings is one seamless answer, equal to that of all readings', async () => {
    const random = seeded(11)
    const house = await new House(await fresh(), { rollupAbove: 0, readOutright: 0 }).open()
    await house.add(house.readings('fast', monday, 20_000, 2_000))
    await house.add(house.readings('slow', monday, 30 * 1440, 60_000))
    await house.add(house.readings('fast', monday + 20 * dayMs, 20_000, 2_000))
    house.clock.advance(60 * dayMs)
    await house.store.tidy()
    await house.store.sweep(house.limits({ rawAgeMs: 46 * dayMs }))
    await house.add(house.readings('fast', monday + 500, 200, 2_000)) // late, into a week that is gone
    house.store.apply({ events: house.readings('slow', monday + 40 * dayMs, 50, 60_000), end: { segment: 9, offset: 1 } }, true)
    house.all.apply({ events: house.readings('slow', monday + 40 * dayMs, 50, 60_000), end: { segment: 9, offset: 1 } }, true)
    expect(house.store.stats().files).toBeGreaterThan(1)
    for (const node of ['fast', 'slow'])
      for (let round = 0; round < 25; round++) {
        const from = monday + random.below(30) * hourMs
        const to = from + (1 + random.below(45 * 24)) * hourMs
        const query = { node, sensors: round % 3 ? null : ['t'], from, to, points: 2 + random.below(2_000) }
        const { bucketMs, series } = await house.store.range(query)
        if (bucketMs === 0) expect((await house.store.range({ ...query, to })).bucketMs).toBe(0)
        else {
          expect(bucketMs % (node === 'fast' ? 60_000 : hourMs)).toBe(0)
          expect(sorted({ bucketMs, series }).series).toEqual(
            sorted({ bucketMs, series: await byHand(house.all, query, bucketMs) }).series,
          )
          for (const one of Object.values(series)) expect(one.time.length).toBeLessThanOrEqual(query.points)
        }
      }
    const one = await house.store.range({ node: 'slow', sensors: ['t'], from: 0, to: house.clock.wall, points: 1 })
    expect(one.series['t']!.count).toEqual([30 * 1440 + 50])
  })

  test('of many rows asks the roll-ups that say them again, and answers the same', async () => {
    const dir = await fresh()
    const house = await new House(dir, { readOutright: 0 }).open()
    await house.add(house.readings('a', monday, 9 * 7 * 1440, 60_000))
    await house.add(house.readings('a', monday + 9 * weekMs, 50_000, 2_000))
    house.clock.advance(120 * dayMs)
    await house.store.tidy()
    const query = { node: 'a', sensors: null, from: monday + 5 * hourMs, to: house.clock.wall, points: 120 }
    const before = sorted(await house.store.range(query))
    await house.store.close()
    const above = await openParquetReadings({
      dir,
      clock: house.clock,
      ballastBytes: 0,
      backgroundAfterMs: null,
      rollupAbove: 1_000,
    })
    stores.push(above)
    expect(above.stats().rollups.files).toBeGreaterThan(9)
    expect(sorted(await above.range(query))).toEqual(before)
    expect(sorted(await house.all.range(query))).toEqual(before)
    // A late row makes the week's roll-up stale at once; and it is made again.
    const late = { events: house.readings('a', monday + 10 * dayMs + 7, 3, 1_000), end: { segment: 5, offset: 1 } }
    above.apply(late, true)
    house.all.apply(late, true)
    for (let step = 0; step < 3; step++) {
      expect(sorted(await above.range(query))).toEqual(sorted(await house.all.range(query)))
      await (step === 0 ? above.seal() : above.tidy())
    }
  })
})
