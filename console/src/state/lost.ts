import { signal } from '@preact/signals'
import type { LedgerReport } from '../../../src/api/ledger.ts'
import { client, now } from './connection.ts'

/** Readings lost since midnight, by the ledger; null while it is not known. */
export const lostToday = signal<number | null>(null)

export async function askLedger(): Promise<void> {
  lostToday.value = lostSince(await client.ledger(), new Date(now.peek()).setHours(0, 0, 0, 0))
}

/** A gap counts for the day it ended in. */
export function lostSince(reports: readonly LedgerReport[], midnightMs: number): number {
  let lost = 0
  for (const { gaps } of reports)
    for (const gap of gaps)
      if (gap.state === 'lost' && (gap.last_ms ?? gap.first_ms ?? 0) >= midnightMs) lost += gap.to - gap.from + 1
  return lost
}
