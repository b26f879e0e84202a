import { expect, test } from 'vitest'
import type { HubEvent } from '../http/http.ts'
import { ManualClock } from '../kit/clock.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import type { KeepLimits, Sweep } from '../store/parquet/parquet.ts'
import { openRetention, type RetentionParts } from './retention.ts'

const hourMs = 3_600_000
const minuteMs = 60_000
const sweep = (id: number): Sweep => ({
  id,
  time: 1_780_000_000_000 + id,
  what: 'raw',
  rows: 100 * id,
  bytes: 900,
  from: 1_700_000_000_000,
  to: 1_700_086_400_000,
  why: 'age',
})

/** A store that lets go one thing a sweep. */
async function world(more: Partial<RetentionParts> = {}) {
  const clock = new ManualClock(1_780_000_000_000)
  const records = more.records ?? createMemoryRecords()
  const sweeps: Sweep[] = []
  const asked: KeepLimits[] = []
  const published: HubEvent[] = []
  const lines: string[] = []
  const say = (first: unknown, text?: string): void => void lines.push(text ?? String(first))
  const settings = { rawAgeMs: 1e12, rawBytes: 1000, minuteAgeMs: 2e12, hourAgeMs: 3e12 }
  const retention = await openRetention({
    store: {
      keep: () => {},
      sweep: async limits => {
        asked.push(limits)
        sweeps.push(sweep(sweeps.length + 1))
      },
      sweeps: () => sweeps,
      stats: () => ({ bytes: 1_001 }) as never,
    },
    records,
    settings,
    clock,
    clockSuspect: () => false,
    hub: { publish: event => published.push(event) },
    log: { info: say, warn: say },
    ...more,
  })
  const minutes = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      clock.advance(minuteMs)
      await retention.turn()
    }
  }
  return { clock, records, settings, retention, asked, published, lines, sweeps, minutes }
}

test('sweeps when the clock ran evenly for an hour, then each hour, by the settings of that moment', async () => {
  const { asked, minutes, settings } = await world()
  await minutes(59)
  expect(asked).toEqual([])
  await minutes(1)
  expect(asked).toEqual([settings])
  settings.rawAgeMs = 5e11
  await minutes(60)
  expect(asked.map(({ rawAgeMs }) => rawAgeMs)).toEqual([1e12, 5e11])
})

test('after a jump of the clock, in either direction, it waits anew', async () => {
  for (const jump of [100 * 365 * 24 * hourMs, -hourMs]) {
    const { asked, minutes, clock } = await world()
    await minutes(59)
    clock.wall += jump
    await minutes(59)
    expect(asked.length).toBe(0)
    await minutes(2)
    expect(asked.length).toBe(1)
  }
})

test('a clock that is suspect takes nothing', async () => {
  const { asked, minutes } = await world({ clockSuspect: () => true })
  await minutes(300)
  expect(asked).toEqual([])
})

test('each of very many that went at once is told, and none of them twice', async () => {
  const { published, sweeps, minutes, clock, records } = await world()
  for (let id = 1; id <= 520; id++) sweeps.push(sweep(id))
  await minutes(3)
  expect(published.length).toBe(520)
  sweeps.splice(0, 420)
  clock.wall -= 1000 * 24 * hourMs // what goes now bears an earlier time than all of them
  sweeps.push({ ...sweep(521), time: clock.wall })
  await minutes(3)
  expect(published.length).toBe(521)
  const again = await world({
    records,
    store: { keep: () => {}, sweep: async () => {}, sweeps: () => sweeps, stats: () => ({}) as never },
  })
  await again.minutes(3)
  expect(again.published).toEqual([])
})

test('what went is told once: line, event and record, also when the process died before it could', async () => {
  const first = await world()
  await first.minutes(60)
  expect(first.published).toMatchObject([{ type: 'retention', data: { what: 'raw', rows: 100, why: 'age' } }])
  expect(first.lines[0]).toMatch(/exceeds|may not go/)
  expect(first.lines[1]).toBe(
    '100 readings of 2023-11-14 to 2023-11-15 went by retention.raw_age; their minutes and hours stay as long as those are kept',
  )
  const second = await world({ records: first.records })
  expect(second.retention.report()).toEqual(first.retention.report())
  second.sweeps.push(sweep(1), sweep(2)) // the manifest knows one more: it went right before the end
  await second.retention.turn()
  expect(second.published.length).toBe(1)
  expect(second.retention.report().map(({ rows }) => rows)).toEqual([200, 100])
})

test('more than may be kept that may not go yet is said once', async () => {
  const { lines, minutes } = await world()
  await minutes(240)
  expect(lines.filter(line => line.includes('retention.raw_size')).length).toBe(1)
})
