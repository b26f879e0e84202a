import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { firstPosition, type JournalEvent, type Position } from '../contract/events.ts'
import { type Journal, JournalClosed, type JournalOptions } from './journal.ts'
import { openJournal } from './open.ts'

let dir: string
const open: Journal[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'journal-'))
})
afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close()
  await rm(dir, { recursive: true })
})

async function openIn(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await openJournal({ dir, segmentBytes: 64 * 1024, ...options })
  open.push(journal)
  return journal
}

const event = (n: number, bytes = 100): JournalEvent => ({
  kind: 'reject',
  node: '01',
  topic: null,
  arrived: n,
  reason: 'bad_json',
  detail: '',
  size: bytes,
  raw: new Uint8Array(bytes).fill(n),
  truncated: false,
  count: 1,
  indices: null,
  settles: null,
})

async function replayed(journal: Journal, from: Position = firstPosition) {
  const seen: number[] = []
  const ends: Position[] = []
  const report = await journal.replay(from, batch => {
    seen.push(...batch.events.map(one => one.arrived))
    ends.push(batch.end)
  })
  return { seen, ends, report }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('the journal', () => {
  test('gives back every batch in order, with the position that append answered', async () => {
    const journal = await openIn()
    const ends: Position[] = []
    for (const n of upTo(50)) ends.push(await journal.append([event(n)]))
    expect(journal.end()).toEqual(ends.at(-1))
    await journal.close()
    const again = await openIn()
    expect(again.end()).toEqual(ends.at(-1))
    const back = await replayed(again)
    expect(back.seen).toEqual(upTo(50))
    expect(back.ends).toEqual(ends)
    expect(back.report).toEqual({ batches: 50, events: 50, damaged: [] })
  })

  test('serves calls made at once in their order', async () => {
    const journal = await openIn()
    const ends = await Promise.all(upTo(30).map(n => journal.append([event(n)])))
    await journal.close()
    const back = await replayed(await openIn())
    expect(back.seen).toEqual(upTo(30))
    expect(back.ends).toEqual(ends)
  })

  test('goes on over many segments, and a batch bigger than a segment gets its own', async () => {
    const journal = await openIn()
    for (const n of upTo(30)) await journal.append([event(n, n % 10 === 3 ? 200_000 : 15_000)])
    await journal.append([event(30)])
    await journal.close()
    const back = await replayed(await openIn())
    expect(back.seen).toEqual(upTo(31))
    expect(back.report.damaged).toEqual([])
  })

  test('a start goes on in the same segment and makes no new file', async () => {
    for (const n of upTo(5)) {
      const journal = await openIn()
      await journal.append([event(n)])
      await journal.close()
    }
    expect(await readdir(dir)).toHaveLength(2) // the one in use and the next
    expect((await replayed(await openIn())).seen).toEqual(upTo(5))
  })

  test('replay begins behind the position it is given', async () => {
    const journal = await openIn()
    const ends: Position[] = []
    for (const n of upTo(40)) ends.push(await journal.append([event(n, 5000)]))
    await journal.close()
    const again = await openIn()
    for (const from of [0, 7, 25, 38, 39]) expect((await replayed(again, ends[from])).seen).toEqual(upTo(40).slice(from + 1))
  })

  test('trim deletes whole segments below, never the one in use', async () => {
    const journal = await openIn()
    for (const n of upTo(40)) await journal.append([event(n, 5000)])
    const middle = await journal.append([event(40)])
    for (const n of upTo(20)) await journal.append([event(41 + n, 5000)])
    const before = journal.health().bytes
    await journal.trim(middle)
    expect(journal.health().bytes).toBeLessThan(before)
    await journal.trim({ segment: 1e6, offset: 0 })
    const last = journal.end()
    await journal.close()
    const again = await openIn()
    expect(again.end()).toEqual(last)
    expect((await replayed(again, middle)).seen.at(-1)).toBe(60)
  })

  test('at its bound append waits for trim and health says so', async () => {
    const told: string[] = []
    const journal = await openIn({ boundBytes: 4 * 64 * 1024, onHealth: health => told.push(health.detail) })
    let done = 0
    let end = firstPosition
    const running = (async () => {
      for (const n of upTo(60)) {
        end = await journal.append([event(n, 10_000)])
        done++
      }
    })()
    await expect.poll(() => journal.health().ok).toBe(false)
    expect(done).toBeLessThan(60)
    expect(journal.health().detail).toMatch(/bound/)
    expect(journal.health().bytes).toBeLessThanOrEqual(4 * 64 * 1024)
    while (done < 60) {
      await journal.trim(end)
      await Promise.race([running, new Promise(resolve => setImmediate(resolve))])
    }
    expect(journal.health().ok).toBe(true)
    expect(told.at(-1)).toBe('')
  })

  test('a bound of one segment does not stand still', async () => {
    const journal = await openIn({ boundBytes: 1000 })
    const running = upTo(40).map(n => journal.append([event(n, 10_000)]).then(end => journal.trim(end)))
    await Promise.all(running)
    expect(journal.health().segments).toBeLessThan(5)
  })

  test('where only the segment of the last batch is left, trimming can not help, and append goes on over the bound', async () => {
    const journal = await openIn({ boundBytes: 1000 })
    let done = 0
    const running = Promise.all(upTo(20).map(n => journal.append([event(n, 10_000)]).then(() => done++)))
    await expect.poll(() => journal.health().detail).toMatch(/bound/)
    while (done < 20) {
      await journal.trim(journal.end())
      await Promise.race([running, new Promise(resolve => setImmediate(resolve))])
    }
    expect(journal.health()).toMatchObject({ ok: true, appended: 20 })
  })

  test('close waits for the batch in flight and gives up those behind it', async () => {
    const journal = await openIn()
    const answers = upTo(5).map(n =>
      journal.append([event(n)]).then(
        () => 'durable',
        error => error,
      ),
    )
    await journal.close()
    const settled = await Promise.all(answers)
    expect(settled.at(-1)).toBeInstanceOf(JournalClosed)
    await expect(journal.append([event(9)])).rejects.toBeInstanceOf(JournalClosed)
    const durable = settled.filter(answer => answer === 'durable').length
    expect((await replayed(await openIn())).seen).toEqual(upTo(durable))
  })

  test('refuses a replay after an append', async () => {
    const journal = await openIn()
    await journal.append([event(0)])
    await expect(journal.replay(firstPosition, () => {})).rejects.toThrow(/before the first append/)
  })

  test('an event that the contract forbids is refused, and the next batch goes on', async () => {
    const journal = await openIn()
    await expect(journal.append([{ ...event(0), kind: 'settled', time: 0.5, boot: 1, seq: 1 } as JournalEvent])).rejects.toThrow(
      RangeError,
    )
    await journal.append([event(1)])
    await journal.close()
    expect((await replayed(await openIn())).seen).toEqual([1])
  })

  test('what apply throws comes out of replay', async () => {
    const journal = await openIn()
    await journal.append([event(0)])
    await journal.close()
    const again = await openIn()
    await expect(again.replay(firstPosition, () => { throw new Error('applier') })).rejects.toThrow('applier') // biome-ignore format: one line says it
  })

  test('a folder that lost its files gives new positions beyond every watermark', async () => {
    const journal = await openIn()
    let end = firstPosition
    for (const n of upTo(40)) end = await journal.append([event(n, 5000)])
    await journal.close()
    for (const name of await readdir(dir)) await rm(join(dir, name))
    const again = await openIn()
    const { seen, report } = await replayed(again, end)
    expect(seen).toEqual([])
    expect(report.damaged).toMatchObject([{ what: 'rot' }])
    const next = await again.append([event(100)])
    expect(next.segment).toBeGreaterThan(end.segment)
    await again.close()
    expect((await replayed(await openIn(), end)).seen).toEqual([100])
  })

  test('a half-made segment of an earlier run goes', async () => {
    await writeFile(join(dir, '00000007.log.new'), 'half')
    await openIn()
    expect(await readdir(dir)).not.toContain('00000007.log.new')
  })

  test('a segment under another number is not taken for its own', async () => {
    const journal = await openIn()
    await journal.append([event(0)])
    await journal.close()
    const [first] = (await readdir(dir)).sort()
    await writeFile(join(dir, '00000050.log'), await readFile(join(dir, first!)))
    const back = await replayed(await openIn())
    expect(back.seen).toEqual([0])
    expect(back.report.damaged.length).toBeGreaterThan(0)
  })
})
