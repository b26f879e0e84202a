import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Incoming } from '../src/broker/broker.ts'
import type { Applier } from '../src/contract/events.ts'
import { openMessages } from '../src/fleet/messages/messages.ts'
import { openLane } from '../src/ingest/ingest.ts'
import type { Journal } from '../src/journal/journal.ts'
import { openJournal } from '../src/journal/open.ts'
import { systemClock } from '../src/kit/clock.ts'
import { createLedger } from '../src/ledger/create.ts'
import { createMemoryReadings } from '../src/store/memory/readings.ts'
import type { ReadingsStore } from '../src/store/readings.ts'

/** Messages a second through the lane by the size of the groups a broker hands over: with the real journal (one fsync a batch) and the
 *  memory store, and beside it the limits: no disk, then no store either, which leaves decode, judgement and ledger.
 *  100 nodes, 5 sensors, boot and seq. ESPALIER_BENCH_DIR chooses the disk. */
const nodes = 100
const utf8 = new TextEncoder()

export async function bench(): Promise<void> {
  const table = []
  for (const [size, total] of [
    [1, 5_000],
    [20, 60_000],
    [100, 200_000],
    [1_000, 300_000],
    [5_000, 300_000],
  ] as const) {
    table.push({
      'messages a group': size,
      ...(await withJournal(journal => measure('journal, memory store', size, total, journal, createMemoryReadings()))),
      ...(await measure('no disk', size, total, noDisk(), createMemoryReadings())),
      ...(await measure('with messages', size, total, noDisk(), createMemoryReadings(), feed())),
      ...(await measure('no store', size, total, noDisk(), noStore())),
    })
  }
  console.table(table)
}

/** The message feed as the manager joins it, with somebody who listens. */
function feed(): Applier {
  const messages = openMessages({ clock: systemClock, spoke: [], isKnown: () => null })
  messages.on(() => {})
  return messages
}

async function measure(
  what: string,
  size: number,
  total: number,
  journal: Journal,
  store: ReadingsStore,
  ...more: readonly Applier[]
) {
  const lane = openLane({
    journal,
    ledger: createLedger(),
    store,
    appliers: [store, ...more],
    clock: systemClock,
    ackMatches: () => true,
    clockSuspect: () => false,
    removed: () => false,
  })
  const groups = groupsOf(size, total)
  const cpu = process.cpuUsage()
  const begun = performance.now()
  for (const group of groups) await lane.accept(group)
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  if (lane.stats().stored !== total) throw new Error(`${what}: ${lane.stats().stored} of ${total} stored`)
  await lane.close()
  return {
    [`${what}: k/s`]: Math.round(total / seconds / 100) / 10,
    [`${what}: CPU µs`]: Math.round(((user + system) / total) * 10) / 10,
  }
}

function groupsOf(size: number, total: number): Incoming[][] {
  const arrived = Date.now()
  const start = arrived - Math.ceil(total / nodes) * 1000
  const all = Array.from({ length: total }, (_, i): Incoming => {
    const node = `n${i % nodes}`
    const seq = Math.floor(i / nodes)
    const body = {
      node_id: `node_${node}`,
      boot: 77,
      seq,
      oldest: { boot: 77, seq: Math.max(0, seq - 5) },
      timestamp: (start + seq * 1000) / 1000,
      sensors: { temperature: (200 + (i % 100)) / 10, humidity: 45.2, pressure: 1013.25, light: 300, battery: 3.9 },
      wifi_rssi: -65,
      uptime: seq,
    }
    const payload = utf8.encode(JSON.stringify(body))
    return {
      topic: `iot/node/${node}/telemetry`,
      payload,
      qos: 1,
      retain: false,
      replay: false,
      arrived,
      client: node,
      user: null,
    }
  })
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}

async function withJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(process.env['ESPALIER_BENCH_DIR'] ?? tmpdir(), 'bench-ingest-'))
  try {
    const journal = await openJournal({ dir })
    await journal.replay({ segment: 0, offset: 0 }, () => {})
    const result = await work(journal)
    await journal.close()
    return result
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function noDisk(): Journal {
  let offset = 0
  const health = { ok: true, detail: '', bytes: 0, boundBytes: 1, segments: 1, appended: 0, failures: 0 }
  return {
    append: async () => ({ segment: 0, offset: ++offset }),
    replay: async () => ({ batches: 0, events: 0, damaged: [] }),
    trim: async () => {},
    end: () => ({ segment: 0, offset }),
    health: () => health,
    close: async () => {},
  }
}

const noStore = (): ReadingsStore => ({ ...createMemoryReadings(), apply: () => {}, rowAt: () => null })
