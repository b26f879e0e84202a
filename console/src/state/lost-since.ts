import type { LedgerReport } from '../../../src/api/ledger.ts'

/** Readings lost since a moment. Pure. A gap counts for the day it ended in. */
export function lostSince(reports: readonly LedgerReport[], midnightMs: number): number {
  let lost = 0
  for (const { gaps } of reports)
    for (const gap of gaps)
      if (gap.state === 'lost' && (gap.last_ms ?? gap.first_ms ?? 0) >= midnightMs) lost += gap.to - gap.from + 1
  return lost
}
