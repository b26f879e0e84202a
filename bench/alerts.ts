import { defaultRules } from '../src/config/alert-defaults.ts'
import type { AlertRule } from '../src/contract/alert-rules.ts'
import type { DurableBatch, ReadingEvent } from '../src/contract/events.ts'
import { openAlerts } from '../src/fleet/alerts/open.ts'
import { systemClock } from '../src/kit/clock.ts'
import { createMemoryRecords } from '../src/store/memory/records.ts'
import { nodeView } from '../test/http/fake-parts.ts'

/** What alerts add to a live reading, by the rules in force, and what a turn of the sweep costs. 100 nodes, 5 sensors, boot and seq,
 *  batches of 100; all is well. The lane takes a reading in some microseconds: bench/ingest. */
const nodes = 100
const rounds = 20_000
const sensors = ['temperature', 'humidity', 'pressure', 'light', 'battery']

export async function bench(): Promise<void> {
  const threshold = (sensor: string, tag = 'all'): AlertRule => ({
    name: `${sensor}-${tag.replace(':', '-')}`,
    from: 'bench',
    nodes: tag,
    channels: null,
    forMs: 60_000,
    resolveAfterMs: 60_000,
    kind: 'threshold',
    sensor,
    above: 1e6,
    below: null,
    clear: null,
  })
  const cases = {
    'no rules': [],
    'default rules': defaultRules,
    'and a threshold at one node': [...defaultRules, { ...threshold('temperature'), nodes: 'n7' }],
    'and a threshold at all nodes': [...defaultRules, threshold('temperature')],
    'and one at each of five sensors': [...defaultRules, ...sensors.map(sensor => threshold(sensor))],
  }
  const table = []
  for (const [rules, list] of Object.entries(cases)) table.push({ rules, ...(await measure(list)) })
  console.table(table)
}

async function measure(rules: readonly AlertRule[]) {
  const views = Array.from({ length: nodes }, (_, i) => nodeView(`n${i}`))
  const byId = new Map(views.map(view => [view.id, view]))
  const ledger = (node: string) => ({ node, expected: 0, stored: 0, duplicates: 0, rejected: 0, missing: 0, lost: 0, gaps: [] })
  const alerts = await openAlerts({
    records: createMemoryRecords(),
    clock: systemClock,
    config: { rules, channels: [] },
    nodes: () => views,
    node: id => byId.get(id),
    ledger,
    machine: () => ({ diskFreeBytes: 1e12, diskTotalBytes: 1e12, fullAt: null, certificates: [] }),
    siteName: 'bench',
  })
  const arrived = systemClock.wallMs()
  const batches = Array.from({ length: 50 }, (_, round): DurableBatch => {
    const events = views.map(
      ({ id }): ReadingEvent => ({
        kind: 'reading',
        node: id,
        arrived,
        time: arrived - 50 + round,
        boot: 77,
        seq: round,
        names: sensors,
        values: [20, 45.2, 1013.25, 300, 3.9],
      }),
    )
    return { events, end: { segment: 0, offset: round } }
  })
  const ns: number[] = []
  for (let run = 0; run < 5; run++) {
    const begun = performance.now()
    // The last batch again and again: its readings are never older than the newest.
    for (let i = 0; i < rounds; i++) alerts.apply(batches[Math.min(i, 49)]!, true)
    ns.push(((performance.now() - begun) * 1e6) / (rounds * nodes))
  }
  const begun = performance.now()
  await alerts.tick()
  const tickMs = performance.now() - begun
  await alerts.close()
  return { 'ns a reading (median of 5)': Math.round(ns.sort((a, b) => a - b)[2]!), 'sweep ms': Math.round(tickMs * 100) / 100 }
}
