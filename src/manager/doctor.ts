import type { Health } from '../api/health.ts'
import type { MessageView } from '../api/messages.ts'
import type { NodeView } from '../api/nodes.ts'
import type { RetentionView } from '../api/retention.ts'
import type { DoctorReport, Finding, MachineView } from '../api/settings.ts'
import type { UpOptions } from '../config/config.ts'
import { type FindingCode, findings } from '../contract/findings.ts'
import type { LastBackup } from './backup-schedule.ts'

/** Everything doctor looks at, as of now. */
export interface Facts {
  readonly now: number
  readonly data: string
  readonly options: Pick<UpOptions, 'unclaimed' | 'rawBytes' | 'backupEveryMs'>
  readonly health: Health
  readonly machine: MachineView
  readonly nodes: readonly NodeView[]
  readonly counters: { readonly stored: number; readonly rejected: Readonly<Record<string, number>> }
  readonly denied: Readonly<Record<string, number>>
  /** What a broker that is not ours says of itself, and how often our session was gone there; null: it is ours. */
  readonly external: { readonly dropped: number; readonly sessionsLost: number } | null
  /** Messages of this run that tell of a fight over an id. */
  readonly fights: readonly MessageView[]
  readonly retention: readonly RetentionView[]
  readonly lastBackup: LastBackup
  readonly backupFindings: readonly Finding[]
  /** Files with secrets that others may read. */
  readonly openFiles: readonly string[]
  /** Keys of the configuration that wait for a restart. */
  readonly waiting: readonly string[]
}

const dayMs = 86_400_000
const hourMs = 3_600_000

const finding = (code: FindingCode, severity: Finding['severity'], subject: string, what: string): Finding => ({
  code,
  severity,
  subject,
  what,
  fix: findings[code].mend,
})

/** Facts → findings, the worst first. Pure. */
export function diagnose(facts: Facts): DoctorReport {
  const all = [
    ...ofHealth(facts),
    ...ofMachine(facts),
    ...ofKeeping(facts),
    ...ofMessages(facts),
    ...facts.nodes.filter(node => !node.virtual).flatMap(node => ofNode(node, facts)),
    ...openFileFindings(facts.openFiles),
    ...(facts.waiting.length > 0
      ? [finding('restart_needed', 'warning', 'configuration', `waiting: ${facts.waiting.join(', ')}`)]
      : []),
  ]
  return reportOf(all)
}

export function reportOf(all: readonly Finding[]): DoctorReport {
  const weight = { error: 0, warning: 1, info: 2 }
  const sorted = all.toSorted((a, b) => weight[a.severity] - weight[b.severity])
  return { ok: all.every(f => f.severity === 'info'), findings: sorted }
}

export const openFileFindings = (files: readonly string[]): Finding[] =>
  files.map(file => finding('file_open', 'warning', file, 'others on this machine may read it'))

function ofHealth({ health, data, external }: Facts): Finding[] {
  const { broker, ingest, store, disk, clock } = health.checks
  const out: Finding[] = []
  if (!broker.ok) out.push(finding(external === null ? 'broker_down' : 'broker_away', 'error', 'broker', broker.detail))
  if (external !== null && external.dropped > 0)
    out.push(finding('broker_dropped', 'warning', 'broker', `${external.dropped} messages`))
  if (external !== null && external.sessionsLost > 0)
    out.push(finding('session_lost', 'warning', 'broker', `${external.sessionsLost} times in this run`))
  if (!ingest.ok) out.push(finding('ingest_stopped', 'error', 'ingest', ingest.detail))
  if (!store.ok) out.push(finding('store_damaged', 'error', 'store', store.detail))
  if (!disk.ok) out.push(finding('disk_low', 'warning', data, disk.detail))
  if (!clock.ok) out.push(finding('clock_suspect', 'warning', 'clock', clock.detail))
  return out
}

