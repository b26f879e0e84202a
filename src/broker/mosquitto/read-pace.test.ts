import { expect, test } from 'vitest'
import { ReadPace } from './read-pace.ts'

test('a message that comes alone waits for nobody; under load the next read comes 2 to 5 ms later; a full buffer is read on', () => {
  const pace = new ReadPace()
  expect(pace.after(1, 160, 0)).toBe(0)
  expect(pace.after(1, 160, 1_000)).toBe(0)
  expect(pace.after(1, 160, 1_001)).toBe(5)
  expect(pace.after(40, 6_400, 1_006)).toBe(2)
  expect(pace.after(400, 65_536, 1_008)).toBe(0)
  expect(pace.after(1, 160, 1_020)).toBe(5)
  expect(pace.after(1, 160, 1_033)).toBe(0)
})
