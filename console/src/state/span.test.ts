import { expect, test } from 'vitest'
import { moved, queryOf, scaled, spanOf, spans } from './span.ts'

const of = (text: string) => spanOf(new URLSearchParams(text))

test('every named span, and a drawn one, comes back from the address it was put in', () => {
  for (const [, , lastMs] of spans) {
    const kept = Object.entries(queryOf({ lastMs })).filter(([, value]) => value !== null) as [string, string][]
    expect(spanOf(new URLSearchParams(kept))).toEqual({ lastMs })
  }
  expect(queryOf({ from: 1000.4, to: 2000.4 })).toEqual({ from: '1000', to: '2001', last: null })
  expect(of('from=1000&to=2001')).toEqual({ from: 1000, to: 2001 })
})

test('an address that says nothing sensible gives the usual span', () => {
  for (const text of ['', 'last=fortnight', 'from=5&to=4', 'from=x&to=y', 'from=7']) expect(of(text)).toEqual({ lastMs: 900_000 })
})

test('moving keeps the width, scaling keeps what is under the cursor', () => {
  expect(moved({ from: 0, to: 100 }, -0.25)).toEqual({ from: -25, to: 75 })
  expect(scaled({ from: 0, to: 10_000 }, 0.5, 2500)).toEqual({ from: 1250, to: 6250 })
  expect(scaled({ from: 0, to: 1500 }, 0.5, 1500)).toEqual({ from: 500, to: 1500 })
})
