import { Readable } from 'node:stream'
import type { AlertView } from '../../src/api/alerts.ts'
import type { BrokerView } from '../../src/api/broker.ts'
import type { CommandView } from '../../src/api/commands.ts'
import type { Health } from '../../src/api/health.ts'
import type { IdentityView } from '../../src/api/identities.ts'
import type { NodeView } from '../../src/api/nodes.ts'
import type { RejectView } from '../../src/api/rejects.ts'
import type { MachineView } from '../../src/api/settings.ts'
import type { ReadingEvent } from '../../src/contract/events.ts'
import type { Fleet } from '../../src/fleet/fleet.ts'
import { createEventHub, createMetrics, type HttpParts } from '../../src/http/http.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import type { LedgerReport } from '../../src/ledger/ledger.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { fakeAlerts, fakeAudit } from './fake-alerts.ts'
import { fakeUpdates } from './fake-updates.ts'

export const token = 'a-token-of-the-test'
export const auth = { authorization: `Bearer ${token}`, host: 'localhost' }

export const reading = (node: string, time: number, fields: Record<string, number>, seq: number | null = null): ReadingEvent => ({
  kind: 'reading',
  node,
  arrived: time,
  time,
  boot: seq === null ? null : 7,
  seq,
  names: Object.keys(fields),
  values: Object.values(fields),
})

export const nodeView = (id: string, more: Partial<NodeView> = {}): NodeView => ({
  id,
  name: null,
  state: 'online',
  claimed: false,
  virtual: false,
  first_seen: 1_704_844_000_000,
  last_seen: 1_704_844_800_000,
  last_reading: 1_704_844_800_000,
  interval: 10,
  firmware: null,
  board: null,
  ip: null,
  rssi: -60,
  tags: [],
  stored: 3,
  rejected: 0,
  duplicates: 0,
  null_values: 0,
  ignored_keys: 0,
  last: {},
  ...more,
})

export const commandView = (id: string, more: Partial<CommandView> = {}): CommandView => ({
  id,
  node: '01',
  command: 'set_led',
  params: { state: 'on' },
  state: 'queued',
  queued_at: 1_704_844_800_000,
  sent_at: null,
  final_at: null,
  expires: 1_704_845_100_000,
  progress: null,
  result: null,
  error: null,
  matched: null,
  attempts: 0,
  history: [{ state: 'queued', time: 1_704_844_800_000, evidence: 'user' }],
  by: 'api',
  ...more,
})

export const rejectView = (id: string, more: Partial<RejectView> = {}): RejectView => ({
  id,
  node: '01',
  topic: 'iot/node/01/telemetry',
  reason: 'bad_json',
  detail: 'the text ends too early',
  time: 1_704_844_800_000,
  size: 1,
  raw_base64: 'ew==',
  truncated: false,
  count: 1,
  indices: null,
  ...more,
})

const brokerView: BrokerView = {
  kind: 'embedded',
  version: '0.1.0',
  up: true,
  profile: 'embedded',
  receipts: true,
  listeners: [{ host: '127.0.0.1', port: 1883, tls: false, auth: 'anyone on this machine' }],
  denied: {},
  timestamp: null,
  interval: 10,
  messages_in_s: 3,
  messages_out_s: 1,
  bytes_in_s: 300,
  bytes_out_s: 100,
  clients: 3,
  subscriptions: 9,
  retained: 3,
  queued: 0,
  inflight: 0,
  dropped_total: 0,
  stored_total: 3,
  rejected_total: 1,
}

const report = (node: string): LedgerReport => ({
  node,
  expected: 3,
  stored: 3,
  duplicates: 0,
  rejected: 0,
  missing: 0,
  lost: 0,
  gaps: [],
})

const machineView: MachineView = {
  name: 'greenhouse',
  cpu_percent: 3,
  rss_bytes: 100_000_000,
  mem_free_bytes: 500_000_000,
  disk_free_bytes: 10_000_000_000,
  disk_total_bytes: 30_000_000_000,
  temperature_c: 48.2,
  full_at: null,
  written_bytes_day: 200_000_000,
  store_bytes: 1_000_000,
  readings: 3,
  oldest_reading: 1_704_844_800_000,
  certificates: [],
  retention: [],
  uptime: 60,
}

