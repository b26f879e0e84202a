import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { ReadingEvent } from '../src/contract/events.ts'
import { ManualClock } from '../src/kit/clock.ts'
import { seeded } from '../src/kit/random.ts'
import { openParquetReadings, type ParquetReadings } from '../src/store/parquet/parquet.ts'

/** The readings store in numbers: rows applied a second, what a seal costs, how long questions take over 30 days of 20 nodes at one reading
 *  in 10 s (5.2 M rows). Beside each question the limit: the same buckets from the node's rows lying in two plain typed arrays. */
const start = Date.UTC(2024, 0, 1)
const dayMs = 86_400_000
const names = ['temperature', 'humidity', 'pressure', 'light', 'battery', 'wifi_rssi', 'uptime']
const days = Number(process.env.BENCH_DAYS ?? 30)

/** A random walk a node, rounded as sensors are. */
function walkers(nodes: number): (time: number, node: number) => ReadingEvent {
  const random = seeded(1)
  const state = Array.from({ length: nodes }, () => [20, 50, 1013, 300, 3.9])
  const seqs = new Uint32Array(nodes)
  return (time, node) => {
    const walk = state[node]!
    for (let i = 0; i < 5; i++) walk[i]! += (random.next() - 0.5) * 0.2
    const values = [...walk.map(value => Math.round(value * 10) / 10), -60 - random.below(8), Math.floor(time / 1000) % 1e6]
    const jittered = time + random.below(40) - 20
    return { kind: 'reading', node: `n${node}`, arrived: time, time: jittered, boot: 77, seq: seqs[node]!++, names, values }
  }
}

const rss = (): string => `${Math.round(process.memoryUsage().rss / 1e6)} MB`
const round = (value: number): number => (value < 10 ? Math.round(value * 100) / 100 : Math.round(value))
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

async function within<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-bench-store-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const open = (dir: string, clock: ManualClock, sealRows?: number): Promise<ParquetReadings> =>
  openParquetReadings({ dir, clock, backgroundAfterMs: null, ...(sealRows === undefined ? {} : { sealRows }) })

async function timed(times: number, work: () => Promise<unknown>): Promise<{ first: number; median: number }> {
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const begun = performance.now()
    await work()
    took.push(performance.now() - begun)
  }
  return { first: round(took[0]!), median: round(median(took.slice(1))) }
}

/** Rows applied a second, in memory, beside pushing the same values on plain arrays. */
async function applying(): Promise<void> {
  const table: object[] = []
  for (const [nodes, batch] of [
    [20, 20],
    [20, 5000],
    [1000, 1000],
  ] as const) {
    await within(async dir => {
      const next = walkers(nodes)
      const count = 200_000
      const events = Array.from({ length: count }, (_, i) => next(start + Math.floor(i / nodes) * 1000, i % nodes))
      const store = await open(dir, new ManualClock(start), 1_000_000)
      let begun = performance.now()
      for (let i = 0; i < count; i += batch)
        store.apply({ events: events.slice(i, i + batch), end: { segment: 1, offset: i + 1 } }, true)
      const own = performance.now() - begun
      await store.close()
      begun = performance.now()
      const plain: number[][] = [[], ...names.map(() => [])]
      for (const event of events) {
        plain[0]!.push(event.time)
        for (let i = 0; i < names.length; i++) plain[i + 1]!.push(event.values[i]!)
      }
      const limit = performance.now() - begun
      table.push({
        nodes,
        batch,
        'rows/s': Math.round(count / own) * 1000,
        'plain arrays, rows/s': Math.round(count / limit) * 1000,
      })
    })
  }
  console.table(table)
}

/** A seal of so many rows: time, longest stall of the event loop, bytes a row, memory. */
async function sealing(): Promise<void> {
  const table: object[] = []
  for (const rows of [25_000, 100_000, 250_000]) {
    await within(async dir => {
      const next = walkers(20)
      const store = await open(dir, new ManualClock(start), 1_000_000)
      for (let i = 0; i < rows; i++)
        store.apply({ events: [next(start + Math.floor(i / 20) * 500, i % 20)], end: { segment: 1, offset: i + 1 } }, true)
      const before = rss()
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const begun = performance.now()
      await store.seal()
      const ms = round(performance.now() - begun)
      delay.disable()
      const { bytes } = store.stats()
      table.push({
        rows,
        ms,
        'stall ms': round(delay.max / 1e6),
        'B/row': round(bytes / rows),
        'RSS before': before,
        'RSS after': rss(),
      })
      await store.close()
    })
  }
  console.table(table)
}

