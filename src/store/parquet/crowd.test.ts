import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ReadingEvent } from '../../contract/events.ts'
import { ManualClock } from '../../kit/clock.ts'
import { seeded } from '../../kit/random.ts'
import { openParquetReadings } from './parquet.ts'

const start = Date.UTC(2024, 0, 10)
const dayMs = 86_400_000
const days = 2
const rowsADay = 8_640

/** All at once within DuckDB's 64 MB: seals, merges, exports, and ranges of a node with 120 fields in up to 5,000 buckets. (Before
 *  queries were cut by fields and repeated alone, 4 of 28 ran out of memory.) */
test('a crowd of wide questions is answered while rows come and files are merged', { timeout: 90_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-crowd-'))
  const clock = new ManualClock(start)
  const store = await openParquetReadings({ dir, clock, sealRows: 20_000, ballastBytes: 0, backgroundAfterMs: null })
  const random = seeded(1)
  const wide = Array.from({ length: 120 }, (_, i) => `s${i}`)
  const few = ['t', 'h', 'p']
  let offset = 0
  const day = async (d: number): Promise<void> => {
    for (let i = 0; i < rowsADay; i++) {
      const time = start + d * dayMs + i * 10_000
      const of = (node: string, names: string[]): ReadingEvent => ({
        kind: 'reading',
        node,
        arrived: time,
        time,
        boot: 7,
        seq: d * rowsADay + i,
        names,
        values: names.map(() => random.next()),
      })
      clock.wall = time
      store.apply({ events: [of('n0', few), of('n1', few), of('wide', wide)], end: { segment: 1, offset: ++offset } }, true)
      if (i % 300 === 0) await (store.room() ?? new Promise(resolve => setImmediate(resolve)))
    }
  }
  for (let d = 0; d < days; d++) await day(d)
  await store.seal()
  const ask = async (i: number): Promise<void> => {
    const node = i % 2 ? 'wide' : 'n1'
    const points = i % 4 < 2 ? 500 : 5_000
    const { series } = await store.range({ node, sensors: null, from: start, to: start + days * dayMs, points })
    for (const name of node === 'wide' ? wide : few) expect(series[name]!.count.reduce((a, b) => a + b)).toBe(days * rowsADay)
  }
  const exportAll = async (): Promise<void> => {
    let rows = 0
    for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: start + days * dayMs }))
      rows += chunk.length
    expect(rows).toBe(3 * days * rowsADay)
  }
  await Promise.all([day(days), exportAll(), exportAll(), store.tidy(), ...Array.from({ length: 12 }, (_, i) => ask(i))])
  await store.seal()
  expect(store.stats()).toMatchObject({ ok: true, hotRows: 0, rows: 3 * (days + 1) * rowsADay, quarantined: [] })
  await store.close()
  await rm(dir, { recursive: true, force: true })
})
