import { expect, test } from 'vitest'
import { bytes, bytesText } from './amount.ts'

test('a size has three digits at most before its unit, and its unit apart', () => {
  expect([0, 1023, 1536, 150 * 1024, 2 ** 31, 5 * 2 ** 50].map(bytesText)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '150 KiB',
    '2.0 GiB',
    '5120 TiB',
  ])
  expect(bytes(2048)).toEqual(['2.0', 'KiB'])
})
