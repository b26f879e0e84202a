import { afterEach, describe, expect, test } from 'vitest'
import type { JournalEvent, ReadingEvent } from '../contract/events.ts'
import type { ExportQuery, RangeQuery, ReadingsStore, RollupKind, RollupRow, Row } from './readings.ts'

/** What every readings store must do. `afterBatch` runs behind each batch: an implementation that moves rows (seals, flushes)
 *  passes the suite also while it does so all the time. */
export interface Subject {
  readonly open: () => Promise<ReadingsStore>
  readonly afterBatch?: (store: ReadingsStore) => Promise<void>
}

const noon = Date.UTC(2024, 0, 10, 12)

/** A reading event, short to write: `reading('01', noon, { t: 1 }, 7, 0)`. */
export function reading(
  node: string,
  time: number,
  fields: Record<string, number>,
  boot: number | null = null,
  seq: number | null = null,
): ReadingEvent {
  return { kind: 'reading', node, arrived: time + 20, time, boot, seq, names: Object.keys(fields), values: Object.values(fields) }
}

/** A row without regard to the order of its fields. */
export const plain = (row: Row): object => ({
  node: row.node,
  time: row.time,
  boot: row.boot,
  seq: row.seq,
  fields: Object.fromEntries([...row.names].sort().map(name => [name, row.values[row.names.indexOf(name)]])),
})

export async function exported(store: ReadingsStore, query: Partial<ExportQuery> = {}): Promise<object[]> {
  const rows: object[] = []
  for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null, ...query }))
    rows.push(...chunk.map(plain))
  return rows
}

export async function rollups(store: ReadingsStore, kind: RollupKind, query: Partial<ExportQuery> = {}): Promise<RollupRow[]> {
  const rows: RollupRow[] = []
  for await (const chunk of store.exportRollups({ nodes: null, sensors: null, from: null, to: null, ...query }, kind))
    rows.push(...chunk)
  return rows
}

