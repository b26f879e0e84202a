import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalEvent, ReadingEvent } from '../../src/contract/events.ts'
import { openJournal } from '../../src/journal/open.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import { type Backup, beginBackup } from '../../src/manager/backup.ts'
import { openLevelRecords } from '../../src/store/level/level.ts'
import { openParquetReadings } from '../../src/store/parquet/parquet.ts'

/** The disk side of an espalier without its network: what a backup is made of and a restore must open again. */
export interface House {
  readonly clock: ManualClock
  /** Makes so many readings durable, one batch, and applies them. */
  take(count: number): Promise<void>
  seal(): Promise<void>
  write(key: string, value: unknown): Promise<void>
  backup(): Promise<Backup>
  /** All readings, and all records of the collection `things`. */
  content(): Promise<{ readings: string[]; things: (readonly [string, unknown])[] }>
  /** What opening it found wrong. */
  readonly trouble: readonly string[]
  close(): Promise<void>
}

export const start = Date.UTC(2026, 2, 1)
const segmentBytes = 64 * 1024

const readingOf = (n: number): ReadingEvent => ({
  kind: 'reading',
  node: `n${n % 7}`,
  arrived: start + n * 1000,
  time: start + n * 1000,
  boot: 5,
  seq: n,
  names: ['temperature', 'humidity'],
  values: [n / 10, 50 + (n % 9)],
})

export async function openHouse(dir: string): Promise<House> {
  const clock = new ManualClock(start + 10 * 86_400_000)
  const trouble: string[] = []
  const records = await openLevelRecords(join(dir, 'records'), { onDamage: damage => trouble.push(damage.detail) })
  const journal = await openJournal({ dir: join(dir, 'journal'), segmentBytes })
  const store = await openParquetReadings({
    dir: join(dir, 'readings'),
    clock,
    backgroundAfterMs: null,
    ballastBytes: 0,
    onAlarm: alarm => trouble.push(JSON.stringify(alarm)),
  })
  const { damaged } = await journal.replay(store.watermark(), batch => store.apply(batch, false))
  trouble.push(...damaged.map(place => JSON.stringify(place)))
  let next = store.stats().rows
  return {
    clock,
    trouble,
    async take(count) {
      const events: JournalEvent[] = Array.from({ length: count }, () => readingOf(next++))
      const end = await journal.append(events)
      store.apply({ events, end }, true)
    },
    async seal() {
      await store.seal()
      await journal.trim(store.watermark())
    },
    write: (key, value) => records.write([{ collection: 'things', key, value }], { sync: true }),
    backup: () =>
      beginBackup({
        data: dir,
        version: '9.9.9',
        lane: { between: async work => work() },
        journal,
        records,
        store,
        broker: null,
        nodes: () => 7,
        clock,
      }),
    async content() {
      const readings: string[] = []
      for await (const rows of store.export({ nodes: null, sensors: null, from: null, to: null }))
        for (const row of rows) readings.push(JSON.stringify([row.node, row.time, row.boot, row.seq, row.names, [...row.values]]))
      const things: (readonly [string, unknown])[] = []
      for await (const thing of records.list('things')) things.push(thing)
      return { readings, things }
    },
    async close() {
      await store.close()
      await journal.close()
      await records.close()
    },
  }
}

/** A house with files, a journal behind them, records, a CA and a token. */
export async function livedIn(dir: string): Promise<House> {
  const house = await openHouse(dir)
  for (let i = 0; i < 10; i++) await house.take(100)
  await house.seal()
  for (let i = 0; i < 40; i++) {
    await house.take(100)
    await house.write(`key-${String(i).padStart(3, '0')}`, { n: i, text: 'x'.repeat(i * 10) })
  }
  return house
}

/** Every file below with the hash of its content, and every folder. */
export async function fingerprint(dir: string): Promise<string[]> {
  const all = await readdir(dir, { recursive: true, withFileTypes: true })
  const lines = await Promise.all(
    all.map(async entry => {
      const path = join(entry.parentPath, entry.name)
      return entry.isFile()
        ? `${path} ${createHash('sha256')
            .update(await readFile(path))
            .digest('hex')}`
        : path
    }),
  )
  return lines.sort()
}
