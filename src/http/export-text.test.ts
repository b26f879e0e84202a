import { describe, expect, test } from 'vitest'
import type { RollupRow, Row } from '../store/readings.ts'
import { csvEncoder, jsonlEncoder } from './export-text.ts'
import { rollupCsv, rollupJsonl } from './rollup-text.ts'

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

describe('roll-ups', () => {
  const minute: RollupRow = { node: '01', time: 60_000, names: ['h', 't'], min: [1, -2], max: [3, 4], sum: [4, 3], count: [2, 2] }

  test('in CSV are four columns a sensor, empty where it is absent', () => {
    const csv = rollupCsv(['h', 'p', 't'])
    expect(csv.header).toBe('time,node,h_min,h_mean,h_max,h_count,p_min,p_mean,p_max,p_count,t_min,t_mean,t_max,t_count\n')
    expect(csv.encode([minute])).toBe('1970-01-01T00:01:00.000Z,01,1,2,3,2,,,,,-2,1.5,4,2\n')
  })

  test('in JSON lines are an object a sensor', () => {
    expect(JSON.parse(rollupJsonl().encode([minute]))).toEqual({
      time: 60_000,
      node: '01',
      fields: { h: { min: 1, mean: 2, max: 3, count: 2 }, t: { min: -2, mean: 1.5, max: 4, count: 2 } },
    })
  })
})
