import { describe, expect, test } from 'vitest'
import { formatTime, parseTime } from './times.ts'

const now = Date.UTC(2026, 2, 1, 12)
const ms = (text: string): number | string => {
  const parsed = parseTime(text, now)
  return parsed.ok ? parsed.ms : parsed.message
}

describe('a point in time', () => {
  test.each([
    ['2026-03-01T12:00:00Z', now],
    ['2026-03-01T13:00:00+01:00', now],
    ['2026-03-01T12:00:00.25Z', now + 250],
    ['2026-03-01T12:00', now],
    ['2026-03-01 12:00:00', now],
    ['2026-03-01', Date.UTC(2026, 2, 1)],
    ['1772366400', 1_772_366_400_000],
    ['1772366400.5', 1_772_366_400_500],
    ['0', 0],
    ['-24h', now - 86_400_000],
    ['-90s', now - 90_000],
    ['-1.5d', now - 129_600_000],
  ])('%s is read', (text, wanted) => expect(ms(text)).toBe(wanted))

  test.each(['', 'yesterday', '24h', '-24', '-24 h', '2026-13-01', '2026-03-01T25:00Z', '1e9', '0x10'])('%j is refused', text =>
    expect(ms(text)).toMatch(/not a point in time/),
  )

  test('milliseconds are refused by name, not taken for the year 58000', () => {
    expect(ms('1772366400000')).toMatch(/looks like milliseconds/)
  })

  test('what exports write is read back to the millisecond', () => {
    expect(ms(formatTime(now + 7))).toBe(now + 7)
  })
})
