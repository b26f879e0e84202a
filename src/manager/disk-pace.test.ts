import { expect, test } from 'vitest'
import { ManualClock } from '../kit/clock.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import { openDiskPace } from './disk-pace.ts'

const hourMs = 3_600_000

test('the pace of a day says when the disk is full and what is written', async () => {
  const clock = new ManualClock()
  const records = createMemoryRecords()
  let written = 0
  const pace = await openDiskPace(records, clock, async () => written)
  await pace.turn(1_000_000)
  expect(pace.fullAt(1_000_000)).toBeNull()
  for (let hour = 1; hour <= 30; hour++) {
    clock.advance(hourMs)
    written += 500
    await pace.turn(1_000_000 - hour * 1_000)
  }
  // 970,000 bytes are left, 1,000 go an hour.
  expect(pace.fullAt(970_000)).toBe(clock.wallMs() + 970 * hourMs)
  expect(pace.writtenBytesDay()).toBe(12_000)

  // The next run goes on where this one stood, counting from nothing.
  written = 0
  clock.advance(hourMs)
  const next = await openDiskPace(records, clock, async () => written)
  written = 500
  await next.turn(969_000)
  expect(next.writtenBytesDay()).toBe(12_000)
})

test('a disk that does not fill is never full', async () => {
  const clock = new ManualClock()
  const pace = await openDiskPace(createMemoryRecords(), clock, async () => null)
  for (let hour = 0; hour < 3; hour++) {
    await pace.turn(1_000 + hour)
    clock.advance(hourMs)
  }
  expect(pace.fullAt(1_002)).toBeNull()
})

test('samples from before the clock was set back count for nothing', async () => {
  const clock = new ManualClock()
  const pace = await openDiskPace(createMemoryRecords(), clock, async () => 0)
  await pace.turn(2_000)
  clock.advance(2 * hourMs)
  clock.wall -= 24 * hourMs
  await pace.turn(1_000)
  expect(pace.fullAt(1_000)).toBeNull()
})