export function readingsSuite(name: string, subject: Subject): void {
  describe(name, () => {
    const open: ReadingsStore[] = []
    afterEach(async () => {
      for (const store of open.splice(0)) await store.close()
    })

    /** Opens a store and applies the batches in order. */
    const filled = async (...batches: readonly (readonly JournalEvent[])[]): Promise<ReadingsStore> => {
      const store = await subject.open()
      open.push(store)
      let offset = 0
      for (const events of batches) {
        store.apply({ events, end: { segment: 1, offset: (offset += 100) } }, true)
        await subject.afterBatch?.(store)
      }
      return store
    }
    const range = (store: ReadingsStore, query: Partial<RangeQuery> = {}) =>
      store.range({ node: '01', sensors: null, from: noon, to: noon + 86_400_000, points: 500, ...query })

    test('a reading is found at its time, with boot, seq and fields', async () => {
      const store = await filled([reading('01', noon, { t: 22.5, h: 45 }, 7, 4_294_967_295)])
      const expected = { node: '01', time: noon, boot: 7, seq: 4_294_967_295, fields: { t: 22.5, h: 45 } }
      expect((await store.rows('01', noon, noon + 1)).map(plain)).toEqual([expected])
      const at = store.rowAt('01', noon)
      if (at !== undefined) expect(plain(at!)).toEqual(expected)
      expect(await exported(store)).toEqual([expected])
    })

    test('where there is no row, rowAt says so or sends to the files, and rows are none', async () => {
      const store = await filled([reading('01', noon, { t: 1 }), reading('01', noon + 10, { t: 1 })])
      expect(store.rowAt('01', noon + 11)).toBeNull()
      expect(store.rowAt('02', noon)).toBeNull()
      expect([null, undefined]).toContain(store.rowAt('01', noon + 5))
      expect(await store.rows('01', noon + 1, noon + 10)).toEqual([])
      expect(await store.rows('02', 0, noon * 2)).toEqual([])
    })

    test('fields of one (node, time) merge into one row, with boot and seq of the first', async () => {
      const store = await filled(
        [reading('01', noon, { t: 1 }, 7, 0), reading('01', noon + 1000, { t: 2 }, 7, 1)],
        [reading('01', noon, { h: 5 }, 8, 3)],
        [reading('01', noon, { p: 9 })],
      )
      const merged = { node: '01', time: noon, boot: 7, seq: 0, fields: { h: 5, p: 9, t: 1 } }
      expect((await store.rows('01', noon, noon + 1)).map(plain)).toEqual([merged])
      const at = store.rowAt('01', noon)
      if (at !== undefined) expect(plain(at!)).toEqual(merged)
      expect(await exported(store, { to: noon + 1 })).toEqual([merged])
      const { series } = await range(store)
      expect(series['t']!.time).toEqual([noon, noon + 1000])
      expect(series['h']!.time).toEqual([noon])
    })

    test('a first reading without boot and seq keeps them null', async () => {
      const store = await filled([reading('01', noon, { t: 1 })], [reading('01', noon, { h: 2 }, 5, 6)])
      expect((await store.rows('01', noon, noon + 1)).map(plain)).toEqual([
        { node: '01', time: noon, boot: null, seq: null, fields: { h: 2, t: 1 } },
      ])
    })

    test('a value that comes again is stored and counted once, the first one stays', async () => {
      const store = await filled(
        [reading('01', noon, { t: 1 }, 7, 0)],
        [reading('01', noon, { t: 3 }, 7, 0)],
        [reading('01', noon, { t: 1 }, 7, 0)],
      )
      expect((await store.rows('01', noon, noon + 1)).map(plain)).toEqual([
        { node: '01', time: noon, boot: 7, seq: 0, fields: { t: 1 } },
      ])
      expect((await range(store)).series['t']).toEqual({ time: [noon], min: [1], mean: [1], max: [1], count: [1] })
    })

    test('repeated values are counted once in buckets too', async () => {
      const batch = Array.from({ length: 100 }, (_, i) => reading('01', noon + i * 1000, { t: i }))
      const store = await filled(batch, batch.slice(20, 70))
      const { bucketMs, series } = await range(store, { points: 10 })
      expect(bucketMs).toBeGreaterThan(0)
      expect(series['t']!.count.reduce((a, b) => a + b)).toBe(100)
    })

    test('other events leave no rows', async () => {
      const store = await filled([
        { kind: 'settled', node: '01', arrived: noon, time: noon, boot: 1, seq: 1 },
        { kind: 'counts', node: '01', arrived: noon, duplicates: 1, nullValues: 0, ignoredKeys: 0 },
        { kind: 'status', node: '01', arrived: noon, live: true, status: null },
      ])
      expect(await exported(store)).toEqual([])
      expect(store.lastTime('01')).toBeNull()
      expect(store.stats().rows).toBe(0)
    })

    test('latest holds the newest value of each field, whatever the order of arrival', async () => {
      const store = await filled(
        [reading('01', noon, { t: 1, h: 10 }), reading('01', noon + 2000, { t: 3 })],
        [reading('01', noon + 1000, { t: 2, h: 11 }), reading('02', noon, { x: -1 })],
      )
      expect(Object.fromEntries(store.latest('01'))).toEqual({
        t: { value: 3, time: noon + 2000 },
        h: { value: 11, time: noon + 1000 },
      })
      expect(store.latest('03').size).toBe(0)
      expect(store.lastTime('01')).toBe(noon + 2000)
      expect(store.lastTime('03')).toBeNull()
      expect([...store.fieldNames('01')].sort()).toEqual(['h', 't'])
      expect(store.fieldNames('03')).toEqual([])
      expect([...store.nodes()].sort()).toEqual(['01', '02'])
    })

    test('a range of few rows gives them raw', async () => {
      const store = await filled(
        Array.from({ length: 20 }, (_, i) => reading('01', noon + i * 1000, i % 2 ? { t: i, h: 1 } : { t: i })),
      )
      const { bucketMs, series } = await range(store, { from: noon + 5000, to: noon + 10_000, points: 5 })
      expect(bucketMs).toBe(0)
      expect(series).toEqual({
        t: {
          time: [5, 6, 7, 8, 9].map(s => noon + s * 1000),
          min: [5, 6, 7, 8, 9],
          mean: [5, 6, 7, 8, 9],
          max: [5, 6, 7, 8, 9],
          count: [1, 1, 1, 1, 1],
        },
        h: { time: [5, 7, 9].map(s => noon + s * 1000), min: [1, 1, 1], mean: [1, 1, 1], max: [1, 1, 1], count: [1, 1, 1] },
      })
    })

    test('a range of many rows gives at most that many buckets, and no spike vanishes', async () => {
      const rows = Array.from({ length: 5000 }, (_, i) => reading('01', noon + i * 1000, { t: i === 3123 ? 99 : 20 + (i % 2) }))
      const store = await filled(rows.slice(0, 3000), rows.slice(3000))
      for (const points of [1, 2, 7, 500, 4999]) {
        const { bucketMs, series } = await range(store, { points })
        const t = series['t']!
        expect(t.time.length).toBeLessThanOrEqual(points)
        expect(t.count.reduce((a, b) => a + b)).toBe(5000)
        expect(Math.max(...t.max)).toBe(99)
        expect(Math.min(...t.min)).toBe(20)
        const spike = t.max.indexOf(99)
        expect(t.time[spike]!).toBeLessThanOrEqual(noon + 3123_000)
        expect(t.time[spike]! + bucketMs).toBeGreaterThan(noon + 3123_000)
        for (const [i, mean] of t.mean.entries()) expect(mean >= t.min[i]! && mean <= t.max[i]!).toBe(true)
        if (points > 1) expect(t.time.every(time => time % bucketMs === 0)).toBe(true)
      }
    })

    test('buckets without a value are absent', async () => {
      const burst = (at: number) => Array.from({ length: 50 }, (_, i) => reading('01', at + i, { t: i }))
      const store = await filled(burst(noon), burst(noon + 3_600_000))
      const { series } = await range(store, { points: 60 })
      expect(series['t']!.time.length).toBe(2)
      expect(series['t']!.count).toEqual([50, 50])
    })

    test('from is inclusive, to is exclusive', async () => {
      const store = await filled([0, 1, 2, 3].map(i => reading('01', noon + i, { t: i })))
      expect((await store.rows('01', noon + 1, noon + 3)).map(row => row.time)).toEqual([noon + 1, noon + 2])
      expect((await range(store, { from: noon + 1, to: noon + 3 })).series['t']!.time).toEqual([noon + 1, noon + 2])
      expect((await exported(store, { from: noon + 1, to: noon + 3 })).length).toBe(2)
      expect((await range(store, { from: noon + 3, to: noon + 3 })).series).toEqual({})
    })

    test('asked for sensors, it gives these alone, an unknown one empty', async () => {
      const store = await filled([reading('01', noon, { a: 1, b: 2, c: 3 }), reading('01', noon + 1, { c: 4 })])
      const { series } = await range(store, { sensors: ['a', 'c', 'zz'] })
      expect(Object.keys(series).sort()).toEqual(['a', 'c', 'zz'])
      expect(series['c']!.mean).toEqual([3, 4])
      expect(series['zz']!.time).toEqual([])
      expect(await exported(store, { sensors: ['a'] })).toEqual([
        { node: '01', time: noon, boot: null, seq: null, fields: { a: 1 } },
      ])
      expect(await exported(store, { sensors: ['zz'] })).toEqual([])
    })

    test('only rows with an asked sensor count for raw or buckets', async () => {
      const store = await filled(
        Array.from({ length: 300 }, (_, i) => reading('01', noon + i, i % 100 ? { t: i } : { t: i, rare: i })),
      )
      const { bucketMs, series } = await range(store, { sensors: ['rare'], points: 5 })
      expect(bucketMs).toBe(0)
      expect(series['rare']!.mean).toEqual([0, 100, 200])
    })

    test('export goes by time, then node, over all nodes or the asked ones', async () => {
      const store = await filled(
        ['03', '01', '02'].flatMap(node => [2, 0, 1].map(i => reading(node, noon + i, { t: i }))),
        [reading('00', noon + 1, { t: 9 })],
      )
      const keys = (rows: object[]) => rows.map(row => `${(row as Row).time - noon}/${(row as Row).node}`)
      expect(keys(await exported(store))).toEqual([
        '0/01',
        '0/02',
        '0/03',
        '1/00',
        '1/01',
        '1/02',
        '1/03',
        '2/01',
        '2/02',
        '2/03',
      ])
      expect(keys(await exported(store, { nodes: ['03', '00', 'nobody'], from: noon + 1 }))).toEqual(['1/00', '1/03', '2/03'])
      expect(await exported(store, { nodes: [] })).toEqual([])
    })

    test('rows that come late, even years, take their place', async () => {
      const year = 365 * 86_400_000
      const store = await filled(
        [reading('01', noon, { t: 3 }), reading('01', noon + 86_400_000, { t: 4 })],
        [reading('01', noon - year, { t: 1 }), reading('01', noon - 86_400_000, { t: 2 })],
        [reading('01', noon + 43_200_000, { t: 3.5 })],
      )
      expect((await exported(store)).map(row => (row as { fields: { t: number } }).fields.t)).toEqual([1, 2, 3, 3.5, 4])
      expect(store.lastTime('01')).toBe(noon + 86_400_000)
      expect((await range(store, { from: 0, to: noon * 2 })).series['t']!.mean).toEqual([1, 2, 3, 3.5, 4])
    })

    test('names that mean something in SQL, and ids with dashes and underscores, are names like others', async () => {
      const fields = {
        select: 1,
        order: 2,
        group: 3,
        from: 4,
        ts: 5,
        node_id: 6,
        rowid: 7,
        file_name: 8,
        filename: 9,
        known: 10,
        constructor: 11,
      }
      const ids = ['_canary', 'constructor', 'A-b_9', 'a-b_9', '0', 'x'.repeat(32)]
      const store = await filled(ids.map(id => reading(id, noon, fields, 1, 1)))
      for (const node of ids) {
        expect((await store.rows(node, noon, noon + 1)).map(plain)).toEqual([
          { node, time: noon, boot: 1, seq: 1, fields: expect.objectContaining(fields) },
        ])
        expect((await range(store, { node })).series['select']!.mean).toEqual([1])
      }
      expect((await exported(store)).length).toBe(ids.length)
    })

    test('values come back to the last digit', async () => {
      const values = [Number.MIN_VALUE, Number.MAX_VALUE, -0.1, 1 / 3, 2 ** 53, 1e-300, -273.15, 0]
      const store = await filled(values.map((t, i) => reading('01', noon + i, { t })))
      expect((await store.rows('01', noon, noon + 100)).map(row => row.values[0])).toEqual(values)
      expect((await range(store)).series['t']!.mean).toEqual(values)
    })

    test('many nodes with names of their own', async () => {
      const nodes = Array.from({ length: 120 }, (_, n) => `n${n}`)
      const store = await filled(nodes.map((node, n) => reading(node, noon + n, { [`own_${n}`]: n, shared: 1 })))
      expect(store.stats().rows).toBe(120)
      expect((await exported(store)).length).toBe(120)
      expect((await store.rows('n77', noon, noon + 1000)).map(plain)).toEqual([
        { node: 'n77', time: noon + 77, boot: null, seq: null, fields: { own_77: 77, shared: 1 } },
      ])
      expect([...store.fieldNames('n77')].sort()).toEqual(['own_77', 'shared'])
    })

    test('a removed node is gone, the others stay, and it may come again', async () => {
      const store = await filled(
        [reading('01', noon, { t: 1 }), reading('02', noon, { t: 2 })],
        [reading('01', noon + 1, { t: 3 })],
      )
      await store.remove('01')
      expect(await store.rows('01', 0, noon * 2)).toEqual([])
      expect(store.rowAt('01', noon)).toBeNull()
      expect(store.lastTime('01')).toBeNull()
      expect(store.latest('01').size).toBe(0)
      expect(store.nodes()).toEqual(['02'])
      expect((await exported(store)).length).toBe(1)
      store.apply({ events: [reading('01', noon, { t: 7 })], end: { segment: 1, offset: 900 } }, true)
      expect((await store.rows('01', 0, noon * 2)).map(row => row.values)).toEqual([[7]])
    })

    test('an export sees everything applied before it began, also while rows come and move', async () => {
      const store = await filled(Array.from({ length: 3000 }, (_, i) => reading('01', noon + i, { t: i })))
      const times: number[] = []
      let offset = 10_000
      for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: noon + 3000 })) {
        times.push(...chunk.map(row => row.time))
        store.apply(
          { events: [reading('01', noon + 5000 + offset, { t: 1 })], end: { segment: 1, offset: (offset += 100) } },
          true,
        )
        await subject.afterBatch?.(store)
      }
      expect(times).toEqual(Array.from({ length: 3000 }, (_, i) => noon + i))
    })

    test('roll-ups are min, max, sum and count by node and bucket, of all or of the asked ones', async () => {
      const store = await filled(
        [reading('02', noon + 59_999, { t: 1, h: 5 }), reading('01', noon + 60_000, { t: 7 })],
        [reading('02', noon, { t: -3 }), reading('02', noon + 60_000, { t: 4 }), reading('02', noon, { h: 2 })],
      )
      const first = { node: '02', time: noon, names: ['h', 't'], min: [2, -3], max: [5, 1], sum: [7, -2], count: [2, 2] }
      const one = (node: string, t: number) => ({
        node,
        time: noon + 60_000,
        names: ['t'],
        min: [t],
        max: [t],
        sum: [t],
        count: [1],
      })
      expect(await rollups(store, '1m')).toEqual([first, one('01', 7), one('02', 4)])
      expect(await rollups(store, '1h', { nodes: ['02'], sensors: ['t'] })).toEqual([
        { node: '02', time: noon, names: ['t'], min: [-3], max: [4], sum: [2], count: [3] },
      ])
      expect(await rollups(store, '1m', { from: noon + 60_000, nodes: ['01'] })).toEqual([one('01', 7)])
      expect(await rollups(store, '1h', { sensors: ['zz'] })).toEqual([])
      expect(store.goneBefore()).toBe(0)
    })

    test('stats count what is there', async () => {
      const store = await filled(
        [reading('01', noon, { t: 1 }), reading('02', noon, { t: 1 })],
        [reading('01', noon + 1, { t: 1 })],
      )
      expect(store.stats()).toMatchObject({ rows: 3, ok: true, quarantined: [], rollups: { files: 0, bytes: 0 } })
      expect(store.room()).toBeUndefined()
    })
  })
}
