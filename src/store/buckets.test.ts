import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gridOver } from './buckets.ts'

test('a grid covers its span in at most the asked number of buckets', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2e12 }),
      fc.integer({ min: 1, max: 1e12 }),
      fc.integer({ min: 1, max: 5000 }),
      (from, span, points) => {
        const grid = gridOver(from, from + span, points)
        expect(grid.count).toBeGreaterThan(0)
        expect(grid.count).toBeLessThanOrEqual(points)
        expect(grid.origin).toBeLessThanOrEqual(from)
        expect(grid.origin + grid.count * grid.bucketMs).toBeGreaterThanOrEqual(from + span)
        if (points > 1) expect(grid.origin % grid.bucketMs).toBe(0)
      },
    ),
  )
})

test('rounding costs little resolution', () => {
  for (const spanMs of [3_600_000, 86_400_000, 30 * 86_400_000]) {
    const grid = gridOver(1_704_844_800_000, 1_704_844_800_000 + spanMs, 500)
    expect(grid.count).toBeGreaterThan(400)
  }
})
