import type { BrokerView } from '../api/broker.ts'
import type { ConformanceRun } from '../api/conformance.ts'
import type { DemoStop } from '../api/demo.ts'
import type { Health } from '../api/health.ts'
import type { ConnectInfo } from '../api/identities.ts'
import type { LogLine, MessageView, Verdict } from '../api/messages.ts'
import type { ProblemPlace } from '../api/problems.ts'
import type { RejectCounts, RejectView } from '../api/rejects.ts'
import type { DoctorReport, MachineView, ReloadResult, SettingView } from '../api/settings.ts'
import type { Alerts, Audit, Fleet, Updates } from '../fleet/fleet.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ReadingsStore } from '../store/readings.ts'
import type { BackupDesk } from './backup-desk.ts'
import type { EventHub } from './event-hub.ts'
import type { Metrics } from './metrics.ts'

/** What the manager hands over: live objects as ports, and questions as functions. */
export interface HttpParts {
  readonly host: string
  /** 0 = any free one; `openHttp` answers with the port it got. */
  readonly port: number
  readonly token: TokenPart
  readonly settings: SettingsPart
  readonly demo: DemoPart
  readonly machine: () => MachineView
  readonly doctor: () => Promise<DoctorReport>
  /** Host names served besides `localhost` and IP addresses, e.g. `greenhouse.local`. */
  readonly hostNames?: readonly string[]
  readonly version: string
  /** Unix milliseconds, for relative times and defaults of ranges. */
  readonly clock: { wallMs(): number }
  readonly fleet: Fleet
  readonly store: ReadingsStore
  readonly ledger: Pick<Ledger, 'report' | 'nodes' | 'forget'>
  readonly rejects: RejectShelf
  readonly messages: MessageShelf
  readonly alerts: Alerts
  readonly audit: Audit
  readonly updates: Updates
  readonly backups: BackupDesk
  readonly conformance: ConformanceDesk
  /** Runs work between two batches: nothing is applied meanwhile. */
  readonly between: <T>(work: () => Promise<T>) => Promise<T>
  readonly broker: () => BrokerView
  readonly connect: () => ConnectInfo
  readonly health: () => Health
  readonly events: EventHub
  readonly metrics: Metrics
  readonly counters: () => Counters
  /** Folder of the built console; a page that says how to build it is served when it is not there. */
  readonly consoleDir: string
  /** An unexpected failure of a route, for the log. */
  readonly onError: (error: Error, where: string) => void
  /** Milliseconds between two `: ping` of an event stream; 15,000 unless a test says otherwise. */
  readonly pingMs?: number
}

/** The token of page and API. A rotated one counts at once; whoever subscribed ends what the old one opened. */
export interface TokenPart {
  current(): string
  rotate(): Promise<string>
  onRotate(end: () => void): () => void
}

/** The settings in force. A reload with mistakes in it changes nothing. */
export interface SettingsPart {
  views(): SettingView[]
  reload(): Promise<({ readonly ok: true } & ReloadResult) | { readonly ok: false; readonly errors: readonly ProblemPlace[] }>
}

/** The virtual nodes of `up`. An outage answers with the ids it was done to; none: there is no such one. */
export interface DemoPart {
  stop(forget: boolean): Promise<DemoStop>
  outage(node: string | null, seconds: number): string[]
}

/** Runs of conformance. */
export interface ConformanceDesk {
  /** null: one is under way for this node. `ended` never rejects. */
  begin(node: string): { readonly run: ConformanceRun; readonly ended: Promise<ConformanceRun> } | null
  /** null: there was none. */
  latest(node: string): ConformanceRun | null
}

/** The kept rejects, as this room needs them. */
export interface RejectShelf {
  /** Newest first; `cursor` is the `next` of the page before, `since` Unix ms (inclusive). */
  list(query: RejectListQuery): Promise<{ readonly items: readonly RejectView[]; readonly next: string | null }>
  /** Never reset, also not for rejects that are no longer kept. */
  counts(): RejectCounts
  kept(): { readonly rejects: number }
}

/** What boards just said, as this room needs it. `before` is the `next` of the page before. */
export interface MessageShelf {
  list(query: { readonly node?: string; readonly verdict?: Verdict; readonly before?: string; readonly limit: number }): {
    readonly items: readonly MessageView[]
    readonly next: string | null
  }
  /** Newest first. */
  logs(node: string): readonly LogLine[]
  /** What it says next is its first word: it was added, or removed. */
  forget(node: string): void
}

export interface RejectListQuery {
  readonly node?: string
  readonly reason?: string
  readonly since?: number
  readonly cursor?: string
  readonly limit: number
}

/** Totals since the start of the process. */
export interface Counters {
  readonly stored: number
  readonly duplicates: number
  readonly rejected: Readonly<Record<string, number>>
}
