import { beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../kit/clock.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import type { Records } from '../store/records.ts'
import { type AuditNote, openAudit } from './audit.ts'

let records: Records
let clock: ManualClock
const random = (bytes: Uint8Array): void => void bytes.fill(7)
const entry = (action: string, subject: string): AuditNote => ({ who: 'token', action, subject, outcome: 'done', detail: '' })

beforeEach(() => {
  records = createMemoryRecords()
  clock = new ManualClock()
})

test('entries come newest first, page by page, also after a restart', async () => {
  const first = await openAudit({ records, clock, random })
  for (const id of ['a', 'b', 'c']) first.note(entry('node.rename', id))
  await first.close()
  const audit = await openAudit({ records, clock, random: bytes => void bytes.fill(9) })
  const page = await audit.list({ limit: 2 })
  expect(page.map(e => e.subject)).toEqual(['c', 'b'])
  expect((await audit.list({ limit: 2, before: page[1]!.id })).map(e => e.subject)).toEqual(['a'])
})

test('an action is found by its name or by its first part, a subject by its name', async () => {
  const audit = await openAudit({ records, clock, random })
  for (const [action, subject] of [
    ['node.add', '01'],
    ['node.remove', '02'],
    ['nodes.other', '01'],
  ] as const)
    audit.note(entry(action, subject))
  expect((await audit.list({ limit: 9, action: 'node' })).map(e => e.action)).toEqual(['node.remove', 'node.add'])
  expect((await audit.list({ limit: 9, action: 'node.add' })).length).toBe(1)
  expect((await audit.list({ limit: 9, subject: '01' })).map(e => e.action)).toEqual(['nodes.other', 'node.add'])
})

test('the oldest go by number and by age, and are counted over a restart', async () => {
  const bounds = { records, clock, random, maxEntries: 3, maxAgeMs: 10_000 }
  const audit = await openAudit(bounds)
  for (const id of ['a', 'b', 'c', 'd', 'e']) audit.note(entry('x', id))
  expect((await audit.list({ limit: 9 })).map(e => e.subject)).toEqual(['e', 'd', 'c'])
  clock.advance(10_001)
  audit.note(entry('x', 'f'))
  expect((await audit.list({ limit: 9 })).map(e => e.subject)).toEqual(['f'])
  await audit.close()
  expect((await openAudit(bounds)).counts()).toEqual({ kept: 1, dropped: 5 })
})

test('a guesser of passwords writes an entry a minute, which says how often', async () => {
  const audit = await openAudit({ records, clock, random })
  for (let i = 0; i < 1_000; i++) audit.refusedCaller('10.0.0.9', 'a wrong token')
  audit.refusedCaller('10.0.0.8', 'a wrong token')
  expect((await audit.list({ limit: 9 })).length).toBe(2)
  clock.advance(60_000)
  const all = await audit.list({ limit: 9 })
  expect(all[0]).toMatchObject({ address: '10.0.0.9', action: 'auth.failed', outcome: 'refused' })
  expect(all[0]!.detail).toContain('999 more')
  expect(all.length).toBe(3)
})

test('an entry that can not be written is said, and the next one is written', async () => {
  const problems: string[] = []
  let broken = true
  const failing: Records = {
    ...records,
    write: (changes, options) => (broken ? Promise.reject(new Error('disk full')) : records.write(changes, options)),
  }
  const audit = await openAudit({ records: failing, clock, random, onProblem: text => problems.push(text) })
  audit.note(entry('node.add', '01'))
  await audit.list({ limit: 1 })
  broken = false
  audit.note(entry('node.add', '02'))
  expect((await audit.list({ limit: 9 })).map(e => e.subject)).toEqual(['02'])
  expect(problems).toEqual([expect.stringContaining('disk full')])
})
