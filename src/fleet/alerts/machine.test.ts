import { describe, expect, test } from 'vitest'
import { seeded } from '../../kit/random.ts'
import { type AlertChange, type AlertPhase, type Patience, step, type Verdict } from './machine.ts'

/** Samples at times → what changed, with the time. */
function run(samples: readonly (readonly [at: number, verdict: Verdict])[], patience: Patience) {
  let state: AlertPhase = null
  const changes: [at: number, change: AlertChange][] = []
  for (const [at, verdict] of samples) {
    const { next, change } = step(state, verdict, at, patience)
    state = next
    if (change) changes.push([at, change])
  }
  return { changes, state: state as AlertPhase }
}

const patience = { forMs: 100, resolveAfterMs: 200 }

describe('one rule at one subject', () => {
  test('fires when it was bad for long enough, and is over when it stayed good for long enough', () => {
    const samples = [
      [0, 'good'],
      [10, 'bad'],
      [60, 'bad'],
      [110, 'bad'],
      [200, 'good'],
      [300, 'good'],
      [400, 'good'],
    ] as const
    expect(run(samples, patience).changes).toEqual([
      [10, 'pending'],
      [110, 'firing'],
      [400, 'resolved'],
    ])
  })

  test('comes to nothing when it is good again before', () => {
    expect(
      run(
        [
          [0, 'bad'],
          [99, 'good'],
          [100, 'bad'],
          [199, 'bad'],
        ],
        patience,
      ).changes,
    ).toEqual([
      [0, 'pending'],
      [99, 'dropped'],
      [100, 'pending'],
    ])
  })

  test('between the bounds a bad one stays bad and a good one good', () => {
    expect(
      run(
        [
          [0, 'between'],
          [500, 'between'],
        ],
        patience,
      ).changes,
    ).toEqual([])
    expect(
      run(
        [
          [0, 'bad'],
          [50, 'between'],
          [100, 'between'],
        ],
        patience,
      ).changes,
    ).toEqual([
      [0, 'pending'],
      [100, 'firing'],
    ])
    expect(
      run(
        [
          [0, 'bad'],
          [100, 'bad'],
          [200, 'between'],
          [900, 'between'],
        ],
        patience,
      ).state,
    ).toMatchObject({ phase: 'firing', goodSince: null })
    expect(
      run(
        [
          [0, 'bad'],
          [100, 'bad'],
          [200, 'good'],
          [400, 'between'],
        ],
        patience,
      ).changes.at(-1),
    ).toEqual([400, 'resolved'])
  })

  test('a value that flaps is one alert', () => {
    const flapping = Array.from({ length: 1_000 }, (_, i) => [i * 50, i % 2 === 0 ? 'bad' : 'good'] as const)
    const { changes } = run(flapping, { forMs: 0, resolveAfterMs: 200 })
    expect(changes).toEqual([[0, 'firing']])
  })

  test('fires and ends at once where nobody asked for patience', () => {
    expect(
      run(
        [
          [0, 'bad'],
          [1, 'good'],
        ],
        { forMs: 0, resolveAfterMs: 0 },
      ).changes,
    ).toEqual([
      [0, 'firing'],
      [1, 'resolved'],
    ])
  })
})

describe('any history', () => {
  test.each([1, 2, 3, 4, 5])('keeps its word (seed %i)', seed => {
    const random = seeded(seed)
    for (let round = 0; round < 400; round++) {
      const patience = { forMs: random.below(4) * 50, resolveAfterMs: random.below(4) * 50 }
      let state: AlertPhase = null
      let open = false
      let at = 0
      /** Since when there was no good (no bad) sample. */
      let noGoodSince: number | null = null
      let noBadSince: number | null = null
      for (let i = 0; i < 60; i++) {
        at += random.below(60)
        const verdict = (['bad', 'between', 'good'] as const)[random.below(3)]!
        if (verdict === 'good') {
          noGoodSince = null
          noBadSince ??= at
        } else if (verdict === 'bad') {
          noGoodSince ??= at
          noBadSince = null
        }
        const { next, change } = step(state, verdict, at, patience)
        if (change === 'firing') {
          expect(open).toBe(false) // never twice before it is over
          expect(at - noGoodSince!).toBeGreaterThanOrEqual(patience.forMs)
          open = true
        }
        if (change === 'resolved') {
          expect(open).toBe(true)
          expect(at - noBadSince!).toBeGreaterThanOrEqual(patience.resolveAfterMs)
          open = false
        }
        expect(open).toBe(next?.phase === 'firing')
        state = next
      }
    }
  })
})
