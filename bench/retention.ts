import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReadingEvent } from '../src/contract/events.ts'
import { openJournal } from '../src/journal/open.ts'
import { ManualClock } from '../src/kit/clock.ts'
import { seeded } from '../src/kit/random.ts'
import { keepAll } from '../src/store/parquet/keep-limits.ts'
import { openParquetReadings } from '../src/store/parquet/parquet.ts'

/** Retention in numbers: how long ingest waits (append to the journal and apply to the store, 20 readings each 10 ms) while nothing else
 *  happens, while weeks are rolled up, while weeks of readings go, and while everything is exported; how long each of these takes. */
const dayMs = 86_400_000
const monday = Date.UTC(2026, 5, 1)
const rowsWanted = Number(process.env.BENCH_ROWS ?? 10_000_000)
const nodes = 40
const stepMs = 10_000
const names = ['temperature', 'humidity', 'pressure', 'light', 'battery', 'wifi_rssi', 'uptime']
const days = Math.max(14, Math.ceil(rowsWanted / (nodes * (dayMs / stepMs))))

export async function bench(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-bench-retention-'))
  const clock = new ManualClock(monday)
  const store = await openParquetReadings({ dir: join(dir, 'readings'), clock, backgroundAfterMs: null })
  const journal = await openJournal({ dir: join(dir, 'journal'), boundBytes: 2 ** 40 })
  await journal.replay({ segment: 0, offset: 0 }, () => {})

  const random = seeded(1)
  let seq = 0
  let offset = 0
  const walk = Array.from({ length: nodes }, () => [20, 50, 1013, 300, 3.9])
  function reading(node: number, time: number): ReadingEvent {
    const state = walk[node]!
    for (let i = 0; i < 5; i++) state[i]! += (random.next() - 0.5) * 0.2
    const values = [...state.map(value => Math.round(value * 10) / 10), -60 - random.below(8), Math.floor(time / 1000) % 1e6]
    return { kind: 'reading', node: `n${node}`, arrived: time, time: time + random.below(40), boot: 7, seq: seq++, names, values }
  }

  /** Waits of single batches, until `work` ends (or for so many seconds). */
  async function ingestBeside(what: string, work: () => Promise<unknown>): Promise<void> {
    const waits: number[] = []
    let ended = false
    const begun = performance.now()
    const done = work().finally(() => {
      ended = true
    })
    while (!ended) {
      const events = Array.from({ length: 20 }, (_, i) => reading(i, clock.wall))
      clock.wall += 20
      const at = performance.now()
      const end = await journal.append(events)
      store.apply({ events, end }, true)
      waits.push(performance.now() - at)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    const took = (performance.now() - begun) / 1000
    const detail = await done
    waits.sort((a, b) => a - b)
    const at = (share: number): string => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!.toFixed(2)
    console.log(
      `${what.padEnd(34)} ${took.toFixed(1).padStart(6)} s  p50 ${at(0.5).padStart(6)}  p99 ${at(0.99).padStart(6)}  max ${at(1).padStart(6)} ms  RSS ${Math.round(process.memoryUsage().rss / 1e6)} MB  ${detail ?? ''}`,
    )
  }
  const quiet = (seconds: number) => () => new Promise<void>(resolve => setTimeout(resolve, seconds * 1000))

  const begun = performance.now()
  for (let d = 0; d < days; d++) {
    for (let t = 0; t < dayMs; t += stepMs) {
      clock.wall = monday + d * dayMs + t
      const events = Array.from({ length: nodes }, (_, node) => reading(node, clock.wall))
      store.apply({ events, end: { segment: 1, offset: ++offset } }, true)
      if (store.room()) await store.room()
      else if (offset % 200 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }
  await store.seal()
  const written = store.stats()
  console.log(
    `${written.rows.toLocaleString('en')} readings of ${nodes} nodes, ${days} days, ${written.files} files, ${(written.bytes / written.rows).toFixed(2)} bytes a reading, written in ${((performance.now() - begun) / 1000).toFixed(0)} s`,
  )
  clock.wall = monday + (days + 30) * dayMs

  await ingestBeside('nothing else', quiet(10))
  await ingestBeside('merging days into weeks, roll-ups', () => store.tidy())
  const tidied = store.stats()
  console.log(
    `   roll-ups: ${tidied.rollups.files} files, ${(tidied.rollups.bytes / 1e6).toFixed(2)} MB beside ${(tidied.bytes / 1e6).toFixed(1)} MB`,
  )
  await ingestBeside('nothing else', quiet(10))
  await ingestBeside('export of everything', async () => {
    let rows = 0
    for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null })) rows += chunk.length
    return `${rows.toLocaleString('en')} rows`
  })
  await ingestBeside('export of everything as Parquet', async () => {
    let bytes = 0
    const rows = store.export({ nodes: null, sensors: null, from: null, to: null })
    for await (const piece of store.parquetOf!(rows, names)) bytes += piece.length
    return `${(bytes / 1e6).toFixed(1)} MB`
  })
  await ingestBeside('nothing else', quiet(10))
  const limits = { ...keepAll, rawAgeMs: (30 + days / 2) * dayMs }
  await ingestBeside('sweep of half of it', async () => {
    await store.sweep(limits)
    const rows = store.sweeps().reduce((sum, sweep) => sum + sweep.rows, 0)
    return `${rows.toLocaleString('en')} rows in ${store.sweeps().length} steps`
  })
  await ingestBeside('nothing else', quiet(10))

  console.log('\nranges of a node over all of it, first and best of 5:')
  for (const points of [100, 500]) {
    const took: number[] = []
    for (let i = 0; i < 5; i++) {
      const at = performance.now()
      await store.range({ node: 'n7', sensors: null, from: 0, to: clock.wall, points })
      took.push(performance.now() - at)
    }
    console.log(`  ${points} points: ${took[0]!.toFixed(0)} ms, ${Math.min(...took).toFixed(0)} ms`)
  }
  await store.close()
  await journal.close()
  await rm(dir, { recursive: true, force: true })
}
