import type { NodeView } from '../../api/nodes.ts'
import type { AlertRule, RuleCondition } from '../../contract/alert-rules.ts'
import type { LedgerReport } from '../../ledger/ledger.ts'
import type { MachineState } from './alerts.ts'
import type { Verdict } from './machine.ts'
import { dateText, megabytes, readings, spanText } from './words.ts'

/** A look at a subject: how it is, with the number that says so and a sentence. */
export interface Sample {
  readonly verdict: Verdict
  readonly value: number | null
  readonly detail: string
}

type Of<K extends RuleCondition['kind']> = Extract<RuleCondition, { kind: K }>

/** Bad beyond the bound, good from `clear` on; without one, from the bound on. */
export function boundVerdict(rule: { above: number | null; below: number | null; clear: number | null }, value: number): Verdict {
  const { above, below, clear } = rule
  if (above !== null) return value > above ? 'bad' : value <= (clear ?? above) ? 'good' : 'between'
  return value < below! ? 'bad' : value >= (clear ?? below!) ? 'good' : 'between'
}

export const thresholdDetail = (rule: Of<'threshold'>, value: number): string =>
  `${rule.sensor} is ${Number(value.toPrecision(6))}; allowed: ${rule.above !== null ? `up to ${rule.above}` : `from ${rule.below}`}`

/** Added, and not a word yet: it lies on the table unflashed. */
const neverHeard = (node: NodeView): boolean =>
  node.state === 'unknown' && node.stored + node.rejected + node.duplicates === 0 && node.last_seen === node.first_seen

/** `unknown` is silence too: this manager has not heard the node since it started. A node that sleeps is late when it slept through
 *  three of its intervals. */
export function silentSample(node: NodeView, wallMs: number, clockSuspect: boolean): Sample {
  if (neverHeard(node)) return { verdict: 'good', value: null, detail: 'not heard yet' }
  const silentMs = clockSuspect ? null : Math.max(0, wallMs - node.last_seen)
  const value = silentMs === null ? null : Math.round(silentMs / 1000)
  const since = silentMs === null ? '' : `, last heard ${spanText(silentMs)} ago`
  if (node.state === 'online') return { verdict: 'good', value, detail: 'it is heard' }
  if (node.state !== 'asleep') {
    const what = node.state === 'unknown' ? 'not heard since the start of the server' : node.state
    return { verdict: 'bad', value, detail: `${what}${since}` }
  }
  if (node.interval === null || silentMs === null) return { verdict: 'between', value, detail: 'asleep' }
  const overslept = silentMs > 3 * node.interval * 1000
  return { verdict: overslept ? 'bad' : 'good', value, detail: `asleep${since}` }
}

/** Of a node that is heard: the strength of yesterday says nothing of now. */
export function rssiSample(rule: Of<'rssi'>, node: NodeView): Sample | null {
  if (node.rssi === null || node.state !== 'online') return null
  const verdict = boundVerdict({ above: null, below: rule.below, clear: rule.clear }, node.rssi)
  return { verdict, value: node.rssi, detail: `Wi-Fi at ${node.rssi} dBm; allowed: from ${rule.below}` }
}

/** `bootsMs`: when starts were noticed, of the monotonic clock. A watch that has not lasted `withinMs` yet can't say it is good. */
export function rebootSample(rule: Of<'reboot_loop'>, bootsMs: readonly number[], nowMs: number, watchedMs: number): Sample {
  const count = bootsMs.filter(at => nowMs - at < rule.withinMs).length
  const verdict = count >= rule.boots ? 'bad' : watchedMs >= rule.withinMs ? 'good' : 'between'
  return { verdict, value: count, detail: `${count} starts within ${spanText(rule.withinMs)}; allowed: fewer than ${rule.boots}` }
}

/** `lostBefore`: the count of `withinMs` ago, or of the beginning of the watch. */
export function lossSample(rule: Of<'loss'>, report: LedgerReport, lostBefore: number, watchedMs: number): Sample {
  // What was lost may come all the same: then there is less than before.
  const lost = Math.max(0, report.lost - lostBefore)
  const tooManyLost = rule.lost !== null && lost >= rule.lost
  const tooManyMissing = rule.missing !== null && report.missing >= rule.missing
  const settled = rule.lost === null || watchedMs >= rule.withinMs
  return {
    verdict: tooManyLost || tooManyMissing ? 'bad' : settled ? 'good' : 'between',
    value: tooManyLost || rule.missing === null ? lost : report.missing,
    detail:
      tooManyLost || rule.missing === null
        ? `${lost} ${readings(lost)} lost within ${spanText(rule.withinMs)}; allowed: fewer than ${rule.lost}`
        : `${report.missing} ${readings(report.missing)} missing; allowed: fewer than ${rule.missing}`,
  }
}

export function diskSample(rule: Of<'disk'>, machine: MachineState, wallMs: number, clockSuspect: boolean): Sample | null {
  const { diskFreeBytes, diskTotalBytes, fullAt } = machine
  if (diskFreeBytes === null) return null
  const full = clockSuspect ? null : fullAt
  const free = `${megabytes(diskFreeBytes)} free${diskTotalBytes === null ? '' : ` of ${megabytes(diskTotalBytes)}`}`
  if (diskFreeBytes < rule.freeBytes)
    return { verdict: 'bad', value: diskFreeBytes, detail: `${free}; allowed: from ${megabytes(rule.freeBytes)}` }
  if (full !== null && full - wallMs < rule.fullWithinMs)
    return { verdict: 'bad', value: diskFreeBytes, detail: `${free}, full on ${dateText(full)} at the pace of the last day` }
  return { verdict: 'good', value: diskFreeBytes, detail: free }
}

/** The one that ends first; without certificates nothing can end. */
export function certificateSample(
  rule: Of<'certificate'>,
  machine: MachineState,
  wallMs: number,
  clockSuspect: boolean,
): Sample | null {
  if (clockSuspect) return null
  const first = machine.certificates.toSorted((a, b) => a.expires - b.expires)[0]
  if (first === undefined) return { verdict: 'good', value: null, detail: 'there are no certificates' }
  const days = Math.round((first.expires - wallMs) / 86_400_000)
  return {
    verdict: first.expires - wallMs < rule.expiresWithinMs ? 'bad' : 'good',
    value: days,
    detail: `the certificate "${first.name}" ends on ${dateText(first.expires)}; allowed: not within ${spanText(rule.expiresWithinMs)}`,
  }
}

/** Does the rule look at this node? */
export function covers(rule: Pick<AlertRule, 'nodes'>, node: Pick<NodeView, 'id' | 'claimed' | 'tags'>): boolean {
  if (rule.nodes === 'all') return true
  if (rule.nodes === 'claimed') return node.claimed
  return rule.nodes.startsWith('tag:') ? node.tags.includes(rule.nodes.slice(4)) : rule.nodes === node.id
}
