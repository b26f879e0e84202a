import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Runs } from './runs.ts'

/** Many runs, so that chunks are split, emptied and joined over their borders; the ledger's own property tests stay in one chunk. */
function filled(seqs: Iterable<number>): Runs {
  const runs = new Runs()
  for (const seq of seqs) expect(runs.add(seq, seq * 10)).toBe(true)
  return runs
}

const members = (runs: Runs): number => {
  const { edges } = runs.flat()
  return edges.reduce((sum, edge, i) => sum + (i % 2 ? edge + 1 : -edge), 0)
}

describe('runs over many chunks', () => {
  const n = 3000
  const evens = Array.from({ length: n }, (_, i) => 2 * i)
  const odds = evens.map(seq => seq + 1)

  test.each([
    ['upwards', evens, odds],
    ['downwards', [...evens].reverse(), [...odds].reverse()],
    ['up, then down', evens, [...odds].reverse()],
    ['from the middle outwards', evens.map((_, i) => 2 * (n / 2 + (i % 2 ? -(i + 1) / 2 : i / 2))), odds],
  ])('every other seq and then the rest make one run: %s', (_, first, second) => {
    const runs = filled(first)
    expect(runs.flat().edges).toEqual(evens.flatMap(seq => [seq, seq]))
    for (const seq of evens) expect([runs.has(seq), runs.has(seq + 1), runs.add(seq, 0)]).toEqual([true, false, false])
    expect([...runs.holes(2 * n)].length).toBe(n)
    for (const seq of second) runs.add(seq, seq * 10)
    expect(runs.flat()).toEqual({ edges: [0, 2 * n - 1], times: [0, (2 * n - 1) * 10] })
    expect(runs.count).toBe(2 * n)
    expect(runs.unbrokenFrom(0)).toBe(2 * n - 1)
  })

  test('any order gives what a sorted set gives, also after flat and back', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(6000), { minLength: 600, maxLength: 2500 }),
        fc.nat(6000),
        fc.nat(6000),
        (seqs, from, to) => {
          let runs = filled(seqs)
          const { edges, times } = runs.flat()
          expect(members(runs)).toBe(seqs.length)
          expect(edges.every((edge, i) => i === 0 || (i % 2 ? edge >= edges[i - 1]! : edge > edges[i - 1]! + 1))).toBe(true)
          expect(times).toEqual(edges.map(edge => edge * 10))
          runs = new Runs(edges, times)
          expect(runs.flat()).toEqual({ edges, times })
          const set = new Set(seqs)
          expect(runs.countIn(from, to)).toBe(seqs.filter(seq => seq >= from && seq < to).length)
          for (let seq = 0; seq <= 6000; seq += 7) expect(runs.has(seq)).toBe(set.has(seq))
          expect(runs.highest).toBe(Math.max(...seqs))
          let holes = 0
          for (const hole of runs.holes(6001)) holes += hole.to - hole.from + 1
          expect(holes).toBe(6001 - seqs.length)
        },
      ),
      { numRuns: 15 },
    )
  })
})
