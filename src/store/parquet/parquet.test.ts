import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { readingsSuite } from '../suite.ts'
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
