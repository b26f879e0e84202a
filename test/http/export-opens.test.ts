import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildServer } from '../../src/http/server.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import { keepAll } from '../../src/store/parquet/keep-limits.ts'
import { openParquetReadings, type ParquetReadings } from '../../src/store/parquet/parquet.ts'
import { auth, fakeParts, reading } from './fake-parts.ts'

/** What is exported, in the programs people open it with. */
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const python = join(cache, 'tables/bin/python')
const hasPython = existsSync(join(cache, 'tables/ready'))
const monday = Date.UTC(2026, 5, 1)
const dayMs = 86_400_000
const rows = 3_000

let dir: string
let store: ParquetReadings
/** Path by `rollup.format`. */
const files: Record<string, string> = {}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-opens-'))
  const clock = new ManualClock(monday)
  store = await openParquetReadings({ dir: join(dir, 'readings'), clock, ballastBytes: 0, backgroundAfterMs: null })
  const events = Array.from({ length: rows }, (_, i) =>
    reading(i % 2 ? '01' : '02', monday + i * 1_000 + 7, i % 3 ? { t: i / 8, h: 50 } : { t: i / 8 }, i),
  )
  // Half of the readings are gone, their hours are not; the other half came a month later.
  store.apply({ events: events.map(event => ({ ...event, arrived: monday })), end: { segment: 1, offset: 1 } }, true)
  await store.seal()
  clock.advance(30 * dayMs)
  await store.sweep({ ...keepAll, rawAgeMs: 14 * dayMs })
  const later = events.map(event => ({ ...event, time: event.time + 29 * dayMs, arrived: clock.wall }))
  store.apply({ events: later, end: { segment: 1, offset: 2 } }, true)

  const app = await buildServer({ ...fakeParts().parts, store })
  for (const rollup of ['raw', '1h'])
    for (const format of ['csv', 'jsonl', 'parquet']) {
      const got = await app.inject({ url: `/api/export?format=${format}&rollup=${rollup}`, headers: auth })
      expect(got.statusCode).toBe(200)
      const path = join(dir, `${rollup}.${format}`)
      await writeFile(path, got.rawPayload)
      files[`${rollup}.${format}`] = path
    }
  await app.close()
})
afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function ask(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const found = (await connection.runAndReadAll(sql)).getRowsJS()
  connection.closeSync()
  instance.closeSync()
  return found as unknown[][]
}

const hours = 2 * Math.ceil(rows / 3600) * 2

describe.each([
  ['csv', 'read_csv'],
  ['parquet', 'read_parquet'],
])('%s', (format, read) => {
  test('of readings opens in DuckDB with its types and every value', async () => {
    const from = `${read}('${files[`raw.${format}`]}')`
    const types = await ask(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`)
    expect(types.map(([name]) => name)).toEqual(['time', 'node', 'boot', 'seq', 'h', 't'])
    expect(types[0]![1]).toMatch(/^TIMESTAMP/)
    const sums = `SELECT count(*)::INT, sum(t), count(h)::INT, max(seq)::INT, min(epoch_ms(time))::DOUBLE FROM ${from}`
    expect(await ask(sums)).toEqual([[rows, (rows * (rows - 1)) / 16, (rows / 3) * 2, rows - 1, monday + 29 * dayMs + 7]])
  })

  test('of hours opens in DuckDB, the gone readings and the present ones', async () => {
    const from = `${read}('${files[`1h.${format}`]}')`
    const names = await ask(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${from})`)
    expect(names.flat()).toEqual(['time', 'node', 'h_min', 'h_mean', 'h_max', 'h_count', 't_min', 't_mean', 't_max', 't_count'])
    const sums = `SELECT count(*)::INT, sum(t_count)::INT, sum(t_mean * t_count), min(t_min), max(t_max), sum(h_count)::INT FROM ${from}`
    expect(await ask(sums)).toEqual([[hours, 2 * rows, (2 * rows * (rows - 1)) / 16, 0, (rows - 1) / 8, 2 * (rows / 3) * 2]])
  })
})

test.skipIf(!hasPython)('every export opens in pandas and in DuckDB for Python', { timeout: 60_000 }, async () => {
  const script = `
import json, sys, duckdb, pandas as pd
files = json.loads(sys.argv[1])
out = {}
for rollup in ('raw', '1h'):
    frames = {
        'csv': pd.read_csv(files[rollup + '.csv'], parse_dates=['time'], dtype={'node': str}),
        'parquet': pd.read_parquet(files[rollup + '.parquet']),
    }
    value = 't' if rollup == 'raw' else 't_max'
    for name, frame in frames.items():
        at = pd.DatetimeIndex(frame['time'])
        out[rollup + '.' + name] = [len(frame), float(frame[value].max()), sorted(frame['node'].unique()), str(at.tz), int(at.min().timestamp() * 1000)]
    lines = pd.read_json(files[rollup + '.jsonl'], lines=True, dtype={'node': str})
    out[rollup + '.jsonl'] = [len(lines)]
    for name, read in (('csv', 'read_csv'), ('parquet', 'read_parquet')):
        out['duckdb ' + rollup + '.' + name] = duckdb.sql(f"SELECT count(*), max({value}) FROM {read}('{files[rollup + '.' + name]}')").fetchall()[0]
print(json.dumps(out))
`
  const { stdout } = await promisify(execFile)(python, ['-c', script, JSON.stringify(files)])
  const top = (rows - 1) / 8
  const raw = [rows, top, ['01', '02'], 'UTC', monday + 29 * dayMs + 7]
  const rolled = [hours, top, ['01', '02'], 'UTC', monday]
  expect(JSON.parse(stdout)).toEqual({
    'raw.csv': raw,
    'raw.parquet': raw,
    'raw.jsonl': [rows],
    '1h.csv': rolled,
    '1h.parquet': rolled,
    '1h.jsonl': [hours],
    'duckdb raw.csv': [rows, top],
    'duckdb raw.parquet': [rows, top],
    'duckdb 1h.csv': [hours, top],
    'duckdb 1h.parquet': [hours, top],
  })
})
