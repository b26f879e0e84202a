import { expect, test } from 'vitest'
import type { Gap, LedgerReport } from '../../../src/api/ledger.ts'
import { lostSince } from './lost-since.ts'

const gap = (from: number, to: number, last_ms: number | null, state: Gap['state'] = 'lost'): Gap => ({
  boot: 1,
  from,
  to,
  first_ms: null,
  last_ms,
  state,
})
const report = (...gaps: Gap[]) => ({ gaps }) as LedgerReport

test('only what is lost, and today, counts', () => {
  expect(lostSince([report(gap(3, 5, 1000), gap(9, 9, 999)), report(gap(1, 2, 2000), gap(4, 8, 2000, 'open'))], 1000)).toBe(5)
  expect(lostSince([report(gap(1, 1, null))], 1000)).toBe(0)
})
