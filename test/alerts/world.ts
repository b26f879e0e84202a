import type { AlertView } from '../../src/api/alerts.ts'
import type { NodeView } from '../../src/api/nodes.ts'
import { defaultRules } from '../../src/config/alert-defaults.ts'
import type { AlertChannel, AlertRule, RuleCondition } from '../../src/contract/alert-rules.ts'
import type { JournalEvent } from '../../src/contract/events.ts'
import type { Alerts, MachineState } from '../../src/fleet/alerts/alerts.ts'
import { openAlerts } from '../../src/fleet/alerts/open.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import type { LedgerReport } from '../../src/ledger/ledger.ts'
import { createMemoryRecords } from '../../src/store/memory/records.ts'
import type { Records } from '../../src/store/records.ts'
import { nodeView } from '../http/fake-parts.ts'

export const webhookTo = (url: string, name = 'hook', more: object = {}): AlertChannel => ({
  name,
  from: 'test',
  type: 'webhook',
  url,
  secret: null,
  authorization: null,
  ...more,
})

export const ruleOf = (name: string, condition: RuleCondition, more: Partial<AlertRule> = {}): AlertRule =>
  ({ name, from: 'test', nodes: 'all', channels: null, forMs: 0, resolveAfterMs: 0, ...condition, ...more }) as AlertRule

export const hot = (more: Partial<AlertRule> = {}): AlertRule =>
  ruleOf(
    'hot',
    { kind: 'threshold', sensor: 'temperature', above: 30, below: null, clear: 28 },
    { resolveAfterMs: 60_000, ...more },
  )

const wholeLedger = (node: string): LedgerReport => ({
  node,
  expected: 0,
  stored: 0,
  duplicates: 0,
  rejected: 0,
  missing: 0,
  lost: 0,
  gaps: [],
})

/** Alerts over records in memory, on a clock of the test, with nodes and a machine as the test sets them. */
export class World {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly nodes = new Map<string, NodeView>()
  readonly problems: string[] = []
  readonly seen: AlertView[] = []
  records: Records = createMemoryRecords()
  machine: MachineState = { diskFreeBytes: 50e9, diskTotalBytes: 100e9, fullAt: null, certificates: [] }
  readonly ledgers = new Map<string, Partial<LedgerReport>>()
  suspect = false
  alerts!: Alerts
  #seed = 0

  constructor() {
    this.node('01')
  }

  node(id: string, more: Partial<NodeView> = {}): void {
    this.nodes.set(id, nodeView(id, { last_seen: this.clock.wallMs(), ...this.nodes.get(id), ...more }))
  }

  async open(rules: readonly AlertRule[] = defaultRules, channels: readonly AlertChannel[] = []): Promise<Alerts> {
    this.alerts = await openAlerts({
      records: this.records,
      clock: this.clock,
      config: { rules, channels },
      nodes: () => [...this.nodes.values()],
      node: id => this.nodes.get(id),
      ledger: node => ({ ...wholeLedger(node), ...this.ledgers.get(node) }),
      machine: () => this.machine,
      clockSuspect: () => this.suspect,
      siteName: 'Garden',
      random: bytes => void bytes.fill(++this.#seed),
      onProblem: text => void this.problems.push(text),
    })
    this.alerts.on(alert => void this.seen.push(alert))
    return this.alerts
  }

  /** The process ends without a word and another one starts: nothing but the records is left. */
  async restart(rules: readonly AlertRule[], channels: readonly AlertChannel[] = [], downMs = 0): Promise<Alerts> {
    this.clock.wall += downMs
    this.clock.mono = 0
    return this.open(rules, channels)
  }

  event(event: JournalEvent): void {
    this.alerts.apply({ events: [event], end: { segment: 0, offset: 1 } }, true)
  }

  read(value: number, more: { node?: string; sensor?: string; time?: number; boot?: number } = {}): void {
    const arrived = this.clock.wallMs()
    const { node = '01', sensor = 'temperature', time = arrived, boot = null } = more
    this.event({ kind: 'reading', node, arrived, time, boot, seq: boot === null ? null : 0, names: [sensor], values: [value] })
  }

  /** Seconds pass, one tick each. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1_000)
      await this.alerts.tick()
    }
  }

  states(): string[] {
    return this.alerts.list({ limit: 100 }).map(a => `${a.rule} ${a.node ?? '-'} ${a.state}`)
  }
}
