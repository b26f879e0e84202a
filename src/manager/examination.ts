import type { Health } from '../api/health.ts'
import type { DoctorReport } from '../api/settings.ts'
import type { Broker } from '../broker/broker.ts'
import type { Alerts, Fleet } from '../fleet/fleet.ts'
import type { Messages } from '../fleet/messages/messages.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Clock } from '../kit/clock.ts'
import type { Backups } from './backups.ts'
import { diagnose, reportOf } from './doctor.ts'
import type { Machine } from './machine.ts'
import { openFiles } from './open-files.ts'
import type { Retention } from './retention.ts'
import type { Settings } from './settings.ts'
import type { JoinedUpdates } from './updates.ts'

const fightsLooked = 50

/** Gathers the facts for doctor from those who know them. */
export async function examine(parts: {
  readonly settings: Settings
  readonly clock: Clock
  readonly health: () => Health
  readonly machine: Pick<Machine, 'view'>
  readonly fleet: Pick<Fleet, 'nodes'>
  readonly lane: Pick<Lane, 'stats'>
  readonly broker: Pick<Broker, 'health' | 'kind' | 'sessionsLost'>
  readonly messages: Pick<Messages, 'list'>
  readonly retention: Pick<Retention, 'report'>
  readonly backups: Pick<Backups, 'lastBackup' | 'findings'>
  readonly alerts: Pick<Alerts, 'findings'>
  readonly updates: Pick<JoinedUpdates, 'findings'>
}): Promise<DoctorReport> {
  const { settings, clock, health, machine, fleet, lane, broker, messages, retention, backups } = parts
  const options = settings.current
  const { findings } = diagnose({
    now: clock.wallMs(),
    data: options.data,
    options,
    health: health(),
    machine: machine.view(retention.report()),
    nodes: fleet.nodes(),
    counters: lane.stats(),
    denied: broker.health().denied,
    external:
      broker.kind === 'embedded'
        ? null
        : { dropped: broker.health().droppedTotal ?? 0, sessionsLost: broker.sessionsLost?.() ?? 0 },
    fights: messages.list({ verdict: 'fight', limit: fightsLooked }).items,
    retention: retention.report(),
    lastBackup: backups.lastBackup(),
    backupFindings: backups.findings(),
    openFiles: await openFiles(options.data, options.firmwareKey),
    waiting: settings.waiting(),
  })
  return reportOf([...findings, ...parts.alerts.findings(), ...parts.updates.findings()])
}
