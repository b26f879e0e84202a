import { describe, expect, test } from 'vitest'
import type { DurableBatch, RejectEvent } from '../../src/contract/events.ts'
import { openRejects, type Rejects } from '../../src/ingest/ingest.ts'
import { createMemoryRecords } from '../../src/store/memory/records.ts'
import type { Records } from '../../src/store/records.ts'

const reject = (more: Partial<RejectEvent> = {}): RejectEvent => ({
  kind: 'reject',
  node: '01',
  topic: 'iot/node/01/telemetry',
  arrived: 1000,
  reason: 'bad_json',
  detail: 'why',
  size: 3,
  raw: new TextEncoder().encode('abc'),
  truncated: false,
  count: 1,
  indices: null,
  settles: null,
  ...more,
})

let offset = 0
const batch = (...events: DurableBatch['events']): DurableBatch => ({ events, end: { segment: 1, offset: (offset += 100) } })
const all = async (rejects: Rejects) => (await rejects.list({ limit: 1000 })).items

describe('a kept reject', () => {
  test('is shown as it was, with its raw bytes', async () => {
    const rejects = await openRejects(createMemoryRecords())
    rejects.apply(batch(reject({ count: 2, indices: [3, 5], truncated: true })), true)
    expect(await all(rejects)).toEqual([
      {
        id: expect.any(String),
        node: '01',
        topic: 'iot/node/01/telemetry',
        reason: 'bad_json',
        detail: 'why',
        time: 1000,
        size: 3,
        raw_base64: 'YWJj',
        truncated: true,
        count: 2,
        indices: [3, 5],
      },
    ])
  })

  test('is listed newest first, by node, reason and time, page by page', async () => {
    const rejects = await openRejects(createMemoryRecords())
    rejects.apply(batch(...Array.from({ length: 7 }, (_, i) => reject({ arrived: i, node: i % 2 ? '01' : '02' }))), true)
    rejects.apply(batch(reject({ arrived: 9, reason: 'conflict', node: null })), true)
    const times = async (query: object) => (await rejects.list({ limit: 1000, ...query })).items.map(item => item.time)
    expect(await times({})).toEqual([9, 6, 5, 4, 3, 2, 1, 0])
    expect(await times({ node: '01' })).toEqual([5, 3, 1])
    expect(await times({ reason: 'conflict' })).toEqual([9])
    expect(await times({ since: 5 })).toEqual([9, 6, 5])
    const seen: number[] = []
    let cursor: string | null | undefined
    do {
      const page = await rejects.list({ limit: 3, ...(cursor && { cursor }) })
      seen.push(...page.items.map(item => item.time))
      cursor = page.next
    } while (cursor)
    expect(seen).toEqual([9, 6, 5, 4, 3, 2, 1, 0])
  })

  test('is told to listeners when it is live, not in a replay', async () => {
    const rejects = await openRejects(createMemoryRecords())
    const heard: string[] = []
    const stop = rejects.on(item => heard.push(item.reason))
    rejects.apply(batch(reject()), false)
    rejects.apply(batch(reject({ reason: 'quota' })), true)
    stop()
    rejects.apply(batch(reject()), true)
    expect(heard).toEqual(['quota'])
  })
})

