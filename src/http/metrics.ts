import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { commandStates } from '../api/commands.ts'
import type { HttpParts } from './parts.ts'

/** The figures of GET /metrics. The manager makes it first, because the journal tells it how long commits took; everything else
 *  is asked at scrape time. */
export interface Metrics {
  /** How long one commit took, for `JournalOptions.onCommit`. */
  observeCommit(seconds: number): void
  render(parts: Pick<HttpParts, 'fleet' | 'store' | 'rejects' | 'counters' | 'updates'>): Promise<string>
  readonly contentType: string
}

const presenceStates = ['online', 'late', 'offline', 'asleep', 'unknown'] as const

// An fsync takes 0.2 ms on a good SSD and a second on a worn SD card.
const commitBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const stored = new Counter({ name: 'espalier_readings_stored_total', help: 'Readings stored since the start', registers })
  const rejected = new Counter({
    name: 'espalier_readings_rejected_total',
    help: 'Readings and messages rejected since the start, by reason',
    labelNames: ['reason'],
    registers,
  })
  const duplicate = new Counter({
    name: 'espalier_readings_duplicate_total',
    help: 'Readings that were there already',
    registers,
  })
  const nodes = new Gauge({ name: 'espalier_nodes', help: 'Nodes by presence', labelNames: ['state'], registers })
  const commit = new Histogram({
    name: 'espalier_commit_seconds',
    help: 'Time to make one batch durable',
    buckets: commitBuckets,
    registers,
  })
  const commands = new Gauge({ name: 'espalier_commands', help: 'Commands kept, by state', labelNames: ['state'], registers })
  const kept = new Gauge({ name: 'espalier_rejects_kept', help: 'Rejects kept with their bytes', registers })
  const bytes = new Gauge({ name: 'espalier_store_bytes', help: 'Bytes of the readings store on the disk', registers })

  const images = new Counter({
    name: 'espalier_firmware_refused_total',
    help: 'Requests for images of firmware without a token that opens them',
    registers,
  })

  return {
    contentType: registry.contentType,
    observeCommit: seconds => commit.observe(seconds),
    render: async parts => {
      const counters = parts.counters()
      setCounter(stored, counters.stored)
      setCounter(duplicate, counters.duplicates)
      rejected.reset()
      for (const [reason, count] of Object.entries(counters.rejected)) rejected.inc({ reason }, count)
      for (const state of presenceStates) nodes.set({ state }, 0)
      for (const node of parts.fleet.nodes()) nodes.inc({ state: node.state })
      const byState = parts.fleet.commands.counts()
      for (const state of commandStates) commands.set({ state }, byState[state] ?? 0)
      kept.set(parts.rejects.kept().rejects)
      setCounter(images, parts.updates.refused())
      bytes.set(parts.store.stats().bytes)
      return registry.metrics()
    },
  }
}

function setCounter(counter: Counter, total: number): void {
  counter.reset()
  counter.inc(total)
}
