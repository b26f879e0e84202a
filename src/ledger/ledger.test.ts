import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../contract/events.ts'
import { createLedger } from './create.ts'
import type { Ledger } from './ledger.ts'

const dayMs = 86_400_000
const t0 = 1_704_844_800_000
const timeOf = (seq: number): number => t0 + seq * 10_000

function scene(ledger: Ledger = createLedger(), node = '01') {
  let arrived = t0
  const apply = (event: object): void => ledger.apply({ node, arrived, ...event } as JournalEvent)
  return {
    ledger,
    at: (ms: number) => {
      arrived = ms
    },
    stored: (boot: number, ...seqs: number[]) => {
      for (const seq of seqs) apply({ kind: 'reading', boot, seq, time: timeOf(seq), names: ['t'], values: [1] })
    },
    settled: (boot: number, seq: number) => apply({ kind: 'settled', boot, seq, time: timeOf(seq) }),
    rejected: (boot: number, ...seqs: number[]) => apply({ kind: 'reject', reason: 'bad_sensor_value', settles: { boot, seqs } }),
    oldest: (boot: number, seq: number, ownBoot = boot) => apply({ kind: 'oldest', ownBoot, boot, seq }),
    born: (boot: number | undefined, live = true) =>
      apply({ kind: 'status', live, status: { node_id: `node_${node}`, online: true, ...(boot === undefined ? {} : { boot }) } }),
    apply,
    receipt: (now = arrived, asked?: number[]) => ledger.receipt(node, now, asked),
    counts: () => {
      const { expected, stored, rejected, missing, lost } = ledger.report(node)
      expect(expected).toBe(stored + rejected + missing + lost)
      return { stored, rejected, missing, lost }
    },
    gaps: () => ledger.report(node).gaps,
  }
}

describe('a receipt', () => {
  test('names the highest seq up to which all is settled, and the highest settled one', () => {
    const { stored, receipt } = scene()
    stored(7, 0, 1, 2, 5)
    expect(receipt()).toEqual([{ boot: 7, seq: 2, seen: 5 }])
  })
  test('says null while seq 0 is not settled', () => {
    const { stored, receipt } = scene()
    stored(7, 1, 2)
    expect(receipt()).toEqual([{ boot: 7, seq: null, seen: 2 }])
  })
  test('covers rejected readings and counts them', () => {
    const { stored, rejected, receipt } = scene()
    stored(7, 0)
    rejected(7, 1, 2)
    expect(receipt()).toEqual([{ boot: 7, seq: 2, seen: 2, rejected: 2 }])
  })
  test('covers readings settled without a value', () => {
    const { settled, receipt } = scene()
    settled(7, 0)
    expect(receipt()).toEqual([{ boot: 7, seq: 0, seen: 0 }])
  })
  test('moves past what the node says is gone', () => {
    const { stored, oldest, receipt } = scene()
    stored(7, 0, 1, 9)
    oldest(7, 5)
    expect(receipt()).toEqual([{ boot: 7, seq: 4, seen: 9 }])
    stored(7, 5, 6, 7, 8)
    expect(receipt()).toEqual([{ boot: 7, seq: 9, seen: 9 }])
  })
  test('speaks of the newest 8 boots, by when they were last spoken of', () => {
    const { stored, receipt } = scene()
    for (let boot = 100; boot < 112; boot++) stored(boot, 0)
    stored(101, 1)
    expect(receipt().map(entry => entry.boot)).toEqual([101, 111, 110, 109, 108, 107, 106, 105])
  })
  test('speaks of boots of the last 30 days only', () => {
    const { stored, receipt, at } = scene()
    stored(1, 0)
    at(t0 + 10 * dayMs)
    stored(2, 0)
    expect(receipt(t0 + 30 * dayMs).map(entry => entry.boot)).toEqual([2, 1])
    expect(receipt(t0 + 30 * dayMs + 1).map(entry => entry.boot)).toEqual([2])
  })
  test('a resend of settled readings brings their boot back into the receipt', () => {
    const { stored, oldest, receipt } = scene()
    for (let boot = 100; boot < 112; boot++) stored(boot, 0)
    oldest(111, 0, 100) // all a message of duplicates leaves here: its own boot is 100
    expect(receipt()[0]).toMatchObject({ boot: 100 })
  })
  test('speaks first of the boots that are asked for, however old they are', () => {
    const { stored, receipt } = scene()
    for (let boot = 100; boot < 112; boot++) stored(boot, 0)
    const boots = (asked: number[], now = t0) => receipt(now, asked).map(entry => entry.boot)
    expect(boots([102, 999, 101])).toEqual([102, 101, 111, 110, 109, 108, 107, 106])
    expect(boots([110])).toEqual([110, 111, 109, 108, 107, 106, 105, 104])
    expect(boots([102], t0 + 31 * dayMs)).toEqual([102])
  })
  test('there is none for a node that does not number its readings, nor for one without a settled reading', () => {
    const { apply, oldest, receipt } = scene()
    apply({ kind: 'reading', boot: null, seq: null, time: t0, names: ['t'], values: [1] })
    expect(receipt()).toEqual([])
    oldest(7, 0)
    expect(receipt()).toEqual([])
  })
})

