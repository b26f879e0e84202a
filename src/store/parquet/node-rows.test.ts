import { expect, test } from 'vitest'
import { seeded } from '../../kit/random.ts'
import { NodeRows } from './node-rows.ts'

/** Orders of arrival, each over more rows than are shifted in place. */
const count = 12_000
const orders: Record<string, (i: number) => number> = {
  'in order': i => i,
  backwards: i => count - i,
  'the second half first': i => (i + count / 2) % count,
  'a backlog beside live rows': i => (i < count / 2 || i % 2 ? count + i : i - count / 2),
  'at random, some twice': (
    random => i =>
      i % 5 === 0 ? 17 : random.below(count)
  )(seeded(3)),
}

for (const [name, timeOf] of Object.entries(orders))
  test(`rows that come ${name} lie in order, each time once, with the first values`, () => {
    const rows = new NodeRows('01')
    const model = new Map<number, { boot: number; fields: Record<string, number> }>()
    for (let i = 0; i < count; i++) {
      const time = timeOf(i)
      const fields: Record<string, number> = i % 3 ? { t: i } : { h: i }
      const known = model.get(time)
      expect(rows.add(time, i, i, Object.keys(fields), Object.values(fields))).toBe(known === undefined)
      if (known) known.fields = { ...fields, ...known.fields }
      else model.set(time, { boot: i, fields })
      expect(rows.at(time)!.boot).toBe(model.get(time)!.boot)
    }
    expect(rows.count).toBe(model.size)
    rows.settle()
    const times = [...model.keys()].sort((a, b) => a - b)
    expect(Array.from(rows.times.subarray(0, rows.count))).toEqual(times)
    expect(rows.span()).toEqual({ from: times[0], to: times.at(-1) })
    for (const [place, time] of times.entries()) {
      const row = rows.row(place)
      const { boot, fields } = model.get(time)!
      expect([row.boot, row.seq]).toEqual([boot, boot])
      expect(Object.fromEntries(row.names.map((field, i) => [field, row.values[i]]))).toEqual(fields)
    }
  })

test('blocks are copied whole behind the last row and merged elsewhere', () => {
  const block = (times: number[], value: number) => ({
    times: Float64Array.from(times),
    boots: new Uint32Array(times.length).fill(value),
    seqs: new Uint32Array(times.length),
    known: new Uint8Array(times.length).fill(1),
    columns: [{ name: `v${value}`, values: Float64Array.from(times, time => (time === 3 ? Number.NaN : value)) }],
  })
  const rows = new NodeRows('01')
  expect(rows.addBlock(block([1, 3, 5], 1), 0, 3)).toBe(3)
  expect(rows.addBlock(block([2, 3, 5, 7], 2), 0, 4)).toBe(2)
  expect(rows.addBlock(block([8, 9, 10], 3), 1, 2)).toBe(1)
  expect(rows.addBlock(block([11], 4), 0, 0)).toBe(0)
  const all = Array.from({ length: rows.count }, (_, place) => rows.row(place))
  expect(all.map(row => [row.time, row.boot, row.names])).toEqual([
    [1, 1, ['v1']],
    [2, 2, ['v2']],
    [3, 1, []],
    [5, 1, ['v1', 'v2']],
    [7, 2, ['v2']],
    [9, 3, ['v3']],
  ])
})
