import { expect, test } from 'vitest'
import { age, ago, counted, delta, steadyFormatter } from './format.ts'

test('a sensor keeps the decimals it has shown', () => {
  const format = steadyFormatter()
  expect(['t', 't', 't'].map((name, i) => format(name, [22, 22.5, 23][i]!))).toEqual(['22', '22.5', '23.0'])
  expect(format('p', 1013.25)).toBe('1013')
  expect(format('t', -0.123)).toBe('−0.12')
  expect(format('energy', -1234567.8)).toBe('−1\u202f234\u202f568')
  expect(format('switch', 1)).toBe('1')
  expect(format('tiny', 0.00012)).toBe('0.0001')
})

test('an age has one unit', () => {
  expect([0, 59_499, 60_000, 3_600_000, 172_800_000].map(age)).toEqual(['0 s', '59 s', '1 min', '1 h', '2 d'])
})

test('two seconds are no news', () => {
  expect([0, 1999, 2000].map(ago)).toEqual(['just now', 'just now', '2 s ago'])
})

test('steps are told by what lies between them', () => {
  expect([40, 1300, 125_000].map(delta)).toEqual(['+40 ms', '+1.3 s', '+2 min'])
})

test('one is not many', () => {
  expect([counted(1, 'node'), counted(1200, 'node')]).toEqual(['1 node', '1,200 nodes'])
})