describe('known', () => {
  test('tells stored from rejected, and only that very boot and seq', () => {
    const { ledger, stored, rejected } = scene()
    stored(7, 0, 4)
    rejected(7, 2)
    expect([0, 1, 2, 3, 4, 5].map(seq => ledger.known('01', 7, seq))).toEqual(['stored', 'no', 'rejected', 'no', 'stored', 'no'])
    expect(ledger.known('01', 8, 0)).toBe('no')
    expect(ledger.known('02', 7, 0)).toBe('no')
  })
  test('a reading below the receipt that was booked lost is not known', () => {
    const { ledger, stored, oldest } = scene()
    stored(7, 9)
    oldest(7, 9)
    expect(ledger.known('01', 7, 3)).toBe('no')
  })
  test('what was stored or rejected never changes again', () => {
    const { ledger, stored, rejected, counts } = scene()
    stored(7, 0)
    rejected(7, 0, 1)
    stored(7, 1)
    expect(counts()).toEqual({ stored: 1, rejected: 1, missing: 0, lost: 0 })
    expect(ledger.known('01', 7, 1)).toBe('rejected')
  })
})

describe('missing and lost', () => {
  test('a gap is open until all of it came, with the times of its neighbours', () => {
    const { stored, gaps, counts } = scene()
    stored(7, 0, 1, 5)
    expect(gaps()).toEqual([{ boot: 7, from: 2, to: 4, first_ms: timeOf(1), last_ms: timeOf(5), state: 'open' }])
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 3, lost: 0 })
    stored(7, 3)
    expect(gaps().map(gap => [gap.from, gap.to])).toEqual([[2, 2], [4, 4]]) // biome-ignore format: pairs
    stored(7, 2, 4)
    expect(gaps()).toEqual([])
    expect(counts()).toEqual({ stored: 6, rejected: 0, missing: 0, lost: 0 })
  })
  test('a gap at the start of a boot has no time before it', () => {
    const { stored, gaps } = scene()
    stored(7, 2)
    expect(gaps()).toEqual([{ boot: 7, from: 0, to: 1, first_ms: null, last_ms: timeOf(2), state: 'open' }])
  })
  test('a rejected neighbour has no time; the nearest of its run that has one stands for it', () => {
    const { stored, rejected, gaps } = scene()
    stored(7, 0)
    rejected(7, 1)
    rejected(7, 5)
    expect(gaps()).toEqual([{ boot: 7, from: 2, to: 4, first_ms: timeOf(0), last_ms: null, state: 'open' }])
    stored(7, 6)
    expect(gaps()[0]).toMatchObject({ last_ms: timeOf(6) })
  })
  test('oldest books what never came below it as lost, in its own boot', () => {
    const { stored, oldest, counts, gaps } = scene()
    stored(7, 0, 1, 9)
    oldest(7, 5)
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 4, lost: 3 })
    expect(gaps().map(({ from, to, state }) => [from, to, state])).toEqual([
      [2, 4, 'lost'],
      [5, 8, 'open'],
    ])
    expect(gaps().every(gap => gap.first_ms === timeOf(1) && gap.last_ms === timeOf(9))).toBe(true)
  })
  test('a lower oldest later is ignored in its own boot, of the others it says the same as the higher one', () => {
    const { stored, oldest, born, counts } = scene()
    stored(6, 1)
    stored(7, 0, 9)
    oldest(7, 5)
    oldest(7, 3)
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 5, lost: 4 })
    born(7)
    oldest(7, 3)
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 4, lost: 5 })
  })
  test('oldest books 2^32 − 1 readings at once', () => {
    const { stored, oldest, counts, receipt } = scene()
    stored(7, 4_294_967_295)
    oldest(7, 4_294_967_295)
    expect(counts()).toEqual({ stored: 1, rejected: 0, missing: 0, lost: 4_294_967_295 })
    expect(receipt()).toEqual([{ boot: 7, seq: 4_294_967_295, seen: 4_294_967_295 }])
  })
  test('oldest ahead of anything seen: below it lost, itself known and not here yet', () => {
    const { stored, oldest, counts, receipt, gaps } = scene()
    stored(7, 0, 1)
    stored(8, 0)
    oldest(7, 10, 8)
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 1, lost: 8 })
    expect(receipt().find(entry => entry.boot === 7)).toEqual({ boot: 7, seq: 9, seen: 9 })
    expect(gaps().at(-1)).toEqual({ boot: 7, from: 10, to: 10, first_ms: timeOf(1), last_ms: null, state: 'open' })
  })
  test('one booked lost that comes after all is stored, and lost goes down', () => {
    const { stored, oldest, counts, receipt } = scene()
    stored(7, 9)
    oldest(7, 9)
    stored(7, 4)
    expect(counts()).toEqual({ stored: 2, rejected: 0, missing: 0, lost: 8 })
    expect(receipt()).toEqual([{ boot: 7, seq: 9, seen: 9 }])
  })
  test('oldest in the boot of the latest birth books the missing of all other boots too', () => {
    const { stored, oldest, born, counts, receipt } = scene()
    stored(6, 0, 5)
    born(7)
    stored(7, 0)
    oldest(7, 0)
    expect(counts()).toEqual({ stored: 3, rejected: 0, missing: 0, lost: 4 })
    expect(receipt()).toContainEqual({ boot: 6, seq: 5, seen: 5 })
  })
  test('oldest in another boot than that of the latest birth judges its own boot only', () => {
    const { stored, oldest, born, counts } = scene()
    stored(5, 0, 3)
    stored(6, 0, 5)
    born(7)
    stored(7, 0)
    oldest(6, 2, 7)
    expect(counts()).toEqual({ stored: 5, rejected: 0, missing: 5, lost: 1 })
  })
  test('without a birth, or with a retained status, no other boot is judged', () => {
    const { stored, oldest, born, counts } = scene()
    stored(6, 0, 5)
    stored(7, 0)
    oldest(7, 0)
    born(7, false)
    oldest(7, 0)
    born(undefined)
    oldest(7, 0)
    expect(counts()).toMatchObject({ missing: 4, lost: 0 })
  })
  test('the same oldest again judges readings that came in between', () => {
    const { stored, oldest, born, counts } = scene()
    born(7)
    stored(6, 0)
    born(7)
    stored(7, 0)
    oldest(7, 0)
    stored(6, 4)
    expect(counts()).toMatchObject({ missing: 3, lost: 0 })
    oldest(7, 0)
    expect(counts()).toMatchObject({ missing: 0, lost: 3 })
  })
  test('a boot first heard of behind the latest birth may be a newer one, whose birth was lost: nothing of it is', () => {
    const { stored, oldest, born, counts } = scene()
    born(7)
    stored(7, 0)
    stored(8, 3)
    oldest(7, 0)
    expect(counts()).toMatchObject({ missing: 3, lost: 0 })
    // Seven is the node's boot all the same: its next status says so, and then it is known to hold nothing of any other.
    born(7)
    oldest(7, 0)
    expect(counts()).toMatchObject({ missing: 0, lost: 3 })
  })
})

