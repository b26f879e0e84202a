import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ReadingEvent } from '../../src/contract/events.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import {
  openParquetReadings,
  type ParquetOptions,
  type ParquetReadings,
  type StoreAlarm,
} from '../../src/store/parquet/parquet.ts'
import type { Row } from '../../src/store/readings.ts'
import { batchAt } from './store-history.ts'

const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const root = fileURLToPath(new URL('../..', import.meta.url))
const dayMs = 86_400_000
const noon = Date.UTC(2024, 0, 10, 12)
const dirs: string[] = []
const stores: ParquetReadings[] = []

async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-store-faults-'))
  dirs.push(dir)
  return dir
}
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true })
})

async function openStore(dir: string, options: Partial<ParquetOptions> = {}): Promise<ParquetReadings> {
  const store = await openParquetReadings({
    dir,
    clock: new ManualClock(noon),
    ballastBytes: 0,
    backgroundAfterMs: null,
    ...options,
  })
  stores.push(store)
  return store
}

async function everyRow(store: ParquetReadings): Promise<Row[]> {
  const rows: Row[] = []
  for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null })) rows.push(...chunk)
  return rows
}

const reading = (node: string, time: number, t: number): ReadingEvent => ({
  kind: 'reading',
  node,
  arrived: time,
  time,
  boot: null,
  seq: null,
  names: ['t'],
  values: [t],
})

/** Changes one byte of a file for certain. */
async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 0x10
  await file.write(byte, 0, 1, at)
  await file.close()
}

describe('kill -9', () => {
  const cache = join(root, 'node_modules', '.cache', `store-writer-${process.pid}`)
  const bundle = join(cache, 'writer.mjs')
  const children = new Set<ChildProcess>()
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL') // if the test ended before it did
    children.clear()
  })
  beforeAll(async () => {
    const entry = join(root, 'test/faults/store-writer.ts')
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: bundle })
  })
  afterAll(() => rm(cache, { recursive: true, force: true }))

  /** Runs the writer and kills it `afterMs` behind its first line that says `from`; `within`: then as soon as a file is being written. */
  async function runAndKill(dir: string, seed: number, from: string, afterMs: number, within: boolean): Promise<void> {
    const child = spawn(process.execPath, [bundle, dir, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'], cwd: root })
    children.add(child)
    const exited = new Promise<string | null>(resolve => child.once('exit', (_, signal) => resolve(signal)))
    const begun = new Promise<void>(resolve => {
      createInterface({ input: child.stdout }).on('line', line => line === from && resolve())
    })
    await Promise.race([begun, exited])
    await new Promise(resolve => setTimeout(resolve, afterMs)) // the moment itself is what is drawn
    if (within)
      while (child.exitCode === null && readdirSync(join(dir, 'tmp')).length === 0)
        await new Promise(resolve => setImmediate(resolve))
    child.kill('SIGKILL')
    expect(await exited).toBe('SIGKILL') // it did not end by itself
  }

  /** Did it die between a file and the manifest that names it? */
  function halfDone(dir: string): boolean {
    const manifest = existsSync(join(dir, 'manifest.json')) ? readFileSync(join(dir, 'manifest.json'), 'utf8') : ''
    return readdirSync(join(dir, 'tmp')).length > 0 || readdirSync(join(dir, 'raw')).some(name => !manifest.includes(`"${name}"`))
  }

  test('at any moment, also within a seal or a merge, no row is lost and none is there twice', {
    timeout: 120_000 * scale,
  }, async () => {
    const seed = 4711
    const random = seeded(seed)
    const dir = await freshDir()
    let interrupted = 0
    let watermark = 0
    for (let round = 0; round < 10 * scale; round++) {
      await runAndKill(dir, seed, round % 3 === 0 ? 'ready' : 'sealed', random.below(600), round % 2 === 0)
      if (halfDone(dir)) interrupted++
      const store = await openStore(dir)
      const durable = store.watermark().offset
      expect(durable).toBeGreaterThanOrEqual(watermark)
      watermark = durable
      // The journal would replay what lies behind the watermark, and before it too: that changes nothing.
      const last = durable + random.below(80)
      for (let k = Math.max(1, durable - 20); k <= last; k++) store.apply(batchAt(seed, k), false)
      const found = await everyRow(store)
      const written = Array.from({ length: last }, (_, k) => batchAt(seed, k + 1).events as ReadingEvent[]).flat()
      written.sort((a, b) => a.time - b.time || (a.node < b.node ? -1 : 1))
      expect(found.length).toBe(written.length)
      for (const [i, row] of found.entries()) {
        const { node, time, boot, seq, values } = written[i]!
        const t = row.values[row.names.indexOf('t')]
        if (row.node !== node || row.time !== time || row.boot !== boot || row.seq !== seq || t !== values[0])
          throw new Error(
            `seed ${seed}, round ${round}, row ${i}: ${JSON.stringify(row)} instead of ${JSON.stringify(written[i])}`,
          )
      }
      expect(store.stats().quarantined).toEqual([])
      expect(readdirSync(join(dir, 'tmp'))).toEqual([])
      await store.close()
    }
    expect(watermark).toBeGreaterThan(100) // it sealed at all
    expect(interrupted).toBeGreaterThan(0) // and died in the midst of it
  })
})