const good = { ok: true, detail: 'well' }
export const healthy: Health = { status: 'ok', checks: { broker: good, store: good, disk: good, clock: good, ingest: good } }

/** A fleet that does as the test says. `sent` is what was asked of `send`. */
export function fakeFleet(nodes: NodeView[], commands: CommandView[]) {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const sent: unknown[][] = []
  const fleet = {
    nodes: () => [...byId.values()],
    node: (id: string) => byId.get(id),
    // Its last word was its will, which says nothing of sensors and drops.
    status: (id: string) => (byId.has(id) ? { node_id: `node_${id}`, online: false, boot: 7 } : null),
    described: (id: string) =>
      byId.has(id) ? { node_id: `node_${id}`, online: true, dropped: 2, sensors: [{ name: 'temperature', unit: '°C' }] } : null,
    patch: async (id: string, patch: object) => {
      const node = byId.get(id)
      if (!node) return undefined
      byId.set(id, { ...node, ...patch })
      return byId.get(id)
    },
    remove: async (id: string) => byId.delete(id),
    identities: fakeIdentities(byId),
    commands: {
      send: async (node: string, request: { command: string }, by: string, key?: string) => {
        sent.push([node, request, by, key])
        if (!byId.has(node)) return { ok: false, why: 'no_such_node', detail: '' }
        if (key === 'repeated') return { ok: true, repeated: true, command: commandView('01A', { node }) }
        if (key === 'conflict' || key === 'too_large' || key === 'queue_full')
          return { ok: false, why: key, detail: `because ${key}` }
        return { ok: true, repeated: false, command: commandView('01B', { node, command: request.command }) }
      },
      get: (id: string) => commands.find(command => command.id === id),
      list: (query: { node?: string; state?: string; before?: string; limit: number }) =>
        commands
          .filter(command => query.node === undefined || command.node === query.node)
          .filter(command => query.state === undefined || command.state === query.state)
          .sort((a, b) => (a.id < b.id ? 1 : -1))
          .filter(command => query.before === undefined || command.id < query.before)
          .slice(0, query.limit),
      cancel: async (id: string) => {
        const command = commands.find(one => one.id === id)
        if (!command) return { ok: false, why: 'not_found' }
        if (command.state !== 'queued') return { ok: false, why: 'not_queued', command }
        return { ok: true, command: { ...command, state: 'cancelled' } }
      },
      counts: () => ({ queued: commands.length }),
    },
  }
  return { fleet: fleet as unknown as Fleet, sent }
}

/** Credentials as the routes need them: who has one, who has none, and who is nobody. */
function fakeIdentities(nodes: Map<string, NodeView>) {
  const known = new Map<string, IdentityView>()
  const noNode = { ok: false, why: 'no_such_node', detail: 'no such node' }
  const none = (id: string) => (nodes.has(id) ? { ok: false, why: 'no_identity', detail: 'it has no credential' } : noNode)
  const credential = (id: string, password: string) => ({ ok: true, value: { id, username: id, password } })
  return {
    list: () => [...known.values()],
    add: async ({ id, cert }: { id: string; cert?: boolean }) => {
      if (known.has(id)) return { ok: false, why: 'exists', detail: 'it has one already' }
      if (cert) return { ok: false, why: 'no_issuer', detail: 'there is no own CA' }
      const never = { rotated: null, revoked: null, grace_until: null, expires: null, last_connected: null, connected: false }
      known.set(id, { id, kind: 'password', created: 1_704_844_800_000, ...never })
      nodes.set(id, nodeView(id, { claimed: true, state: 'unknown' }))
      return credential(id, 'first')
    },
    rotate: async (id: string) => (known.has(id) ? credential(id, 'second') : none(id)),
    revoke: async (id: string) =>
      known.has(id) ? { ok: true, value: { ...known.get(id), revoked: 1_704_844_900_000 } } : none(id),
    claim: async (id: string) => (nodes.has(id) ? { ok: true, value: { ...nodes.get(id), claimed: true } } : noNode),
  }
}

