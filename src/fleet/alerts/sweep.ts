import type { NodeView } from '../../api/nodes.ts'
import type { AlertRule, RuleCondition } from '../../contract/alert-rules.ts'
import type { LedgerReport } from '../../ledger/ledger.ts'
import type { MachineState } from './alerts.ts'
import {
  certificateSample,
  covers,
  diskSample,
  lossSample,
  rebootSample,
  rssiSample,
  type Sample,
  silentSample,
} from './conditions.ts'
import type { Moment } from './instance.ts'

/** Looks at everything that no reading tells: presence, signal, starts, losses, the machine. Asked every few seconds. */
export interface Sweep {
  nodes(views: readonly NodeView[], rules: readonly AlertRule[], now: Moment): void
  machine(rules: readonly AlertRule[], now: Moment): void
}

export interface SweepParts {
  readonly boots: (node: string) => readonly number[]
  readonly ledger: (node: string) => LedgerReport
  readonly machine: () => MachineState
  readonly startedMonoMs: number
  readonly feed: (rule: AlertRule, node: string | null, sample: Sample) => void
}

/** A ledger of many gaps takes a millisecond to sum up, and losses can wait. */
const ledgerEveryMs = 30_000

interface Losses {
  readonly sinceMs: number
  /** Counts as they changed, oldest first. */
  marks: { at: number; lost: number }[]
}

export function createSweep(parts: SweepParts): Sweep {
  const losses = new Map<string, Losses>()
  let ledgerMs = Number.NEGATIVE_INFINITY

  function loss(rule: AlertRule & Extract<RuleCondition, { kind: 'loss' }>, report: LedgerReport, now: number): Sample {
    let known = losses.get(report.node)
    if (known === undefined) losses.set(report.node, (known = { sinceMs: now, marks: [{ at: now, lost: report.lost }] }))
    if (known.marks.at(-1)!.lost !== report.lost) known.marks.push({ at: now, lost: report.lost })
    // The newest mark that is old enough is what there was `withinMs` ago.
    const before = known.marks.findLast(mark => now - mark.at >= rule.withinMs) ?? known.marks[0]!
    if (known.marks.length > 1_000) known.marks = known.marks.slice(-500)
    return lossSample(rule, report, before.lost, now - known.sinceMs)
  }

  return {
    nodes(views, rules, { wallMs, monoMs, suspect }) {
      const withLedger = monoMs - ledgerMs >= ledgerEveryMs && rules.some(rule => rule.kind === 'loss')
      if (withLedger) ledgerMs = monoMs
      for (const node of views) {
        let report: LedgerReport | undefined
        for (const rule of rules) {
          if (rule.kind === 'threshold' || rule.kind === 'disk' || rule.kind === 'certificate' || !covers(rule, node)) continue
          if (rule.kind === 'silent') parts.feed(rule, node.id, silentSample(node, wallMs, suspect))
          else if (rule.kind === 'rssi') {
            const sample = rssiSample(rule, node)
            if (sample) parts.feed(rule, node.id, sample)
          } else if (rule.kind === 'reboot_loop')
            parts.feed(rule, node.id, rebootSample(rule, parts.boots(node.id), monoMs, monoMs - parts.startedMonoMs))
          else if (withLedger) {
            report ??= parts.ledger(node.id)
            parts.feed(rule, node.id, loss(rule, report, monoMs))
          }
        }
      }
    },
    machine(rules, { wallMs, suspect }) {
      const state = parts.machine()
      for (const rule of rules) {
        const sample =
          rule.kind === 'disk'
            ? diskSample(rule, state, wallMs, suspect)
            : rule.kind === 'certificate'
              ? certificateSample(rule, state, wallMs, suspect)
              : null
        if (sample) parts.feed(rule, null, sample)
      }
    },
  }
}