describe('damaged files', () => {
  const alarms: StoreAlarm[] = []
  const quiet = { onAlarm: (alarm: StoreAlarm) => alarms.push(alarm) }
  afterEach(() => {
    alarms.length = 0
  })

  /** Three days of two nodes, a file a day. */
  async function threeDays(): Promise<{ dir: string; files: string[]; rowsADay: number }> {
    const dir = await freshDir()
    const store = await openStore(dir)
    const rowsADay = 4000
    for (const day of [0, 1, 2])
      store.apply(
        {
          events: Array.from({ length: rowsADay }, (_, i) =>
            reading(`n${i % 2}`, noon + (day - 3) * dayMs + i * 1000, Math.sin(i) * 20),
          ),
          end: { segment: 1, offset: day + 1 },
        },
        true,
      )
    await store.seal()
    await store.close()
    return { dir, files: (await readdir(join(dir, 'raw'))).sort(), rowsADay }
  }
  const byFile = (file: string) => expect.objectContaining({ file, rows: 4000, why: expect.any(String) })

  test('a flipped byte anywhere is found, named and set aside, and all other files are served', async () => {
    const random = seeded(7)
    for (let round = 0; round < 6 * scale; round++) {
      const { dir, files, rowsADay } = await threeDays()
      expect(files.length).toBe(3)
      const bad = files[round % 3]!
      const path = join(dir, 'raw', bad)
      await flip(path, random.below(readFileSync(path).length))
      const store = await openStore(dir, quiet)
      await store.scrub()
      const { quarantined, files: left } = store.stats()
      expect(quarantined).toEqual([byFile(bad)])
      expect(left).toBe(2)
      expect(alarms).toEqual([{ what: 'set_aside', file: quarantined[0] }])
      expect(await readdir(join(dir, 'quarantine'))).toEqual([bad])
      const rows = await everyRow(store)
      expect(rows.length).toBe(2 * rowsADay)
      expect(rows.every(row => row.time < quarantined[0]!.from || row.time > quarantined[0]!.to)).toBe(true)
      await store.close()
      const again = await openStore(dir)
      expect(again.stats().quarantined).toEqual(quarantined) // it is not forgotten
      await again.close()
      alarms.length = 0
    }
  })

  test('a file that breaks a query is set aside, and the query answers from the others', async () => {
    const { dir, files } = await threeDays()
    const store = await openStore(dir, quiet)
    const path = join(dir, 'raw', files[1]!)
    await flip(path, readFileSync(path).length - 1) // the magic number at the end: it can't even be opened
    const { series } = await store.range({ node: 'n0', sensors: null, from: 0, to: noon, points: 100 })
    expect(series['t']!.count.reduce((a, b) => a + b)).toBe(4000)
    expect(store.stats().quarantined).toEqual([byFile(files[1]!)])
    expect((await everyRow(store)).length).toBe(8000)
  })

  test('a cut, an empty and a missing file are named at the start', async () => {
    const { dir, files } = await threeDays()
    await truncate(join(dir, 'raw', files[0]!), 1000)
    await truncate(join(dir, 'raw', files[1]!), 0)
    await rm(join(dir, 'raw', files[2]!))
    const store = await openStore(dir, quiet)
    expect(
      store
        .stats()
        .quarantined.map(({ file }) => file)
        .sort(),
    ).toEqual(files)
    expect(await everyRow(store)).toEqual([])
    expect(store.latest('n0').get('t')!.time).toBe(noon - dayMs + 3998 * 1000) // what the manifest knows stays
    store.apply({ events: [reading('n0', noon, 1)], end: { segment: 2, offset: 1 } }, true)
    await store.seal()
    expect((await everyRow(store)).length).toBe(1)
  })

  test('a merge reads no damaged file: it goes on without it', async () => {
    const { dir, files } = await threeDays()
    const first = await openStore(dir)
    first.apply(
      { events: [0, 1, 2].map(day => reading('late', noon + (day - 3) * dayMs, day)), end: { segment: 2, offset: 1 } },
      true,
    )
    await first.seal()
    await first.close()
    await flip(join(dir, 'raw', files[0]!), 700)
    const store = await openStore(dir, quiet)
    await store.tidy()
    expect(store.stats().quarantined).toEqual([byFile(files[0]!)])
    expect(store.stats().files).toBe(3)
    expect((await everyRow(store)).length).toBe(8003)
  })

  test('what a crash left behind goes at the start', async () => {
    const { dir, files } = await threeDays()
    await writeFile(join(dir, 'tmp', 'day-2024-01-10-99.parquet'), 'half a file')
    await writeFile(join(dir, 'raw', 'day-2024-01-10-98.parquet'), 'a file no manifest names')
    const store = await openStore(dir, quiet)
    expect(await readdir(join(dir, 'tmp'))).toEqual([])
    expect((await readdir(join(dir, 'raw'))).sort()).toEqual(files)
    expect(alarms).toEqual([])
    expect((await everyRow(store)).length).toBe(12_000)
  })

  test('a damaged manifest is read from its copy; without one the error says what to do, and nothing is deleted', async () => {
    const { dir, files } = await threeDays()
    await flip(join(dir, 'manifest.json'), 200)
    const store = await openStore(dir, quiet)
    expect(alarms).toEqual([{ what: 'manifest_copy_used' }])
    expect((await everyRow(store)).length).toBe(12_000)
    await store.close()
    await flip(join(dir, 'manifest.copy.json'), 200)
    await expect(openStore(dir)).rejects.toThrow(/manifest.*restore/)
    expect((await readdir(join(dir, 'raw'))).sort()).toEqual(files)
  })

  test('files without a manifest and its copy are set aside, not deleted, and named', async () => {
    const { dir, files } = await threeDays()
    for (const name of ['manifest.json', 'manifest.copy.json']) await rm(join(dir, name))
    const store = await openStore(dir, quiet)
    expect(alarms).toEqual([{ what: 'manifest_missing', setAside: expect.arrayContaining(files) }])
    expect((await readdir(join(dir, 'quarantine'))).sort()).toEqual(files)
    expect(await everyRow(store)).toEqual([])
  })

  test('what a kill leaves of the very first seal is no damage', async () => {
    const dir = await freshDir()
    await (await openStore(dir)).close()
    await writeFile(join(dir, 'raw', 'day-2024-01-10-1.parquet'), 'a file no manifest names')
    await openStore(dir, quiet)
    expect(alarms).toEqual([])
    expect(await readdir(join(dir, 'raw'))).toEqual([])
  })
})

