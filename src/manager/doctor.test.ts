import { expect, test } from 'vitest'
import type { NodeView } from '../api/nodes.ts'
import type { MachineView } from '../api/settings.ts'
import { diagnose, type Facts } from './doctor.ts'

const now = Date.UTC(2026, 6, 1)
const dayMs = 86_400_000
const good = { ok: true, detail: 'well' }

const machine: MachineView = {
  name: 'pi',
  cpu_percent: null,
  rss_bytes: null,
  mem_free_bytes: null,
  disk_free_bytes: 10e9,
  disk_total_bytes: 30e9,
  temperature_c: null,
  full_at: null,
  written_bytes_day: null,
  store_bytes: 1e6,
  readings: 100,
  oldest_reading: now - dayMs,
  certificates: [],
  retention: [],
  uptime: 60,
}

const well: Facts = {
  now,
  data: 'data',
  options: { unclaimed: 'accept', rawBytes: 2 ** 31, backupEveryMs: dayMs },
  health: { status: 'ok', checks: { broker: good, store: good, disk: good, clock: good, ingest: good } },
  machine,
  nodes: [],
  counters: { stored: 1_000, rejected: {} },
  denied: {},
  external: null,
  fights: [],
  retention: [],
  lastBackup: { dir: '/mnt', time: now - dayMs, failure: '' },
  backupFindings: [],
  openFiles: [],
  waiting: [],
}

const node = (more: Partial<NodeView>): NodeView =>
  ({ id: '01', state: 'online', claimed: true, virtual: false, last_seen: now, last_reading: now, ...more }) as NodeView
const bad = { ok: false, detail: 'it is not' }
const unwell = (check: keyof Facts['health']['checks']): Partial<Facts> => ({
  health: { status: 'degraded', checks: { ...well.health.checks, [check]: bad } },
})
const took = { time: now - 1, what: 'raw', rows: 5, bytes: 9, from: 0, to: dayMs, why: 'age' } as const
const certificate = (name: string, days: number): Partial<Facts> => ({
  machine: { ...machine, certificates: [{ name, expires: now + days * dayMs, fingerprint: 'AA' }] },
})

test('where nothing is wrong nothing is found', () => {
  expect(diagnose(well)).toEqual({ ok: true, findings: [] })
})

test.each<[string, 'error' | 'warning' | 'info', Partial<Facts>]>([
  ['broker_down', 'error', unwell('broker')],
  ['broker_away', 'error', { ...unwell('broker'), external: { dropped: 0, sessionsLost: 0 } }],
  ['broker_dropped', 'warning', { external: { dropped: 7, sessionsLost: 0 } }],
  ['session_lost', 'warning', { external: { dropped: 0, sessionsLost: 1 } }],
  ['ingest_stopped', 'error', unwell('ingest')],
  ['store_damaged', 'error', unwell('store')],
  ['disk_low', 'warning', unwell('disk')],
  ['clock_suspect', 'warning', unwell('clock')],
  ['disk_filling', 'warning', { machine: { ...machine, full_at: now + 13 * dayMs } }],
  ['certificate_expiring', 'warning', certificate('server', 13)],
  ['certificate_expiring', 'warning', certificate('CA', 80)],
  ['certificate_expiring', 'error', certificate('server', -1)],
  ['backup_none', 'info', { lastBackup: { dir: null, time: null, failure: '' }, machine: { ...machine, oldest_reading: 0 } }],
  ['backup_old', 'warning', { lastBackup: { dir: '/mnt', time: now - 3 * dayMs, failure: '' } }],
  ['retention_took', 'info', { retention: [took] }],
  ['retention_over', 'warning', { machine: { ...machine, store_bytes: 2 ** 32 } }],
  ['rejects_many', 'warning', { counters: { stored: 100, rejected: { bad_json: 30, no_time: 1 } } }],
  ['user_denied', 'warning', { denied: { '01': 3 } }],
  ['node_late', 'warning', { nodes: [node({ state: 'late' })] }],
  ['node_offline', 'warning', { nodes: [node({ state: 'offline', last_seen: now - 2 * 3_600_000 })] }],
  ['node_fighting', 'warning', { fights: [{ node: '01' } as Facts['fights'][number]] }],
  ['node_unclaimed', 'warning', { nodes: [node({ claimed: false })], options: { ...well.options, unclaimed: 'quarantine' } }],
  ['file_open', 'warning', { openFiles: ['data/token'] }],
  ['restart_needed', 'warning', { waiting: ['up.sim'] }],
])('%s is found as %s, with what to do', (code, severity, facts) => {
  const { ok, findings } = diagnose({ ...well, ...facts })
  expect(findings).toEqual([
    expect.objectContaining({ code, severity, what: expect.stringMatching(/./), fix: expect.stringMatching(/./) }),
  ])
  expect(ok).toBe(severity === 'info')
})

test.each<[string, Partial<Facts>]>([
  ['a virtual node that is away', { nodes: [node({ virtual: true, state: 'offline', last_seen: 0 })] }],
  ['a node that has just gone', { nodes: [node({ state: 'offline', last_seen: now - 60_000 })] }],
  ['a few rejects of a first try', { counters: { stored: 1, rejected: { bad_json: 5 } } }],
  ['a first week without a backup', { lastBackup: { dir: null, time: null, failure: '' } }],
  ['what went long ago', { retention: [{ ...took, time: now - 8 * dayMs }] }],
])('%s is nothing to look after', (_, facts) => {
  expect(diagnose({ ...well, ...facts }).findings).toEqual([])
})

test('the worst comes first', () => {
  const { findings } = diagnose({ ...well, ...unwell('broker'), openFiles: ['t'], retention: [took] })
  expect(findings.map(f => f.severity)).toEqual(['error', 'warning', 'info'])
})