async function questions(): Promise<void> {
  await within(async dir => {
    const clock = new ManualClock(start)
    const next = walkers(20)
    const store = await open(dir, clock)
    const mine: { time: number; value: number }[] = []
    let offset = 0
    let begun = performance.now()
    for (let time = start; time < start + days * dayMs; time += 10_000) {
      clock.wall = time
      const events = Array.from({ length: 20 }, (_, node) => next(time + node, node))
      mine.push({ time: events[3]!.time, value: events[3]!.values[0]! })
      store.apply({ events, end: { segment: 1, offset: ++offset } }, true)
      const room = store.room()
      if (room) await room
      else if (offset % 500 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    const filled = performance.now() - begun
    const stats = store.stats()
    console.log(
      `${days} days of 20 nodes: ${stats.rows} rows in ${round(filled / 1000)} s, ${stats.files} files, ${round(stats.bytes / (stats.rows - stats.hotRows))} B/row, ${stats.hotRows} in memory, RSS ${rss()}`,
    )
    begun = performance.now()
    clock.wall = start + days * dayMs
    await store.tidy() // midnight's stragglers made a small second file of each day
    console.log(
      `merged in ${round((performance.now() - begun) / 1000)} s: ${store.stats().files} files, ${round(store.stats().bytes / 1e6)} MB`,
    )
    const end = start + days * dayMs
    const table: object[] = []
    for (const [what, from, sensors] of [
      ['1 h', end - 3_600_000, ['temperature']],
      ['24 h', end - dayMs, ['temperature']],
      ['24 h, all 7', end - dayMs, null],
      ['7 d', end - 7 * dayMs, ['temperature']],
      [`${days} d`, start, ['temperature']],
      [`${days} d, all 7`, start, null],
    ] as const) {
      const { first, median: usual } = await timed(12, () => store.range({ node: 'n3', sensors, from, to: end, points: 500 }))
      table.push({ range: what, 'first ms': first, 'median ms': usual, 'plain scan ms': plainScan(mine, from, end) })
    }
    console.table(table)
    begun = performance.now()
    let exported = 0
    let peak = 0
    for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null })) {
      exported += chunk.length
      if (exported % 100_000 < chunk.length) peak = Math.max(peak, process.memoryUsage().rss)
    }
    const s = (performance.now() - begun) / 1000
    console.log(
      `export of everything: ${exported} rows in ${round(s)} s (${Math.round(exported / s)} rows/s), peak RSS ${Math.round(peak / 1e6)} MB`,
    )
    await merging(store, clock, next, offset)
    begun = performance.now()
    await store.scrub()
    console.log(`scrub: ${round(performance.now() - begun)} ms for ${round(store.stats().bytes / 1e6)} MB`)
    await store.close()
    begun = performance.now()
    const again = await open(dir, clock)
    console.log(`open: ${round(performance.now() - begun)} ms with ${again.stats().files} files`)
    await again.close()
  })
}

/** Late rows for the day before yesterday: asked before and after the merge. */
async function merging(
  store: ParquetReadings,
  clock: ManualClock,
  next: ReturnType<typeof walkers>,
  offset: number,
): Promise<void> {
  const day = start + (days - 2) * dayMs
  const late = Array.from({ length: 2000 }, (_, i) => next(day + i * 40_000 + 5_000, 3))
  store.apply({ events: late, end: { segment: 1, offset: offset + 1 } }, true)
  await store.seal()
  const ask = () => store.range({ node: 'n3', sensors: ['temperature'], from: day, to: day + dayMs, points: 500 })
  const before = await timed(6, ask)
  clock.wall = start + (days + 1) * dayMs
  const files = store.stats().files
  const begun = performance.now()
  await store.tidy()
  const ms = round(performance.now() - begun)
  const after = await timed(6, ask)
  console.log(
    `2,000 late rows of a node in its day: ${before.median} ms; merged in ${ms} ms (${files} → ${store.stats().files} files): ${after.median} ms, RSS ${rss()}`,
  )
}

function plainScan(rows: readonly { time: number; value: number }[], from: number, to: number): number {
  const times = Float64Array.from(rows, row => row.time)
  const values = Float64Array.from(rows, row => row.value)
  const took: number[] = []
  for (let round = 0; round < 9; round++) {
    const begun = performance.now()
    const width = (to - from) / 500
    const low = new Float64Array(501).fill(Number.POSITIVE_INFINITY)
    const high = new Float64Array(501).fill(Number.NEGATIVE_INFINITY)
    const sum = new Float64Array(501)
    for (let i = 0; i < times.length; i++) {
      if (times[i]! < from || times[i]! >= to) continue
      const bucket = Math.floor((times[i]! - from) / width)
      low[bucket] = Math.min(low[bucket]!, values[i]!)
      high[bucket] = Math.max(high[bucket]!, values[i]!)
      sum[bucket]! += values[i]!
    }
    took.push(performance.now() - begun)
  }
  return round(median(took))
}

export async function bench(): Promise<void> {
  await applying()
  await sealing()
  await questions()
}
