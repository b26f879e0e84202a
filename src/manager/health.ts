import type { Check, Health } from '../api/health.ts'
import type { Broker } from '../broker/broker.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Journal } from '../journal/journal.ts'
import type { ReadingsStore } from '../store/readings.ts'
import type { MachineFacts } from './machine-facts.ts'

/** Below this much free space a person should act: two days of twenty nodes are 40 MB, and a seal needs room beside its journal. */
const lowDiskBytes = 500 * 1024 * 1024

export interface HealthParts {
  readonly broker: Broker
  readonly store: ReadingsStore
  readonly journal: Journal
  readonly lane: Lane
  readonly clockSuspect: () => boolean
  /** The latest reading of the machine; null before the first. */
  readonly machine: () => MachineFacts | null
  /** Damage found at the start, in words; empty when there was none. */
  readonly damage: readonly string[]
}

/** `down`: readings are not being made durable (nothing is acknowledged). `degraded`: they are, but something needs a hand. */
export function healthOf(parts: HealthParts): Health {
  const checks = {
    broker: brokerCheck(parts.broker),
    store: storeCheck(parts),
    disk: diskCheck(parts.machine()),
    clock: clockCheck(parts.clockSuspect()),
    ingest: ingestCheck(parts),
  }
  const bad = Object.values(checks).some(check => !check.ok)
  // While somebody else's broker is away nothing is lost by us: its nodes keep what they have, and so does it.
  const brokerDown = !checks.broker.ok && parts.broker.kind === 'embedded'
  return { status: brokerDown || !checks.ingest.ok ? 'down' : bad ? 'degraded' : 'ok', checks }
}

const good = (detail: string): Check => ({ ok: true, detail })

function brokerCheck(broker: Broker): Check {
  const { up, detail, clients } = broker.health()
  // While it is up, `detail` is the last thing it had to tell: sessions written again, retained messages full.
  return { ok: up, detail: up ? detail || (clients === null ? 'connected' : `${clients} clients`) : detail }
}

function storeCheck({ store, damage }: HealthParts): Check {
  const stats = store.stats()
  if (!stats.ok) return { ok: false, detail: stats.detail }
  const lost = stats.quarantined.map(q => `${q.file} is damaged (${q.why}) and set aside with ${q.rows} rows`)
  const all = [...damage, ...lost]
  return all.length > 0
    ? { ok: false, detail: `${all.join('; ')}. Restore the data directory from a backup if you need them.` }
    : good(`${stats.rows.toLocaleString('en')} readings`)
}

function diskCheck(machine: MachineFacts | null): Check {
  const free = machine?.disk_free_bytes
  if (free === undefined || free === null) return good('free space unknown')
  const mib = Math.floor(free / 1024 / 1024)
  return free < lowDiskBytes
    ? {
        ok: false,
        detail: `${mib} MiB free, less than ${lowDiskBytes / 1024 / 1024}: make room, or move the data directory (--data)`,
      }
    : good(mib < 10_240 ? `${mib} MiB free` : `${Math.floor(mib / 1024)} GiB free`)
}

const clockCheck = (suspect: boolean): Check =>
  suspect
    ? {
        ok: false,
        detail:
          'the clock is behind the newest reading or before 2026: readings are kept, but nothing expires and nodes are told no time. Set it (timedatectl)',
      }
    : good('plausible: not behind the newest reading')

function ingestCheck({ journal, lane }: HealthParts): Check {
  const written = journal.health()
  if (!written.ok) return { ok: false, detail: `${written.detail}; nodes keep their readings until they are acknowledged` }
  const { ok, detail } = lane.stats()
  return ok
    ? good(`journal ${Math.ceil(written.bytes / 1024 / 1024)} of ${Math.ceil(written.boundBytes / 1024 / 1024)} MiB`)
    : { ok, detail }
}
