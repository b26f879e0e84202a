import { expect, test } from 'vitest'
import type { NodeView } from '../../api/nodes.ts'
import { silentSample } from './conditions.ts'

const added: NodeView = {
  id: 'greenhouse',
  name: null,
  state: 'unknown',
  claimed: true,
  virtual: false,
  first_seen: 1_000,
  last_seen: 1_000,
  last_reading: null,
  interval: null,
  firmware: null,
  board: null,
  ip: null,
  rssi: null,
  tags: [],
  stored: 0,
  rejected: 0,
  duplicates: 0,
  null_values: 0,
  ignored_keys: 0,
  last: {},
}

test('a board that was added and not flashed yet is not silent', () => {
  expect(silentSample(added, 3_600_000, false)).toEqual({ verdict: 'good', value: null, detail: 'not heard yet' })
})

test('one that spoke once and is not heard since the start is', () => {
  const spoke = { ...added, stored: 1, last_seen: 2_000 }
  expect(silentSample(spoke, 3_602_000, false)).toMatchObject({ verdict: 'bad', value: 3_600 })
})