describe('the account of a node', () => {
  test('counts duplicates once the node numbers its readings', () => {
    const { ledger, stored, apply } = scene()
    apply({ kind: 'counts', duplicates: 3, nullValues: 0, ignoredKeys: 0 })
    stored(7, 0)
    apply({ kind: 'counts', duplicates: 2, nullValues: 1, ignoredKeys: 1 })
    expect(ledger.report('01').duplicates).toBe(2)
  })
  test('nodes with a boot are listed by id; a stranger has an empty report', () => {
    const ledger = createLedger()
    scene(ledger, 'b').stored(1, 0)
    scene(ledger, 'a').stored(1, 0)
    scene(ledger, 'c').born(1)
    expect(ledger.nodes()).toEqual(['a', 'b'])
    expect(ledger.report('x')).toEqual({
      node: 'x',
      expected: 0,
      stored: 0,
      duplicates: 0,
      rejected: 0,
      missing: 0,
      lost: 0,
      gaps: [],
    })
  })
  test('takeChanged names each changed node once, also a forgotten one', () => {
    const ledger = createLedger()
    const a = scene(ledger, 'a')
    a.stored(1, 0, 1)
    scene(ledger, 'b').stored(1, 0)
    expect(ledger.takeChanged()).toEqual(['a', 'b'])
    expect(ledger.takeChanged()).toEqual([])
    a.stored(1, 2)
    ledger.forget('b')
    expect(ledger.takeChanged()).toEqual(['a', 'b'])
    expect(ledger.snapshot('b')).toBeUndefined()
    expect(ledger.known('b', 1, 0)).toBe('no')
  })
  test('a snapshot keeps the latest birth: the rule for other boots holds over a restart', () => {
    const before = scene()
    before.stored(6, 0, 5)
    before.born(7)
    const ledger = createLedger()
    ledger.restore('01', JSON.parse(JSON.stringify(before.ledger.snapshot('01'))))
    const after = scene(ledger)
    after.stored(7, 0)
    after.oldest(7, 0)
    expect(after.counts()).toMatchObject({ missing: 0, lost: 4 })
  })
  test('a snapshot of another version is refused with the node', () => {
    expect(() => createLedger().restore('01', { version: 2 })).toThrow(/node 01 .*version 1/)
    expect(() => createLedger().restore('01', null)).toThrow(/node 01/)
  })
  test('a board back from the drawer after 31 days finds its boot as it left it', () => {
    const { ledger, stored, oldest, counts, at, born } = scene()
    stored(1, 0, 1, 2)
    at(t0 + 31 * dayMs)
    born(2)
    stored(2, 0)
    stored(1, 3, 4)
    oldest(1, 3)
    expect(counts()).toEqual({ stored: 6, rejected: 0, missing: 0, lost: 0 })
    expect(ledger.known('01', 1, 0)).toBe('stored')
  })
  test('of many boots those silent for 30 days become totals', () => {
    const { ledger, stored, rejected, counts, at } = scene()
    for (let boot = 0; boot < 100; boot++) {
      at(t0 + boot * dayMs)
      stored(boot, 0, 2)
      rejected(boot, 3)
    }
    expect((ledger.snapshot('01') as { boots: unknown[] }).boots.length).toBeLessThanOrEqual(64)
    const { stored: all, rejected: refused, missing, lost } = counts()
    expect([all, refused, missing + lost]).toEqual([200, 100, 100])
    expect(lost).toBeGreaterThanOrEqual(36) // what was missing in a boot that became a total will not come any more
  })
  test('a node that reboots all the time stays bounded', () => {
    const { ledger, stored, counts } = scene()
    for (let boot = 0; boot < 3000; boot++) stored(boot, 0)
    expect((ledger.snapshot('01') as { boots: unknown[] }).boots).toHaveLength(1024)
    expect(counts()).toEqual({ stored: 3000, rejected: 0, missing: 0, lost: 0 })
  })
})
