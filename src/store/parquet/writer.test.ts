import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dayOf } from './calendar.ts'
import { checksum } from './disk.ts'
import { createEngine, type Engine } from './engine.ts'
import { partsOf } from './parts.ts'
import { RowSet, type Slice } from './row-set.ts'
import { writePart } from './writer.ts'

/** What is in the files, read by a plain DuckDB as another program would. */
const noon = Date.UTC(2024, 0, 10, 12)
const today = dayOf(noon)
let dir: string
let engine: Engine
let places: { temporary: string; final: string }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-writer-'))
  places = { temporary: join(dir, 'tmp'), final: join(dir, 'raw') }
  await mkdir(places.temporary)
  await mkdir(places.final)
  engine = createEngine({ spill: places.temporary, memoryLimitMb: 64 })
})
afterAll(async () => {
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})

const all = (rows: RowSet): Slice[] => rows.slices(null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)

async function ask(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll(sql)).getRowsJS()
  connection.closeSync()
  instance.closeSync()
  return rows as unknown[][]
}

const add = (
  rows: RowSet,
  node: string,
  time: number,
  fields: Record<string, number>,
  boot: number | null = null,
  seq: number | null = null,
) =>
  rows.add({ kind: 'reading', node, arrived: time, time, boot, seq, names: Object.keys(fields), values: Object.values(fields) })

test('a file holds exactly the rows, with NULL for what is absent, in the columns other programs expect', async () => {
  const rows = new RowSet()
  add(rows, 'b', noon, { t: 22.5, select: -0.25 }, 4_294_967_295, 0)
  add(rows, 'b', noon + 1, { t: Number.MIN_VALUE })
  add(rows, 'a', noon + 999, { select: 1e300 }, 0, 4_294_967_295)
  const [part] = partsOf(all(rows), today)
  const entry = await writePart(engine, part!, 'small.parquet', { set: 1, rowGroup: 32_768, arrived: noon }, places)
  const path = join(places.final, 'small.parquet')
  expect(await ask(`DESCRIBE SELECT * FROM '${path}'`).then(found => found.map(([name, type]) => `${name} ${type}`))).toEqual([
    'node VARCHAR',
    'time TIMESTAMP WITH TIME ZONE',
    'boot UINTEGER',
    'seq UINTEGER',
    'select DOUBLE',
    't DOUBLE',
  ])
  expect(await ask(`SELECT node, epoch_us(time)::DOUBLE, boot, seq, "select", t FROM '${path}'`)).toEqual([
    ['a', (noon + 999) * 1000, 0, 4_294_967_295, 1e300, null],
    ['b', noon * 1000, 4_294_967_295, 0, -0.25, 22.5],
    ['b', (noon + 1) * 1000, null, null, null, Number.MIN_VALUE],
  ])
  const metadata = await ask(`SELECT DISTINCT compression FROM parquet_metadata('${path}')`)
  expect(metadata).toEqual([['ZSTD']])
  const encodings = await ask(`SELECT encodings FROM parquet_metadata('${path}') WHERE path_in_schema = 'time'`)
  expect(encodings).toEqual([['DELTA_BINARY_PACKED']]) // only Parquet V2 has it: 5.0 against 7.5 bytes a row
  expect(entry).toMatchObject({ rows: 3, from: noon, to: noon + 999, columns: ['select', 't'], ...(await checksum(path)) })
  expect({ ...entry.nodes }).toEqual({
    a: { rows: 1, from: noon + 999, to: noon + 999, boots: [[0, 4_294_967_295, 4_294_967_295]] },
    b: { rows: 2, from: noon, to: noon + 1, boots: [[4_294_967_295, 0, 0]] },
  })
})

