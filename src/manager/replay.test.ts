import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Applier, comparePositions, type DurableBatch, type JournalEvent, type Position } from '../contract/events.ts'
import type { Journal } from '../journal/journal.ts'
import { openJournal } from '../journal/open.ts'
import { ManualClock } from '../kit/clock.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import { openClockGuard } from './clock-guard.ts'
import { replay } from './replay.ts'

const segmentBytes = 64 * 1024
const status = (arrived: number): JournalEvent => ({ kind: 'status', node: '01', arrived, live: true, status: null })

/** A journal with a batch a place, each in a segment of its own; answers with where they end. */
async function written(dir: string, batches: number): Promise<Position[]> {
  const journal = await openJournal({ dir, segmentBytes: 4096 })
  const ends: Position[] = []
  for (let n = 0; n < batches; n++) ends.push(await journal.append(Array.from({ length: 60 }, () => status(n))))
  await journal.close()
  return ends
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-replay-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

async function opened(dir: string): Promise<Journal> {
  const journal = await openJournal({ dir, segmentBytes })
  onTestFinished(() => journal.close())
  return journal
}

/** An applier that stands at `mark` and notes what it is given. */
function applierAt(mark: Position): Applier & { readonly given: Position[] } {
  const given: Position[] = []
  return { given, apply: (batch: DurableBatch) => void given.push(batch.end), watermark: () => mark }
}

const follow = (applier: Applier) => ({ applier, event: () => undefined })

test('each applier is given what lies behind its own watermark, once', async () => {
  const dir = await folder()
  const ends = await written(dir, 6)
  const behind = applierAt(ends[1]!)
  const ahead = applierAt(ends[4]!)
  const followed: JournalEvent[] = []
  const report = await replay(await opened(dir), [behind, ahead], { applier: ahead, event: event => void followed.push(event) })
  expect(behind.given).toEqual(ends.slice(2))
  expect(ahead.given).toEqual(ends.slice(5))
  expect(new Set(followed.map(event => event.arrived))).toEqual(new Set([5]))
  expect(report.damaged).toEqual([])
})

test('an end of the journal that is gone from behind a watermark is reported, and no new batch gets a place before it', async () => {
  const dir = await folder()
  const ends = await written(dir, 6)
  const files = (await readdir(dir)).sort()
  for (const name of files.slice(3)) await rm(join(dir, name))
  const journal = await opened(dir)
  const last = ends.at(-1)!
  const first = applierAt(ends[0]!)
  const report = await replay(journal, [first, applierAt(last)], follow(first))
  expect(report.damaged).toContainEqual(expect.objectContaining({ ...first.given.at(-1)!, what: 'rot' }))
  expect(comparePositions(await journal.append([status(99)]), last)).toBeGreaterThan(0)
})

test('a segment that is gone right behind all watermarks is reported, the clock guard standing where it stood', async () => {
  const dir = await folder()
  const ends = await written(dir, 6)
  const records = createMemoryRecords()
  const clock = new ManualClock(Date.UTC(2026, 6, 1))
  const before = await openClockGuard(records, clock)
  before.apply({ events: [status(clock.wallMs())], end: ends[1]! }, true)
  await before.checkpoint({ sync: true })
  const guard = await openClockGuard(records, clock)
  expect(guard.watermark()).toEqual(ends[1])

  const gone = ends[2]!.segment
  for (const name of await readdir(dir)) if (Number.parseInt(name, 10) <= gone) await rm(join(dir, name))
  const store = applierAt(ends[1]!)
  const report = await replay(await opened(dir), [store, guard], follow(store))
  expect(report.damaged).toEqual([expect.objectContaining({ segment: ends[1]!.segment, what: 'rot' })])
  expect(store.given).toEqual(ends.slice(3))
})

test('the clock guard is suspicious of a clock behind the newest commit it kept', async () => {
  const records = createMemoryRecords()
  const clock = new ManualClock(Date.UTC(2026, 6, 1))
  const before = await openClockGuard(records, clock)
  before.apply({ events: [status(clock.wallMs())], end: { segment: 1, offset: 100 } }, true)
  await before.checkpoint({ sync: false })
  expect(before.watermark()).toEqual({ segment: 0, offset: 0 })
  const guard = await openClockGuard(records, new ManualClock(clock.wallMs() - 3_700_000))
  expect(guard.suspect()).toBe(true)
  expect((await openClockGuard(records, clock)).suspect()).toBe(false)
})