const canMount = ((): boolean => {
  if (process.getuid?.() !== 0) return false
  const at = join(tmpdir(), `espalier-mount-${process.pid}`)
  try {
    execFileSync('mkdir', ['-p', at])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at], { stdio: 'ignore' })
    execFileSync('umount', [at])
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!canMount)('a full disk (tmpfs, needs root)', () => {
  const mounts: string[] = []
  async function smallDisk(size: string): Promise<string> {
    const dir = await freshDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir])
    mounts.push(dir)
    return dir
  }
  /** Takes all the space that is left. */
  async function fillUp(path: string): Promise<void> {
    await appendFile(path, Buffer.alloc(4096))
    for (const piece of [65_536, 4096, 64])
      for (;;)
        if (
          await appendFile(path, Buffer.alloc(piece)).then(
            () => false,
            () => true,
          )
        )
          break
  }
  afterAll(() => {
    for (const dir of mounts) execFileSync('umount', [dir])
  })

  const noisy = (from: number, count: number): ReadingEvent[] => {
    const random = seeded(from)
    return Array.from({ length: count }, (_, i) => reading(`n${i % 7}`, noon + (from + i) * 10, random.normal()))
  }

  test('rows stay in memory until the bound, then there is no room; with space again all are sealed in the same process', async () => {
    const disk = await smallDisk('4m')
    const dir = join(disk, 'store')
    await mkdir(dir)
    const alarms: StoreAlarm[] = []
    const store = await openStore(dir, { sealRows: 5_000, retryMs: 20, onAlarm: alarm => alarms.push(alarm) })
    await fillUp(join(disk, 'filler'))
    let offset = 0
    while (store.room() === undefined)
      store.apply({ events: noisy(offset * 1000, 1000), end: { segment: 1, offset: ++offset } }, true)
    await expect(store.seal()).rejects.toThrow(/space/i)
    expect(store.stats()).toMatchObject({ ok: false, files: 0, hotRows: 11_000 })
    expect(alarms[0]).toMatchObject({ what: 'seal_failed' })
    expect(await readdir(join(dir, 'tmp'))).toEqual([])
    expect((await everyRow(store)).length).toBe(11_000)
    expect(store.watermark()).toEqual({ segment: 0, offset: 0 })
    const room = store.room()
    await rm(join(disk, 'filler'))
    await room
    expect(store.stats()).toMatchObject({ ok: true })
    expect(alarms.at(-1)).toEqual({ what: 'seal_recovered' })
    await store.seal()
    expect(store.watermark()).toEqual({ segment: 1, offset })
    await store.close()
    const again = await openStore(dir)
    expect(again.stats()).toMatchObject({ ok: true, hotRows: 0, rows: 11_000 })
    expect((await everyRow(again)).length).toBe(11_000)
    await again.close()
  })

  test('the ballast is given up for a seal, and taken again when there is space', async () => {
    const disk = await smallDisk('4m')
    const dir = join(disk, 'store')
    await mkdir(dir)
    const store = await openStore(dir, { sealRows: 100_000, ballastBytes: 1024 * 1024 })
    await fillUp(join(disk, 'filler'))
    store.apply({ events: noisy(0, 20_000), end: { segment: 1, offset: 1 } }, true)
    await store.seal()
    expect(store.stats()).toMatchObject({ ok: true, hotRows: 0 })
    expect(existsSync(join(dir, 'ballast'))).toBe(false)
    await rm(join(disk, 'filler'))
    store.apply({ events: noisy(20_000, 10), end: { segment: 1, offset: 2 } }, true)
    await store.seal()
    expect(existsSync(join(dir, 'ballast'))).toBe(true)
    expect((await everyRow(store)).length).toBe(20_010)
    await store.close()
  })
})
