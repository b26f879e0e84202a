import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { openParquetReadings, type ParquetReadings, type StoreAlarm } from '../../src/store/parquet/parquet.ts'
import { exported, reading, rollups } from '../../src/store/suite.ts'
import { batchAt, limits, nowAt } from './sweep-history.ts'

const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const root = fileURLToPath(new URL('../..', import.meta.url))
const dayMs = 86_400_000
const monday = Date.UTC(2026, 5, 1)
const dirs: string[] = []
const stores: ParquetReadings[] = []

async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-sweep-faults-'))
  dirs.push(dir)
  return dir
}
async function openStore(dir: string, now: number, alarms: StoreAlarm[] = []): Promise<ParquetReadings> {
  const store = await openParquetReadings({
    dir,
    clock: new ManualClock(now),
    ballastBytes: 0,
    backgroundAfterMs: null,
    onAlarm: alarm => alarms.push(alarm),
  })
  stores.push(store)
  return store
}
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true })
})

describe('kill -9', () => {
  const cache = join(root, 'node_modules', '.cache', `sweep-writer-${process.pid}`)
  const bundle = join(cache, 'writer.mjs')
  const children = new Set<ChildProcess>()
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL') // if the test ended before it did
    children.clear()
  })
  beforeAll(async () => {
    const entry = join(root, 'test/faults/sweep-writer.ts')
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: bundle })
  })
  afterAll(() => rm(cache, { recursive: true, force: true }))

  /** Lets the writer run, and kills it `afterMs` behind its first sweep; `within`: then as soon as a roll-up lies half written. */
  async function runAndKill(dir: string, seed: number, afterMs: number, within: boolean): Promise<void> {
    const child = spawn(process.execPath, [bundle, dir, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'], cwd: root })
    children.add(child)
    const exited = new Promise<string | null>(resolve => child.once('exit', (_, signal) => resolve(signal)))
    const begun = new Promise<void>(resolve => {
      createInterface({ input: child.stdout }).on('line', line => line === 'swept' && resolve())
    })
    await Promise.race([begun, exited])
    await new Promise(resolve => setTimeout(resolve, afterMs)) // the moment itself is what is drawn
    const rollingUp = () => readdirSync(join(dir, 'tmp')).some(name => /^1[mh]-/.test(name))
    if (within) while (child.exitCode === null && !rollingUp()) await new Promise(resolve => setImmediate(resolve))
    child.kill('SIGKILL')
    expect(await exited).toBe('SIGKILL') // it did not end by itself
  }

  /** Did it die between a roll-up and the manifest that names it, or before the taken files were gone? */
  function halfDone(dir: string): boolean {
    const manifest = readFileSync(join(dir, 'manifest.json'), 'utf8')
    const unnamed = ['raw', 'rollups']
      .flatMap(folder => readdirSync(join(dir, folder)))
      .some(name => !manifest.includes(`"${name}"`))
    return unnamed || readdirSync(join(dir, 'tmp')).some(name => /^1[mh]-/.test(name))
  }

  test('in the middle of roll-ups and sweeps loses no reading and counts none twice', { timeout: 120_000 * scale }, async () => {
    const seed = 815
    const random = seeded(seed)
    const dir = await freshDir()
    const model = createMemoryReadings()
    let modelled = 0
    let interrupted = 0
    for (let round = 0; round < 8 * scale; round++) {
      await runAndKill(dir, seed, random.below(300), round % 4 !== 0)
      if (halfDone(dir)) interrupted++
      const first = await openStore(dir, 0)
      const durable = first.watermark().offset
      await first.close()
      const store = await openStore(dir, nowAt(durable))
      const last = Math.max(modelled, durable + random.below(30))
      for (let k = Math.max(1, durable - 20); k <= last; k++) store.apply(batchAt(seed, k), false)
      while (modelled < last) model.apply(batchAt(seed, ++modelled), true)
      expect(await rollups(store, '1h')).toEqual(await rollups(model, '1h'))
      expect(store.stats().quarantined).toEqual([])
      for (const folder of ['raw', 'rollups'])
        for (const name of readdirSync(join(dir, folder)))
          expect(readFileSync(join(dir, 'manifest.json'), 'utf8')).toContain(`"${name}"`)
      await store.sweep(limits)
      await store.tidy()
      expect(await rollups(store, '1h')).toEqual(await rollups(model, '1h'))
      await store.close()
    }
    expect(interrupted).toBeGreaterThan(0)
  })
})

describe('a damaged roll-up', () => {
  /** Four weeks of a node; the first two are taken, the others rolled up. */
  async function fourWeeks() {
    const dir = await freshDir()
    const store = await openStore(dir, monday + 60 * dayMs)
    const model = createMemoryReadings()
    const events = Array.from({ length: 28 * 288 }, (_, i) => reading('a', monday + i * 300_000, { t: (i % 80) / 8 }, 1, i))
    for (const one of [store, model])
      one.apply({ events: events.map(e => ({ ...e, arrived: e.time })), end: { segment: 1, offset: 1 } }, true)
    await store.seal()
    await store.tidy()
    await store.sweep({ ...limits, rawAgeMs: 46 * dayMs })
    expect(store.stats().files).toBe(2)
    await store.close()
    return {
      dir,
      model,
      named: (week: number) => readdirSync(join(dir, 'rollups')).find(name => name.startsWith(`1h-${dateOf(week)}`))!,
    }
  }
  const dateOf = (week: number): string => new Date(monday + week * 7 * dayMs).toISOString().slice(0, 10)

  test('is made again from rows that are there: nothing is lost, and it is said', async () => {
    const { dir, model, named } = await fourWeeks()
    const bad = named(3)
    await flip(join(dir, 'rollups', bad))
    const alarms: StoreAlarm[] = []
    const store = await openStore(dir, monday + 60 * dayMs, alarms)
    await store.scrub()
    expect(alarms).toEqual([{ what: 'rollup_damaged', file: bad, why: expect.any(String) }])
    expect(store.stats().quarantined).toEqual([])
    await store.tidy()
    expect(named(3)).not.toBe(bad)
    expect(await rollups(store, '1h')).toEqual(await rollups(model, '1h'))
  })

  test('in place of rows that are gone is set aside and booked, and all else is answered', async () => {
    const { dir, named } = await fourWeeks()
    await truncate(join(dir, 'rollups', named(0)), 300)
    const alarms: StoreAlarm[] = []
    const store = await openStore(dir, monday + 60 * dayMs, alarms)
    expect(store.stats().quarantined).toMatchObject([{ from: monday, why: expect.stringContaining('300 bytes') }])
    expect(alarms.map(({ what }) => what)).toEqual(['set_aside'])
    expect((await exported(store)).length).toBe(14 * 288)
    const left = await store.range({ node: 'a', sensors: null, from: 0, to: monday + 60 * dayMs, points: 100 })
    expect(left.series['t']!.count.reduce((a, b) => a + b)).toBe(21 * 288)
  })

  async function flip(path: string): Promise<void> {
    const file = await open(path, 'r+')
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, 600)
    byte[0]! ^= 0x10
    await file.write(byte, 0, 1, 600)
    await file.close()
  }
})
