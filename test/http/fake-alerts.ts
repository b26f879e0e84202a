import type { AlertChannelView, AlertRuleView, AlertView, Silence } from '../../src/api/alerts.ts'
import type { AuditEntry } from '../../src/api/audit.ts'
import type { Alerts, Audit } from '../../src/fleet/fleet.ts'

export const alertView = (id: string, more: Partial<AlertView> = {}): AlertView => ({
  id,
  rule: 'hot',
  kind: 'threshold',
  node: '01',
  sensor: 'temperature',
  state: 'firing',
  since: 1_704_844_800_000,
  fired_at: 1_704_844_800_000,
  resolved_at: null,
  value: 40,
  detail: 'temperature is 40; allowed: up to 35',
  silenced_until: null,
  notified: [],
  ...more,
})

const rule: AlertRuleView = {
  name: 'hot',
  kind: 'threshold',
  text: 'temperature above 35',
  from: 'espalier.yaml:3',
  nodes: 'all',
  channels: ['phone'],
  firing: 1,
  silenced_until: null,
}
const channel: AlertChannelView = {
  name: 'phone',
  type: 'ntfy',
  target: 'https://ntfy.sh/gar…',
  from: 'espalier.yaml:9',
  last: null,
}

/** One rule, one channel that works; `silenced` is what was asked for. */
export function fakeAlerts(views: readonly AlertView[]) {
  const silenced: Silence[] = []
  const alerts: Alerts = {
    list: ({ state, node, before, limit }) =>
      views
        .filter(view => (state === undefined || view.state === state) && (node === undefined || view.node === node))
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .filter(view => before === undefined || view.id < before)
        .slice(0, limit),
    rules: () => [rule],
    channels: () => [channel],
    test: async name => (name === 'phone' ? { channel: name, ok: true, detail: 'HTTP 200' } : undefined),
    silence: async silence => {
      if (silence.rule !== 'hot') return false
      silenced.push(silence)
      return true
    },
    setRules: () => {},
    findings: () => [],
    tick: async () => {},
    on: () => () => {},
    apply: () => {},
    watermark: () => ({ segment: 0, offset: 0 }),
    close: async () => {},
  }
  return { alerts, silenced }
}

/** An audit log that forgets nothing; `refused` are callers with wrong credentials. */
export function fakeAudit() {
  const entries: AuditEntry[] = []
  const refused: string[] = []
  const audit: Audit = {
    note: entry =>
      void entries.unshift({
        address: null,
        subject: null,
        ...entry,
        id: String(entries.length).padStart(6, '0'),
        time: 1_704_844_800_000,
      }),
    refusedCaller: (address, what) => void refused.push(`${address}: ${what}`),
    list: async ({ before, action, subject, limit }) =>
      entries
        .filter(e => before === undefined || e.id < before)
        .filter(e => (action === undefined || e.action === action) && (subject === undefined || e.subject === subject))
        .slice(0, limit),
    counts: () => ({ kept: entries.length, dropped: 0 }),
    close: async () => {},
  }
  return { audit, entries, refused }
}
