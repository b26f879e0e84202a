import { hostname } from 'node:os'
import type { RetentionView } from '../api/retention.ts'
import type { MachineView } from '../api/settings.ts'
import type { MachineState } from '../fleet/fleet.ts'
import type { Clock } from '../kit/clock.ts'
import type { ReadingsStore } from '../store/readings.ts'
import type { Records } from '../store/records.ts'
import { openDiskPace } from './disk-pace.ts'
import type { Lan } from './lan.ts'
import { type MachineFacts, machineReader } from './machine-facts.ts'

/** This machine as page, alerts, health and doctor see it. */
export interface Machine {
  /** Measures anew; rates are of the time since the last call. */
  read(): Promise<MachineFacts>
  /** The latest facts; null before the first. */
  facts(): MachineFacts | null
  /** For alerts. */
  state(): MachineState
  /** GET /api/machine; `retention`: what went last. */
  view(retention: readonly RetentionView[]): MachineView
}

export async function openMachine(parts: {
  readonly data: string
  readonly records: Records
  readonly store: Pick<ReadingsStore, 'stats' | 'oldest'>
  readonly lan: Pick<Lan, 'certificates'>
  readonly clock: Clock
}): Promise<Machine> {
  const { data, records, store, lan, clock } = parts
  const readFacts = machineReader(data, clock)
  const pace = await openDiskPace(records, clock)
  const startedMs = clock.monoMs()
  let facts: MachineFacts | null = null
  const free = (): number | null => facts?.disk_free_bytes ?? null

  return {
    async read() {
      facts = await readFacts()
      // On a full disk the sample is lost, not the reading of it.
      await pace.turn(facts.disk_free_bytes).catch(() => undefined)
      return facts
    },
    facts: () => facts,
    state: () => ({
      diskFreeBytes: free(),
      diskTotalBytes: facts?.disk_total_bytes ?? null,
      fullAt: pace.fullAt(free()),
      certificates: lan.certificates(),
    }),
    view(retention) {
      const { rows, bytes, rollups } = store.stats()
      return {
        name: hostname(),
        cpu_percent: facts?.cpu_percent ?? null,
        rss_bytes: facts?.rss_bytes ?? null,
        mem_free_bytes: facts?.mem_free_bytes ?? null,
        disk_free_bytes: free(),
        disk_total_bytes: facts?.disk_total_bytes ?? null,
        temperature_c: facts?.temperature_c ?? null,
        full_at: pace.fullAt(free()),
        written_bytes_day: pace.writtenBytesDay(),
        store_bytes: bytes + rollups.bytes,
        readings: rows,
        oldest_reading: store.oldest(),
        certificates: lan.certificates(),
        retention: [...retention],
        uptime: Math.round((clock.monoMs() - startedMs) / 1000),
      }
    },
  }
}