describe('bounds', () => {
  test('the oldest go by number, the counters stay', async () => {
    const records = createMemoryRecords()
    const rejects = await openRejects(records, { kept: 5, keptBytes: 1e6 })
    for (let i = 0; i < 20; i++) rejects.apply(batch(reject({ arrived: i, count: 2 })), true)
    expect((await all(rejects)).map(item => item.time)).toEqual([19, 18, 17, 16, 15])
    expect(rejects.counts()).toEqual({ total: 40, by_reason: { bad_json: 40 }, by_node: { '01': 40 } })
    await rejects.checkpoint({ sync: true })
    const kept = []
    for (const collection of ['rejects', 'reject_index']) for await (const [key] of records.list(collection)) kept.push(key)
    expect(kept).toHaveLength(10)
  })

  test('and by bytes', async () => {
    const rejects = await openRejects(createMemoryRecords(), { kept: 1000, keptBytes: 20_000 })
    for (let i = 0; i < 50; i++) rejects.apply(batch(reject({ raw: new Uint8Array(4096) })), true)
    expect(rejects.kept().bytes).toBeLessThanOrEqual(20_000)
    expect(rejects.kept().rejects).toBe(3)
  })

  test('memory keeps them even when the records are slow', async () => {
    const inner = createMemoryRecords()
    let go = (): void => {}
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const written: number[] = []
    const slow: Records = {
      ...inner,
      async write(changes, options) {
        await gate
        written.push(changes.length)
        return inner.write(changes, options)
      },
    }
    const rejects = await openRejects(slow, { kept: 10, keptBytes: 1e6 })
    for (let i = 0; i < 1000; i++) rejects.apply(batch(reject({ arrived: i })), true)
    expect((await all(rejects)).map(item => item.time)).toEqual([999, 998, 997, 996, 995, 994, 993, 992, 991, 990])
    go()
    await rejects.checkpoint({ sync: true })
    const again = await openRejects(inner, { kept: 10, keptBytes: 1e6 })
    expect(await all(again)).toEqual(await all(rejects))
  })

  test('strangers with ever new ids do not grow the counters for ever', async () => {
    const rejects = await openRejects(createMemoryRecords(), { kept: 1, keptBytes: 1e6 })
    rejects.apply(batch(...Array.from({ length: 10_050 }, (_, i) => reject({ node: `n${i}` }))), true)
    const { by_node, total } = rejects.counts()
    expect([total, Object.keys(by_node).length, by_node['_other']]).toEqual([10_050, 10_001, 50])
  })
})

describe('over a restart', () => {
  test('what was checkpointed is there, and the rest comes by replay with the same ids', async () => {
    const records = createMemoryRecords()
    const rejects = await openRejects(records)
    const first = batch(reject({ arrived: 1 }), reject({ arrived: 2, node: '02' }))
    const second = batch(reject({ arrived: 3, reason: 'conflict' }))
    rejects.apply(first, true)
    await rejects.checkpoint({ sync: true })
    expect(rejects.watermark()).toEqual(first.end)
    const lost = await openRejects(records)
    rejects.apply(second, true)
    const before = { items: await all(rejects), counts: rejects.counts() }

    expect(lost.watermark()).toEqual(first.end)
    for (const replayed of [first, second, second]) lost.apply(replayed, false)
    expect({ items: await all(lost), counts: lost.counts() }).toEqual(before)
  })

  test('only a synced checkpoint moves the watermark', async () => {
    const records = createMemoryRecords()
    const rejects = await openRejects(records)
    const one = batch(reject())
    rejects.apply(one, true)
    await rejects.checkpoint({ sync: false })
    expect(rejects.watermark()).toEqual({ segment: 0, offset: 0 })
    await rejects.checkpoint({ sync: true })
    expect(rejects.watermark()).toEqual(one.end)
  })

  test('a failed write is told to the checkpoint, and nothing is missing after the next', async () => {
    const inner = createMemoryRecords()
    let broken = true
    const records: Records = {
      ...inner,
      write: (changes, options) => (broken ? Promise.reject(new Error('disk full')) : inner.write(changes, options)),
    }
    const rejects = await openRejects(records, { kept: 2, keptBytes: 1e6 })
    for (let i = 0; i < 3; i++) rejects.apply(batch(reject({ arrived: i })), true)
    await expect(rejects.checkpoint({ sync: true })).rejects.toThrow('disk full')
    expect(rejects.watermark()).toEqual({ segment: 0, offset: 0 })
    broken = false
    await rejects.checkpoint({ sync: true })
    const again = await openRejects(inner)
    expect([await all(again), again.counts()]).toEqual([await all(rejects), rejects.counts()])
  })
})