export interface FakeOptions {
  readonly nodes?: NodeView[]
  readonly commands?: CommandView[]
  readonly rejects?: RejectView[]
  readonly consoleDir?: string
  readonly readings?: readonly ReadingEvent[]
  readonly pingMs?: number
  readonly hubCapacity?: number
  readonly alerts?: AlertView[]
}

/** All parts of the HTTP server, in memory. `fail` collects what would have gone to the log. */
export function fakeParts(options: FakeOptions = {}) {
  const clock = new ManualClock()
  const store = createMemoryReadings()
  store.apply({ events: [...(options.readings ?? [])], end: { segment: 0, offset: 1 } }, true)
  const nodes = options.nodes ?? [nodeView('01'), nodeView('02')]
  const { fleet, sent } = fakeFleet(nodes, options.commands ?? [])
  const failures: Error[] = []
  const rejects = options.rejects ?? []
  const fake = fakeAlerts(options.alerts ?? [])
  const log = fakeAudit()
  const parts: HttpParts = {
    host: '127.0.0.1',
    port: 0,
    token: { current: () => token, rotate: async () => 'a-new-token', onRotate: () => () => {} },
    settings: { views: () => [], reload: async () => ({ ok: true, applied: [], needs_restart: [] }) },
    machine: () => machineView,
    conformance: fakeConformance(),
    doctor: async () => ({ ok: true, findings: [] }),
    demo: {
      stop: async forget => ({ stopped: ['sim-1'], forgotten: forget ? ['sim-1'] : [] }),
      outage: node => (node === null || node === 'sim-1' ? ['sim-1'] : []),
    },
    hostNames: ['greenhouse.local'],
    version: '0.1.0',
    clock,
    fleet,
    store,
    ledger: { report, nodes: () => nodes.map(node => node.id), forget: () => {} },
    between: work => work(),
    rejects: {
      list: async query => {
        const found = rejects.filter(reject => query.node === undefined || reject.node === query.node)
        return { items: found.slice(0, query.limit), next: found.length > query.limit ? 'more' : null }
      },
      counts: () => ({ total: rejects.length, by_reason: { bad_json: rejects.length }, by_node: { '01': rejects.length } }),
      kept: () => ({ rejects: rejects.length }),
    },
    alerts: fake.alerts,
    audit: log.audit,
    updates: fakeUpdates(),
    messages: { list: () => ({ items: [], next: null }), logs: () => [], forget: () => {} },
    backups: {
      begin: async () => ({
        readings: 3,
        created: clock.wallMs(),
        pieces: Readable.from([Buffer.from('whole')]),
        release: async () => {},
      }),
      list: async () => [],
      make: async () => ({ refused: 'no_folder', detail: 'no folder is set' }),
    },
    broker: () => brokerView,
    connect: () => ({ host: '192.0.2.1', mqtts_port: 8883, mqtt_port: null, ca: 'PEM', ca_sha256: 'AA:BB' }),
    health: () => healthy,
    events: createEventHub({ clock, ...(options.hubCapacity !== undefined && { capacity: options.hubCapacity }) }),
    metrics: createMetrics(),
    counters: () => ({ stored: 3, duplicates: 1, rejected: { bad_json: 2 } }),
    consoleDir: options.consoleDir ?? '/nonexistent',
    onError: error => void failures.push(error),
    ...(options.pingMs !== undefined && { pingMs: options.pingMs }),
  }
  return { parts, clock, store, sent, failures, silenced: fake.silenced, audited: log.entries, refusedCallers: log.refused }
}

function fakeConformance(): HttpParts['conformance'] {
  const run = (node: string) => ({ node, pass: true, checks: [], begun: 1, ended: 2 })
  return { begin: node => ({ run: run(node), ended: Promise.resolve(run(node)) }), latest: run }
}