function ofMachine({ machine, now, data }: Facts): Finding[] {
  const out: Finding[] = []
  if (machine.full_at !== null && machine.full_at < now + 14 * dayMs)
    out.push(finding('disk_filling', 'warning', data, `full on ${day(machine.full_at)} at the pace of the last day`))
  for (const { name, expires } of machine.certificates) {
    const leftDays = Math.floor((expires - now) / dayMs)
    if (leftDays >= (name === 'CA' ? 90 : 14)) continue
    const what = leftDays < 0 ? `ended on ${day(expires)}` : `ends on ${day(expires)}, in ${leftDays} days`
    out.push(finding('certificate_expiring', leftDays < 0 ? 'error' : 'warning', name, what))
  }
  return out
}

function ofKeeping({ now, options, machine, retention, lastBackup, backupFindings }: Facts): Finding[] {
  const out = [...backupFindings]
  const { dir, time } = lastBackup
  if (dir === null) {
    if (machine.oldest_reading !== null && machine.oldest_reading < now - 7 * dayMs)
      out.push(finding('backup_none', 'info', 'backup', `readings since ${day(machine.oldest_reading)} are on this disk alone`))
  } else if (time !== null && now - time > 2 * options.backupEveryMs + hourMs)
    out.push(finding('backup_old', 'warning', dir, `the newest is of ${day(time)}`))
  for (const took of retention.filter(one => one.time > now - 7 * dayMs)) {
    const kind = { raw: 'readings', '1m': 'minutes', '1h': 'hours' }[took.what]
    const because = took.why === 'age' ? 'they were older than allowed' : 'they took more room than allowed'
    out.push(
      finding(
        'retention_took',
        'info',
        'retention',
        `${took.rows} ${kind} of ${day(took.from)} to ${day(took.to)} went on ${day(took.time)}: ${because}`,
      ),
    )
  }
  if (machine.store_bytes > options.rawBytes * 1.1)
    out.push(
      finding(
        'retention_over',
        'warning',
        'retention',
        `${machine.store_bytes} bytes are kept, retention.raw_size is ${options.rawBytes}`,
      ),
    )
  return out
}

/** Below this a few wrong messages of a first try would be a share of everything. */
const rejectsAtLeast = 20

function ofMessages({ counters, denied, fights }: Facts): Finding[] {
  const out: Finding[] = []
  const rejected = Object.values(counters.rejected).reduce((sum, n) => sum + n, 0)
  if (rejected >= rejectsAtLeast && rejected > (counters.stored + rejected) / 20) {
    const [worst, n] = Object.entries(counters.rejected).sort(([, a], [, b]) => b - a)[0]!
    out.push(
      finding(
        'rejects_many',
        'warning',
        'rejects',
        `${rejected} rejected, ${counters.stored} stored; most often ${worst} (${n})`,
      ),
    )
  }
  for (const [user, n] of Object.entries(denied))
    if (n > 0) out.push(finding('user_denied', 'warning', user, `denied ${n === 1 ? 'once' : `${n} times`} since the start`))
  const fighters = new Set(fights.map(message => message.node ?? message.user ?? 'unknown'))
  for (const id of fighters) out.push(finding('node_fighting', 'warning', id, 'two connections take its id from each other'))
  return out
}

function ofNode(node: NodeView, { now, options }: Facts): Finding[] {
  const out: Finding[] = []
  const since = (ms: number): string => `since ${new Date(ms).toISOString().slice(0, 19)}Z`
  if (node.state === 'late') out.push(finding('node_late', 'warning', node.id, `nothing ${since(node.last_seen)}`))
  if (node.state === 'offline' && now - node.last_seen > hourMs)
    out.push(finding('node_offline', 'warning', node.id, `away ${since(node.last_seen)}`))
  if (!node.claimed && options.unclaimed !== 'accept')
    out.push(
      finding(
        'node_unclaimed',
        'warning',
        node.id,
        `nodes.unclaimed is ${options.unclaimed}: what it says is not stored with the others`,
      ),
    )
  return out
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
