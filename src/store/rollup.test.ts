import { expect, test } from 'vitest'
import type { RollupRow, Row } from './readings.ts'
import { isFast, joined, rollUp } from './rollup.ts'

const row = (node: string, time: number, fields: Record<string, number>): Row => ({
  node,
  time,
  boot: null,
  seq: null,
  names: Object.keys(fields),
  values: Object.values(fields),
})
const bucket = (node: string, time: number, name: string, ...values: number[]): RollupRow => ({
  node,
  time,
  names: [name],
  min: [Math.min(...values)],
  max: [Math.max(...values)],
  sum: [values.reduce((a, b) => a + b)],
  count: [values.length],
})
async function* chunks<T>(...list: T[][]): AsyncGenerator<T[]> {
  yield* list
}
async function all<T>(stream: AsyncIterable<readonly T[]>): Promise<T[]> {
  const out: T[] = []
  for await (const some of stream) out.push(...some)
  return out
}

test('rows become one roll-up a bucket and node, also across chunks', async () => {
  const rows = chunks(
    [row('b', 1000, { x: 1 }), row('a', 2000, { x: 5 })],
    [row('b', 59_999, { x: 3 }), row('b', 60_000, { x: 9 })],
  )
  expect(await all(rollUp(rows, 60_000))).toEqual([
    bucket('a', 0, 'x', 5),
    bucket('b', 0, 'x', 1, 3),
    bucket('b', 60_000, 'x', 9),
  ])
  expect(await all(rollUp(chunks<Row>([]), 60_000))).toEqual([])
})

test('two streams come as one, equal buckets put together', async () => {
  const left = chunks([bucket('a', 0, 'x', 1)], [], [bucket('b', 0, 'x', 7), bucket('a', 60_000, 'x', 4)])
  const right = chunks([bucket('b', 0, 'x', 2, 3), bucket('c', 0, 'y', 1)])
  expect(await all(joined(left, right))).toEqual([
    bucket('a', 0, 'x', 1),
    bucket('b', 0, 'x', 7, 2, 3),
    bucket('c', 0, 'y', 1),
    bucket('a', 60_000, 'x', 4),
  ])
})

test('fast is more than one reading in 5 s', () => {
  expect(isFast(1_000, 0, 999 * 5_000 + 5_000)).toBe(false)
  expect(isFast(1_001, 0, 1_000 * 5_000)).toBe(true)
  expect(isFast(3, 0, 100)).toBe(false) // three in a burst, and then nothing
})
