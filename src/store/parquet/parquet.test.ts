import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { exported, plain, reading, readingsSuite } from '../suite.ts'
import { checksum } from './disk.ts'
import { openParquetReadings, type ParquetOptions } from './parquet.ts'

const dirs: string[] = []
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true })
})

const fresh = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-store-'))
  dirs.push(dir)
  return dir
}
const noon = Date.UTC(2024, 0, 10, 12)
const open = async (options: Partial<ParquetOptions> = {}) =>
  openParquetReadings({ dir: await fresh(), clock: new ManualClock(noon), ballastBytes: 0, backgroundAfterMs: null, ...options })

readingsSuite('readings in memory of the Parquet store', { open })
readingsSuite('readings in Parquet files', { open, afterBatch: store => store.seal() })
readingsSuite('readings in Parquet files, summed up by DuckDB', {
  open: () => open({ readOutright: 0 }),
  afterBatch: store => store.seal(),
})
readingsSuite('readings in merged Parquet files', {
  open: () => open({ clock: new ManualClock(noon + 3 * 86_400_000) }),
  afterBatch: async store => {
    await store.seal()
    await (store as Awaited<ReturnType<typeof open>>).tidy()
  },
})

const dayMs = 86_400_000

describe('files', () => {
  test('reach midnight: what a day left in memory becomes its file with the first batch of the next', async () => {
    const dir = await fresh()
    const clock = new ManualClock(noon)
    const store = await open({ dir, clock })
    store.apply({ events: [reading('01', noon, { t: 1 })], end: { segment: 1, offset: 1 } }, true)
    clock.advance(dayMs)
    store.apply({ events: [reading('01', noon + dayMs, { t: 2 })], end: { segment: 1, offset: 2 } }, true)
    await store.close() // waits for the seal under way
    expect((await readdir(join(dir, 'raw'))).map(name => name.slice(0, 14))).toEqual(['day-2024-01-10', 'day-2024-01-11'])
    const again = await open({ dir, clock })
    expect(again.watermark()).toEqual({ segment: 1, offset: 2 })
    await again.close()
  })

  test('a stream in order never has to ask a file, after a restart neither', async () => {
    const dir = await fresh()
    let store = await open({ dir })
    for (let i = 0; i < 50; i++) {
      expect(store.rowAt('01', noon + i)).toBeNull()
      store.apply({ events: [reading('01', noon + i, { t: i })], end: { segment: 1, offset: i + 1 } }, true)
      if (i % 10 === 9) await store.seal()
      if (i % 20 !== 19) continue
      await store.close()
      store = await open({ dir })
    }
    expect(store.rowAt('01', noon + 20)).toBeUndefined()
    await store.close()
  })

  test('a seal without readings still moves the watermark, so that the journal gets shorter', async () => {
    const dir = await fresh()
    const store = await open({ dir })
    const status = { kind: 'status', node: '01', arrived: noon, live: true, status: null } as const
    store.apply({ events: [status], end: { segment: 3, offset: 7 } }, true)
    await store.seal()
    expect(store.watermark()).toEqual({ segment: 3, offset: 7 })
    expect(await readdir(join(dir, 'raw'))).toEqual([])
    const { mtimeMs } = await stat(join(dir, 'manifest.json'))
    await store.seal() // nothing new: nothing is written
    expect((await stat(join(dir, 'manifest.json'))).mtimeMs).toBe(mtimeMs)
    await store.close()
  })

  test('seals that are asked for and seals that come by themselves lose no row to each other', async () => {
    const dir = await fresh()
    const store = await open({ dir, sealRows: 100 })
    const asked: Promise<void>[] = []
    let offset = 0
    for (let i = 0; i < 120; i++) {
      const events = Array.from({ length: 40 }, (_, j) => reading('01', noon + i * 40 + j, { t: j }))
      store.apply({ events, end: { segment: 1, offset: ++offset } }, true)
      if (i % 5 === 0) asked.push(store.seal())
      await new Promise(resolve => setTimeout(resolve, 2)) // so that seals run in between
      if (i % 30 === 7) asked.push(store.remove('nobody'))
    }
    await Promise.all(asked)
    await store.seal()
    await store.close()
    const again = await open({ dir })
    expect(again.stats()).toMatchObject({ hotRows: 0, rows: 120 * 40 })
    expect((await exported(again)).length).toBe(120 * 40)
    await again.close()
  })

  test('many small files of the running day are merged in their place: the first reading stays the first', async () => {
    const store = await open()
    for (let i = 0; i < 10; i++) {
      store.apply({ events: [reading('01', noon, { t: i, [`f${i}`]: i }, i, i)], end: { segment: 1, offset: i + 1 } }, true)
      await store.seal()
    }
    await store.tidy()
    expect(store.stats().files).toBe(2)
    const [row] = await store.rows('01', noon, noon + 1)
    expect(plain(row!)).toMatchObject({ boot: 0, seq: 0, fields: { t: 0, f0: 0, f9: 9 } })
    await store.close()
  })

  test('days become weeks after four of them, and each row is still there', async () => {
    const dir = await fresh()
    const clock = new ManualClock(noon)
    const store = await open({ dir, clock })
    for (let day = 0; day < 14; day++)
      store.apply({ events: [reading('01', noon + day * dayMs, { t: day })], end: { segment: 1, offset: day + 1 } }, true)
    await store.seal()
    expect(store.stats().files).toBe(14)
    clock.advance(60 * dayMs)
    await store.tidy()
    expect((await readdir(join(dir, 'raw'))).map(name => name.slice(0, 15)).sort()).toEqual([
      'week-2024-01-08',
      'week-2024-01-15',
      'week-2024-01-22',
    ])
    expect((await exported(store)).length).toBe(14)
    await store.close()
  })

  test('an export goes on over files that are merged away under it, and these go when it has ended', async () => {
    const dir = await fresh()
    const clock = new ManualClock(noon)
    const store = await open({ dir, clock })
    const count = 120_000 // more than a window of the export
    for (let half = 0; half < 2; half++) {
      const events = Array.from({ length: count / 2 }, (_, i) => reading(`n${i % 3}`, noon + half + i * 100, { t: i }))
      store.apply({ events, end: { segment: 1, offset: half + 1 } }, true)
      await store.seal()
    }
    clock.advance(2 * dayMs)
    const before = await readdir(join(dir, 'raw'))
    let rows = 0
    for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null })) {
      if (rows === 0) await store.tidy()
      rows += chunk.length
    }
    expect(rows).toBe(count)
    expect(store.stats()).toMatchObject({ files: 1, rows: count, quarantined: [] })
    expect((await readdir(join(dir, 'raw'))).filter(name => before.includes(name))).toEqual([])
    await store.close()
  })

  test('a merge that is cut short by close leaves everything as it was', async () => {
    const dir = await fresh()
    const clock = new ManualClock(noon)
    const store = await open({ dir, clock })
    for (let i = 0; i < 2; i++) {
      const events = Array.from({ length: 30_000 }, (_, j) => reading(`n${j % 50}`, noon + i + j * 10, { t: j }))
      store.apply({ events, end: { segment: 1, offset: i + 1 } }, true)
      await store.seal()
    }
    clock.advance(2 * dayMs)
    const tidying = store.tidy()
    await store.close()
    await tidying
    const again = await open({ dir, clock })
    expect(again.stats()).toMatchObject({ files: 2, rows: 60_000, quarantined: [] })
    expect((await readdir(join(dir, 'raw'))).length).toBe(2)
    await again.tidy()
    expect(again.stats()).toMatchObject({ files: 1, rows: 60_000 })
    await again.close()
  })

  test('a snapshot holds its files until it is let go, and opens elsewhere as the store it was', async () => {
    const dir = await fresh()
    const clock = new ManualClock(noon)
    const store = await open({ dir, clock })
    for (let i = 0; i < 2; i++) {
      store.apply({ events: [reading('01', noon + i, { t: i })], end: { segment: 1, offset: i + 1 } }, true)
      await store.seal()
    }
    const snapshot = store.snapshot()
    clock.advance(2 * dayMs)
    await store.tidy()
    const copy = await fresh()
    await mkdir(join(copy, 'raw'))
    for (const { name, path, bytes, crc } of snapshot.files) {
      expect(await checksum(path)).toEqual({ bytes, crc })
      await copyFile(path, join(copy, name))
    }
    await writeFile(join(copy, 'manifest.json'), snapshot.manifest)
    await snapshot.release()
    expect((await readdir(join(dir, 'raw'))).length).toBe(1)
    await store.close()
    const again = await open({ dir: copy, clock })
    expect(again.watermark()).toEqual({ segment: 1, offset: 2 })
    expect((await exported(again)).length).toBe(2)
    expect(again.stats().quarantined).toEqual([])
    await again.close()
  })

  test('another program reads them through the view', async () => {
    const dir = await fresh()
    const store = await open({ dir })
    store.apply(
      { events: [reading('01', noon, { t: 1 }), reading('02', noon - dayMs, { h: 2 })], end: { segment: 1, offset: 1 } },
      true,
    )
    await store.seal()
    await store.close()
    const view = await readFile(join(dir, 'view.sql'), 'utf8')
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`SET file_search_path = '${dir}'`)
    await connection.run(view)
    const found = await connection.runAndReadAll('SELECT node, t, h FROM telemetry ORDER BY node')
    expect(found.getRowsJS()).toEqual([
      ['01', 1, null],
      ['02', null, 2],
    ])
    connection.closeSync()
    instance.closeSync()
  })

  test('files and folders are their owner’s alone', async () => {
    const dir = await fresh()
    const store = await open({ dir, ballastBytes: 4096 })
    store.apply({ events: [reading('01', noon, { t: 1 })], end: { segment: 1, offset: 1 } }, true)
    await store.seal()
    await store.close()
    for (const name of await readdir(dir, { recursive: true })) {
      const { mode, size } = await stat(join(dir, name))
      expect([name, size >= 0 && mode & 0o077]).toEqual([name, 0])
    }
  })
})
