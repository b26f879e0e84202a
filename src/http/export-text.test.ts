import { describe, expect, test } from 'vitest'
import type { Row } from '../store/readings.ts'
import { csvEncoder, jsonlEncoder } from './export-text.ts'
import { rollUp } from './rollup.ts'

const row = (node: string, time: number, fields: Record<string, number>, seq: number | null = null): Row => ({
  node,
  time,
  boot: seq === null ? null : 7,
  seq,
  names: Object.keys(fields),
  values: Object.values(fields),
})

describe('CSV', () => {
  test('an absent value is empty, numbers read back the same', () => {
    const csv = csvEncoder(['humidity', 'temperature'])
    expect(csv.header).toBe('time,node,boot,seq,humidity,temperature\n')
    expect(csv.encode([row('01', 1_704_844_800_001, { temperature: 0.1 + 0.2 }), row('02', 0, { humidity: -1e-7 }, 4)])).toBe(
      '2024-01-10T00:00:00.001Z,01,,,,0.30000000000000004\n1970-01-01T00:00:00.000Z,02,7,4,-1e-7,\n',
    )
  })

  test('what would break a line is quoted', () => {
    expect(csvEncoder(['a"b', 'c,d']).header).toBe('time,node,boot,seq,"a""b","c,d"\n')
  })
})

test('a JSON line holds the row with its fields', () => {
  const line = jsonlEncoder().encode([row('01', 5, { a: 1 }, 0)])
  expect(line.endsWith('\n')).toBe(true)
  expect(JSON.parse(line)).toEqual({ time: 5, node: '01', boot: 7, seq: 0, fields: { a: 1 } })
})

describe('a rollup', () => {
  const rolled = async (chunks: Row[][]): Promise<Row[]> => {
    const source = (async function* () {
      yield* chunks
    })()
    const out: Row[] = []
    for await (const rows of rollUp(source, 60_000)) out.push(...rows)
    return out
  }

  test('is the mean of each field a bucket and node, also across chunks', async () => {
    const out = await rolled([
      [row('b', 1000, { x: 1 }, 0), row('a', 2000, { x: 5 })],
      [row('b', 59_999, { x: 3, y: 2 }, 1), row('b', 60_000, { x: 9 }, 2)],
    ])
    expect(out).toEqual([row('a', 0, { x: 5 }), row('b', 0, { x: 2, y: 2 }, 0), row('b', 60_000, { x: 9 }, 2)])
  })

  test('of nothing is nothing', async () => {
    expect(await rolled([[]])).toEqual([])
  })
})
