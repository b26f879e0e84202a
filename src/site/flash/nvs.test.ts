import { expect, test } from 'vitest'
import { nvsImage } from './nvs.ts'

test('what is no entry, or does not fit, is refused', () => {
  const of = (...entries: Parameters<typeof nvsImage>[1]) => nvsImage('espalier', entries, 3 * 4096)
  expect(() => nvsImage('espalier', [], 4096)).toThrow('three pages')
  expect(() => nvsImage('a name of 16 ch.', [], 12_288)).toThrow('no NVS key')
  expect(() => of({ key: '', type: 'u8', value: 1 })).toThrow('no NVS key')
  expect(() => of({ key: 'a', type: 'u8', value: 256 })).toThrow('256 is no u8')
  expect(() => of({ key: 'a', type: 'i8', value: -129 })).toThrow('-129 is no i8')
  expect(() => of({ key: 'a', type: 'u64', value: 2n ** 64n })).toThrow('is no u64')
  expect(() => of({ key: 'a', type: 'string', value: 'x'.repeat(4000) })).toThrow('at most 4000')
  expect(() => of({ key: 'a', type: 'blob', value: Buffer.alloc(8_000) })).toThrow('more than the partition holds')
  expect(of({ key: 'a', type: 'blob', value: Buffer.alloc(7_700) })).toHaveLength(12_288)
})
