import { expect, test } from 'vitest'
import { bootReason, statusLines } from './status-said.ts'

test('what a board says of itself is told in words, without what stands elsewhere', () => {
  expect(
    statusLines({
      node_id: 'node_01',
      online: true,
      uptime: 7200,
      reset_reason: 'brownout',
      free_heap: 131_072,
      caps: ['dedupe', 'ring'],
      odd: { a: 1 },
      ip: null,
    }),
  ).toEqual([
    ['uptime', '2 h'],
    ['reset reason', 'the voltage sagged: look at its supply'],
    ['free memory', '128 KiB'],
    ['can', 'dedupe, ring'],
    ['odd', '{"a":1}'],
  ])
})

test('a reason nobody knows is shown as it came', () => {
  expect([bootReason('power on'), bootReason('cosmic ray')]).toEqual(['power came on', 'cosmic ray'])
})
