import type { BrokerView } from '../api/broker.ts'
import type { Broker, BrokerHealth } from '../broker/broker.ts'
import { encodeBrokerStats, encodeBrokerStatus } from '../contract/encode.ts'
import type { BrokerStats, BrokerStatus } from '../contract/schemas.ts'
import { brokerTopic } from '../contract/topics.ts'
import type { Clock } from '../kit/clock.ts'
import type { MachineFacts } from './machine-facts.ts'

/** What the manager tells the nodes and the house about broker and machine (wire contract §7): `iot/broker/status`, retained, and
 *  `iot/broker/stats`, every `reportEveryMs`. */
export const reportEveryMs = 10_000

export interface ReportParts {
  readonly broker: Broker
  readonly machine: () => Promise<MachineFacts>
  readonly totals: () => { stored: number; rejected: number }
  readonly clock: Clock
  readonly clockSuspect: () => boolean
  readonly version: string
  /** Handed every new view: the event stream shows it. */
  readonly onView: (view: BrokerView) => void
}

export interface Reports {
  /** Measures and publishes both messages. */
  publish(): Promise<void>
  /** Says that the manager goes: nodes keep what they have until it is back. */
  goodbye(): Promise<void>
  /** The latest figures with the broker's health of this moment. */
  view(): BrokerView
}

export function createReports(parts: ReportParts): Reports {
  const { broker, clock } = parts
  const startedMs = clock.monoMs()
  let last = { health: broker.health(), at: startedMs }
  let stats = statsOf(parts, last, last)

  const sendStatus = (status: BrokerStatus): Promise<void> =>
    broker.publish({ topic: brokerTopic('status'), payload: encodeBrokerStatus(status), qos: 1, retain: true })

  /** An external broker that is not there is told nothing: it has published our will, and health says it already. */
  const away = (): boolean => broker.kind === 'mosquitto' && !broker.health().up

  // Rates are of the last whole interval, everything else is of this moment.
  const view = (): BrokerView => {
    const health = broker.health()
    const { up, version, listeners, denied } = health
    const { timestamp, ...rates } = stats
    return {
      kind: broker.kind,
      version,
      up,
      profile: 'embedded',
      receipts: true,
      listeners: [...listeners],
      denied,
      timestamp: timestamp === null ? null : Math.round(timestamp * 1000),
      ...rates,
      ...gaugesOf(parts, health),
    }
  }

  return {
    view,
    async publish() {
      const now = { health: broker.health(), at: clock.monoMs() }
      stats = statsOf(parts, last, now)
      last = now
      const machine = await parts.machine()
      if (!away()) {
        await sendStatus(statusOf(parts, machine, (now.at - startedMs) / 1000))
        await broker.publish({ topic: brokerTopic('stats'), payload: encodeBrokerStats(stats), qos: 0, retain: false })
      }
      parts.onView(view())
    },
    goodbye: async () => (away() ? undefined : sendStatus({ online: false, receipts: true })),
  }
}

function statusOf(parts: ReportParts, machine: MachineFacts, uptimeS: number): BrokerStatus {
  const { disk_total_bytes: _, ...facts } = machine
  return {
    online: true,
    timestamp: seconds(parts),
    version: parts.version,
    profile: 'embedded',
    broker: parts.broker.kind,
    receipts: true,
    uptime: Math.round(uptimeS),
    ...facts,
  }
}

/** Rates of the time between two looks at the broker's counters; null where it does not count. */
function statsOf(
  parts: ReportParts,
  before: { health: BrokerHealth; at: number },
  now: { health: BrokerHealth; at: number },
): BrokerStats {
  const interval = (now.at - before.at) / 1000
  const rate = (key: 'messagesIn' | 'messagesOut' | 'bytesIn' | 'bytesOut'): number | null => {
    const [a, b] = [before.health[key], now.health[key]]
    // Another broker's counters begin anew when it does.
    return a === null || b === null || interval <= 0 || b < a ? null : Math.round(((b - a) / interval) * 10) / 10
  }
  return {
    timestamp: seconds(parts),
    interval: Math.round(interval * 10) / 10,
    messages_in_s: rate('messagesIn'),
    messages_out_s: rate('messagesOut'),
    bytes_in_s: rate('bytesIn'),
    bytes_out_s: rate('bytesOut'),
    ...gaugesOf(parts, now.health),
  }
}

function gaugesOf(parts: ReportParts, health: BrokerHealth) {
  const { clients, subscriptions, retained, queued, inflight, droppedTotal } = health
  const { stored, rejected } = parts.totals()
  return {
    clients,
    subscriptions,
    retained,
    queued,
    inflight,
    dropped_total: droppedTotal,
    stored_total: stored,
    rejected_total: rejected,
  }
}

/** A suspect clock teaches no node the time (wire contract §8). */
const seconds = (parts: ReportParts): number | null => (parts.clockSuspect() ? null : parts.clock.wallMs() / 1000)
