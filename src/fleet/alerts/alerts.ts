import type { AlertChannelView, AlertRuleView, AlertState, AlertView, ChannelTest, Silence } from '../../api/alerts.ts'
import type { NodeView } from '../../api/nodes.ts'
import type { Finding } from '../../api/settings.ts'
import type { AlertsConfig } from '../../contract/alert-rules.ts'
import type { Applier } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import type { LedgerReport } from '../../ledger/ledger.ts'
import type { Records } from '../../store/records.ts'

/** Alerts: rules in, and what is wrong with nodes and machine out, told once on each channel. Readings come in as an applier (live
 *  ones only), everything else is asked for at each tick. It promises that an alert is kept (synced) before anybody is told, that a
 *  restart neither tells again nor forgets to, and that one rule at one subject is one alert until it is over. A message whose
 *  delivery was cut off by a crash is sent again under the same delivery id. Missing data is no alert, except to `silent`. */
export interface Alerts extends Applier {
  /** Newest first; `before` is the id of the last one of the page before. */
  list(query: AlertQuery): AlertView[]
  rules(): AlertRuleView[]
  channels(): AlertChannelView[]
  /** undefined: no such channel. Waits for the receiver's answer, 15 s at most. */
  test(channel: string): Promise<ChannelTest | undefined>
  /** false: no such rule. Kept (synced) when it resolves. */
  silence(silence: Silence): Promise<boolean>
  /** Other rules and channels from now on. Alerts of rules that are gone end. */
  setRules(config: AlertsConfig): void
  /** What doctor says: channels that don't get through, messages that were given up. */
  findings(): Finding[]
  /** Every second: everything that time alone changes. */
  tick(): Promise<void>
  on(listener: (alert: AlertView) => void): () => void
  /** Stops sending and writes down what is known; what is not delivered stays in the outbox. */
  close(): Promise<void>
}

export interface AlertQuery {
  readonly state?: AlertState
  readonly node?: string
  readonly before?: string
  readonly limit: number
}

/** What the machine's own rules look at; null: not known. */
export interface MachineState {
  readonly diskFreeBytes: number | null
  readonly diskTotalBytes: number | null
  /** Unix ms; null: not in sight. */
  readonly fullAt: number | null
  readonly certificates: readonly { readonly name: string; readonly expires: number }[]
}

export interface AlertsParts {
  readonly records: Records
  readonly clock: Clock
  readonly config: AlertsConfig
  readonly nodes: () => readonly NodeView[]
  readonly node: (id: string) => NodeView | undefined
  readonly ledger: (node: string) => LedgerReport
  readonly machine: () => MachineState
  /** Is this wall clock not to be believed? Then nothing is said of dates, and silences run by the monotonic clock. */
  readonly clockSuspect?: () => boolean
  /** What messages call this place. */
  readonly siteName: string
  /** A link in messages; null: none. */
  readonly pageUrl?: string | null
  readonly random?: (bytes: Uint8Array) => void
  readonly onProblem?: (detail: string) => void
}
