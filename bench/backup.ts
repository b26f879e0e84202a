import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { JournalEvent, ReadingEvent } from '../src/contract/events.ts'
import { openJournal } from '../src/journal/open.ts'
import { ManualClock } from '../src/kit/clock.ts'
import { seeded } from '../src/kit/random.ts'
import { type Backup, beginBackup } from '../src/manager/backup.ts'
import { checkBackup, restoreBackup } from '../src/store/backup/backup.ts'
import { openLevelRecords } from '../src/store/level/level.ts'
import { openParquetReadings } from '../src/store/parquet/parquet.ts'

/** A backup of 10 M readings and its restore: seconds, memory, how long the cut holds up the lane, and what a commit of the journal takes
 *  (20 readings each 10 ms) while it runs, beside the same without it and beside a plain copy of as many bytes. */
const start = Date.UTC(2024, 0, 1)
const millions = Number(process.env.BENCH_MILLIONS ?? 10)
const nodes = 20
const names = ['temperature', 'humidity', 'pressure', 'light', 'battery', 'wifi_rssi', 'uptime']

const rssMb = (): number => Math.round(process.memoryUsage().rss / 1e6)
const round = (value: number): number => Math.round(value * 100) / 100
const percentile = (values: number[], p: number): number =>
  round(values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))]!)

function walkers(): (time: number, node: number) => ReadingEvent {
  const random = seeded(1)
  const state = Array.from({ length: nodes }, () => [20, 50, 1013, 300, 3.9])
  const seqs = new Uint32Array(nodes)
  return (time, node) => {
    const walk = state[node]!
    for (let i = 0; i < 5; i++) walk[i]! += (random.next() - 0.5) * 0.2
    const values = [...walk.map(value => Math.round(value * 10) / 10), -60 - random.below(8), Math.floor(time / 1000) % 1e6]
    return { kind: 'reading', node: `n${node}`, arrived: time, time, boot: 77, seq: seqs[node]!++, names, values }
  }
}

export async function bench(): Promise<void> {
  const room = await mkdtemp(join(tmpdir(), 'espalier-bench-backup-'))
  try {
    await run(room)
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}

async function run(room: string): Promise<void> {
  const dir = join(room, 'data')
  const clock = new ManualClock(start)
  const records = await openLevelRecords(join(dir, 'records'))
  const journal = await openJournal({ dir: join(dir, 'journal') })
  const store = await openParquetReadings({ dir: join(dir, 'readings'), clock, backgroundAfterMs: null })
  const next = walkers()
  let time = start
  const group = (): JournalEvent[] => {
    clock.wall = time += 10_000
    return Array.from({ length: nodes }, (_, node) => next(time + node, node))
  }
  // The store alone is filled; the journal gets what comes beside the backup.
  let offset = 0
  let begun = performance.now()
  while (offset * nodes < millions * 1e6) {
    store.apply({ events: group(), end: { segment: 0, offset: ++offset } }, true)
    const room = store.room()
    if (room) await room
    else if (offset % 500 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await store.seal()
  for (let i = 0; i < 2_000; i++)
    await records.write([{ collection: 'commands', key: `c${i}`, value: { id: i, text: 'x'.repeat(200) } }], { sync: false })
  console.log(
    `${store.stats().rows} readings in ${round((performance.now() - begun) / 1000)} s, ${store.stats().files} files, ${Math.round(store.stats().bytes / 1e6)} MB`,
  )

  const commits = { on: true, took: [] as number[] }
  const ingest = (async () => {
    while (commits.on) {
      const events = group()
      const at = performance.now()
      const end = await journal.append(events)
      store.apply({ events, end: { segment: 1 + end.segment, offset: end.offset } }, true)
      commits.took.push(performance.now() - at)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  })()
  const table: object[] = []
  /** Each again and again for some seconds, so that there are commits enough for a percentile. */
  const row = async (what: string, work: () => Promise<number>): Promise<void> => {
    commits.took = []
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    let peak = rssMb()
    const watch = setInterval(() => (peak = Math.max(peak, rssMb())), 50)
    begun = performance.now()
    let bytes = 0
    let times = 0
    for (; times === 0 || performance.now() - begun < 6_000; times++) bytes = await work()
    const s = (performance.now() - begun) / 1000 / times
    clearInterval(watch)
    delay.disable()
    const p99 = percentile([...commits.took], 0.99)
    table.push({
      what,
      's each': round(s),
      'MB/s': bytes === 0 ? '-' : Math.round(bytes / 1e6 / s),
      'commit p50 ms': percentile(commits.took, 0.5),
      'p99 ms': p99,
      'loop stall ms': round(delay.max / 1e6),
      'peak RSS MB': peak,
    })
  }

  const file = join(room, 'file')
  let between = 0
  const begin = (): Promise<Backup> =>
    beginBackup({
      data: dir,
      version: 'bench',
      lane: {
        async between(work) {
          const at = performance.now()
          const done = await work()
          between = performance.now() - at
          return done
        },
      },
      journal,
      records,
      store,
      broker: null,
      nodes: () => nodes,
      clock,
    })
  await row('commits alone', async () => {
    await new Promise(resolve => setTimeout(resolve, 5_000))
    return 0
  })
  await row('backup', async () => {
    const backup = await begin()
    const out = await open(file, 'w')
    for await (const piece of backup.pieces) await out.writeFile(piece)
    await out.sync()
    await out.close()
    return (await stat(file)).size
  })
  await row('plain copy of it, synced', async () => {
    const [from, to] = [await open(file, 'r'), await open(`${file}.copy`, 'w')]
    const piece = Buffer.allocUnsafe(64 * 1024)
    for (;;) {
      const { bytesRead } = await from.read(piece)
      if (bytesRead === 0) break
      await to.writeFile(piece.subarray(0, bytesRead))
    }
    await to.sync()
    await to.close()
    await from.close()
    return (await stat(file)).size
  })
  await row('check', async () => (await checkBackup(file)).bytes)
  await row('restore', async () => {
    await rm(join(room, 'restored'), { recursive: true, force: true })
    return (await restoreBackup({ file, data: join(room, 'restored'), wallMs: Date.now })).bytes
  })
  commits.on = false
  await ingest
  console.table(table)
  const { size } = await stat(file)
  console.log(`the file: ${Math.round(size / 1e6)} MB; the cut held up the lane for ${round(between)} ms`)
  begun = performance.now()
  const again = await openParquetReadings({ dir: join(room, 'restored', 'readings'), clock, backgroundAfterMs: null })
  console.log(`opened again: ${again.stats().rows} rows in files after ${round((performance.now() - begun) / 1000)} s`)
  await again.close()
  await store.close()
  await journal.close()
  await records.close()
}
