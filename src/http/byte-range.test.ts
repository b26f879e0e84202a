import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteRange } from './byte-range.ts'

const of = (range: string | undefined, size = 1_000, ifRange?: string) => byteRange(range, ifRange, '"a"', size)
const part = (from: number, to: number) => ({ kind: 'part', from, to })

test.each([
  ['bytes=0-0', part(0, 1)],
  ['bytes=0-', part(0, 1_000)],
  ['bytes=4096-', { kind: 'outside' }],
  ['bytes=999-', part(999, 1_000)],
  ['bytes=999-5000', part(999, 1_000)],
  ['bytes=1000-', { kind: 'outside' }],
  ['bytes=-1', part(999, 1_000)],
  ['bytes=-5000', part(0, 1_000)],
  ['bytes=-0', { kind: 'outside' }],
  ['Bytes= 1-2', part(1, 3)],
  ['bytes=99999999999999999999-', { kind: 'outside' }],
  ['bytes=0-99999999999999999999', part(0, 1_000)],
])('%s', (range, expected) => {
  expect(of(range)).toEqual(expected)
})

test.each([undefined, 'bytes=', 'bytes=-', 'bytes=5-4', 'bytes=0-1,5-6', 'lines=0-1', 'bytes=a-b', 'bytes=1', 'bytes=0x0-1'])(
  'the whole file is answered to %s',
  range => {
    expect(of(range)).toEqual({ kind: 'whole' })
  },
)

test('of an empty file nothing is in range', () => {
  expect(of('bytes=0-', 0)).toEqual({ kind: 'outside' })
  expect(of('bytes=-1', 0)).toEqual({ kind: 'outside' })
})

test('a range is answered only while the file is the one that was begun with', () => {
  expect(of('bytes=5-', 10, '"a"')).toEqual(part(5, 10))
  expect(of('bytes=5-', 10, '"b"')).toEqual({ kind: 'whole' })
  expect(of('bytes=5-', 10, 'Wed, 21 Oct 2015 07:28:00 GMT')).toEqual({ kind: 'whole' })
})

test('whatever is asked, a part lies within the file and is not empty', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(), (text, a, b, size) => {
      for (const range of [text, `bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`, `bytes=${text}`]) {
        const found = of(range, size)
        if (found.kind !== 'part') continue
        expect(found.from).toBeGreaterThanOrEqual(0)
        expect(found.to).toBeGreaterThan(found.from)
        expect(found.to).toBeLessThanOrEqual(size)
      }
    }),
  )
})