test('rows over many chunks and nodes come back in order, each value in its place', async () => {
  const rows = new RowSet()
  for (let n = 0; n < 300; n++) for (let i = 0; i < 37 + n; i++) add(rows, `n${n}`, noon + i * 10, { v: n * 1000 + i }, n, i)
  const [part] = partsOf(all(rows), today)
  await writePart(engine, part!, 'many.parquet', { set: 1, rowGroup: 2_048, arrived: noon }, places)
  const path = join(places.final, 'many.parquet')
  const wrong = await ask(
    `SELECT count(*) FROM '${path}' WHERE v <> boot * 1000 + seq OR node <> 'n' || boot OR epoch_ms(time) <> ${noon}::BIGINT + seq * 10`,
  )
  expect(wrong).toEqual([[0n]])
  expect(await ask(`SELECT count(*), count(DISTINCT node) FROM '${path}'`)).toEqual([[BigInt(rows.count), 300n]])
})

test('300 names of 100 nodes become files of at most 48 columns, none of a node twice', async () => {
  const rows = new RowSet()
  for (let n = 0; n < 100; n++)
    for (let i = 0; i < 50; i++) add(rows, `n${n}`, noon + i, { [`s${n}a`]: i, [`s${n}b`]: i, [`s${n}c`]: i, shared: i })
  const parts = partsOf(all(rows), today)
  expect(parts.length).toBeGreaterThan(6)
  expect(parts.length).toBeLessThan(12)
  expect(new Set(parts.flatMap(part => part.slices.map(slice => slice.rows.node))).size).toBe(100)
  expect(parts.flatMap(part => part.slices).length).toBe(100)
  for (const [i, part] of parts.entries()) {
    expect(part.columns.size).toBeLessThanOrEqual(48)
    await writePart(engine, part, `wide${i}.parquet`, { set: 1, rowGroup: 32_768, arrived: noon }, places)
  }
  const found = await ask(
    `SELECT count(*), sum(shared), count(s7b), count(s99c) FROM read_parquet('${places.final}/wide*.parquet', union_by_name = true)`,
  )
  expect(found).toEqual([[5000n, 100 * (49 * 25), 50n, 50n]])
})

test('one node with 128 names is written all the same, cut by time so that it fits', async () => {
  const rows = new RowSet()
  const names = Array.from({ length: 128 }, (_, i) => `s${i}`)
  const values = names.map((_, i) => i)
  for (let i = 0; i < 40_000; i++)
    rows.add({ kind: 'reading', node: '01', arrived: 0, time: noon + i, boot: null, seq: null, names, values })
  const parts = partsOf(all(rows), today)
  expect(parts.length).toBe(2)
  let written = 0
  for (const [i, part] of parts.entries())
    written += (await writePart(engine, part, `broad${i}.parquet`, { set: 1, rowGroup: 32_768, arrived: noon }, places)).rows
  expect(written).toBe(40_000)
})

test('rows are split at UTC midnight, and what is older than four weeks goes by week', () => {
  const rows = new RowSet()
  const midnight = Date.UTC(2024, 0, 10)
  for (const time of [midnight - 1, midnight, Date.UTC(2023, 10, 6), Date.UTC(2023, 10, 12, 23, 59), Date.UTC(2023, 10, 13)])
    add(rows, '01', time, { t: 1 })
  expect(partsOf(all(rows), today).map(part => [part.period, part.rows])).toEqual([
    ['week-2023-11-06', 2],
    ['week-2023-11-13', 1],
    ['day-2024-01-09', 1],
    ['day-2024-01-10', 1],
  ])
})

test('a write that fails leaves no file', async () => {
  const rows = new RowSet()
  add(rows, '01', noon, { t: 1 })
  const [part] = partsOf(all(rows), today)
  const before = await readdir(places.final)
  await expect(
    writePart(
      engine,
      part!,
      'lost.parquet',
      { set: 1, rowGroup: 32_768, arrived: noon },
      { ...places, final: join(dir, 'nowhere') },
    ),
  ).rejects.toThrow()
  expect(await readdir(places.final)).toEqual(before)
  expect(await readdir(places.temporary)).toEqual([])
})
