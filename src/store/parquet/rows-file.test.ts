import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Row } from '../readings.ts'
import { createEngine, type Engine } from './engine.ts'
import { rowsFile } from './rows-file.ts'

let dir: string
let engine: Engine
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-rows-file-'))
  engine = createEngine({ spill: dir, memoryLimitMb: 64 })
})
afterEach(async () => {
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})

async function* inChunks(rows: readonly Row[], size = 1000): AsyncGenerator<readonly Row[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size)
}

/** The file as another program reads it: the SQL of a DuckDB of its own. */
async function written(rows: readonly Row[], columns: readonly string[]): Promise<(sql: string) => Promise<unknown[]>> {
  const chunks: Uint8Array[] = []
  for await (const chunk of rowsFile(engine, join(dir, 'scratch'), inChunks(rows), columns)) chunks.push(chunk)
  const file = join(dir, 'out.parquet')
  await writeFile(file, Buffer.concat(chunks))
  return sql =>
    engine.read(async connection => (await connection.runAndReadAll(sql.replaceAll('FILE', `'${file}'`))).getRowObjectsJson())
}

const row = (
  time: number,
  node: string,
  fields: Record<string, number>,
  boot: number | null = null,
  seq: number | null = null,
): Row => ({
  node,
  time,
  boot,
  seq,
  names: Object.keys(fields),
  values: Object.values(fields),
})

test('types are those of the interface: time TIMESTAMP(ms, UTC), node VARCHAR, boot and seq UINTEGER, DOUBLEs by name', async () => {
  const query = await written([row(1_704_844_800_123, '01', { b: 2.5 }, 4_294_967_295, 7)], ['a', 'b'])
  expect(await query('SELECT name, type, converted_type, logical_type FROM parquet_schema(FILE) WHERE type IS NOT NULL')).toEqual(
    [
      {
        name: 'time',
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: expect.stringMatching(/isAdjustedToUTC=(1|true).*MILLIS/),
      },
      { name: 'node', type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: null },
      { name: 'boot', type: 'INT32', converted_type: 'UINT_32', logical_type: null },
      { name: 'seq', type: 'INT32', converted_type: 'UINT_32', logical_type: null },
      { name: 'a', type: 'DOUBLE', converted_type: null, logical_type: null },
      { name: 'b', type: 'DOUBLE', converted_type: null, logical_type: null },
    ],
  )
  expect(await query('SELECT typeof(time) AS type, epoch_ms(time) AS ms, node, boot, seq, a, b FROM read_parquet(FILE)')).toEqual(
    [{ type: 'TIMESTAMP WITH TIME ZONE', ms: '1704844800123', node: '01', boot: 4_294_967_295, seq: 7, a: null, b: 2.5 }],
  )
})

test('many pieces become one file in the order they came, and nothing stays behind', async () => {
  const rows = Array.from({ length: 70_000 }, (_, i) => row(i, `n${i % 3}`, { value: i }, null, null))
  const query = await written(rows, ['value'])
  expect(await query('SELECT count(*) AS n, sum(value) AS sum, count(boot) AS boots FROM read_parquet(FILE)')).toEqual([
    { n: '70000', sum: (70_000 * 69_999) / 2, boots: '0' },
  ])
  expect(
    await query(
      'SELECT count(*) AS n FROM (SELECT value, file_row_number AS place FROM read_parquet(FILE, file_row_number = true)) WHERE value <> place',
    ),
  ).toEqual([{ n: '0' }])
  expect(await readdir(join(dir, 'scratch'))).toEqual([])
})

test('no row at all is a file with the columns and nothing in it', async () => {
  const query = await written([], ['odd "name"'])
  expect(await query('SELECT count(*) AS n FROM read_parquet(FILE)')).toEqual([{ n: '0' }])
  expect(await query('SELECT name FROM parquet_schema(FILE) WHERE type IS NOT NULL')).toContainEqual({ name: 'odd "name"' })
})

test('a reader that goes away early leaves nothing behind', async () => {
  const rows = Array.from({ length: 40_000 }, (_, i) => row(i, '01', { value: Math.sin(i) }))
  for await (const _ of rowsFile(engine, join(dir, 'scratch'), inChunks(rows), ['value'])) break
  expect(await readdir(join(dir, 'scratch'))).toEqual([])
})
