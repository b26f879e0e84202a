import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dayOf } from './calendar.ts'
import { createEngine } from './engine.ts'
import { partsOf } from './parts.ts'
import { RowSet } from './row-set.ts'
import { type Library, windows } from './windows.ts'
import { writePart } from './writer.ts'

const noon = Date.UTC(2024, 0, 10, 12)

test('windows stay small where rows lie denser than their files let expect, and together give every row once, in order', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-windows-'))
  const folders = { temporary: join(dir, 'tmp'), final: join(dir, 'raw') }
  for (const folder of Object.values(folders)) await mkdir(folder)
  const engine = createEngine({ spill: folders.temporary, memoryLimitMb: 64 })
  const library: Library = {
    engine,
    folder: folders.final,
    readOutright: 0,
    heal: async (_, error) => {
      throw error
    },
  }
  const rows = new RowSet()
  const hot = new RowSet()
  const add = (set: RowSet, node: string, time: number): void =>
    set.add({ kind: 'reading', node, arrived: time, time, boot: null, seq: null, names: ['t'], values: [1] })
  // 3,000 rows within one second of a day that otherwise has one in each half hour; and one millisecond with 300 nodes.
  for (let i = 0; i < 3000; i++) add(rows, `n${i % 5}`, noon + Math.floor(i / 5))
  for (let i = -24; i < 24; i++) add(rows, 'n0', noon + 900_000 + i * 1_800_000)
  for (let n = 0; n < 300; n++) add(rows, `many${n}`, noon + 3_600_000)
  for (let i = 0; i < 250; i++) add(hot, 'n1', noon + 500 + i * 10)
  const files = []
  const parts = partsOf(rows.slices(null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), dayOf(noon))
  for (const [i, part] of parts.entries())
    files.push(await writePart(engine, part, `${i}.parquet`, { set: 1, rowGroup: 32_768, arrived: 0 }, folders))
  const found: string[] = []
  let end = 0
  let largest = 0
  const wanted = { nodes: null, sensors: null, from: 0, to: Number.MAX_SAFE_INTEGER }
  for await (const slices of windows(library, { files, memory: [hot] }, wanted, 100)) {
    const times = slices.flatMap(({ rows: { times }, from, to }) => [...times.subarray(from, to)])
    largest = Math.max(largest, times.length)
    expect(Math.min(...times)).toBeGreaterThan(end)
    end = Math.max(...times)
    for (const { rows, from, to } of slices) for (let row = from; row < to; row++) found.push(`${rows.node} ${rows.times[row]}`)
  }
  const all = new Set(
    [rows, hot].flatMap(set =>
      [...set.nodes.values()].flatMap(n => Array.from({ length: n.count }, (_, i) => `${n.node} ${n.times[i]}`)),
    ),
  )
  expect(found.length).toBe(all.size)
  expect(new Set(found)).toEqual(all)
  expect(largest).toBe(300) // the one millisecond that can't be cut
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})
