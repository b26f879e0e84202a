import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KeyRange, Records } from './records.ts'

/** What every implementation of the records port must do. `open` gives empty records. */
export interface RecordsUnderTest {
  readonly records: Records
  readonly remove: () => Promise<void>
}

export function recordsSuite(name: string, open: () => Promise<RecordsUnderTest>): void {
  let under: RecordsUnderTest
  let records: Records
  beforeEach(async () => {
    under = await open()
    records = under.records
  })
  afterEach(() => under.remove())

  const put = (key: string, value: unknown, collection = 'things') => ({ collection, key, value })
  const keys = async (range?: KeyRange, collection = 'things'): Promise<string[]> => {
    const found: string[] = []
    for await (const [key] of records.list(collection, range)) found.push(key)
    return found
  }

  test(`${name}: what was written is read, what was not is undefined`, async () => {
    const value = { s: 'ü😀', n: -1.5, list: [null, true, { deep: [] }] }
    await records.write([put('a', value)], { sync: false })
    expect(await records.get('things', 'a')).toEqual(value)
    expect(await records.get('things', 'b')).toBeUndefined()
    expect(await records.get('others', 'a')).toBeUndefined()
  })

  test(`${name}: values are copies`, async () => {
    const value = { n: 1 }
    await records.write([put('a', value)], { sync: false })
    value.n = 2
    const read = await records.get<{ n: number }>('things', 'a')
    read!.n = 3
    expect(await records.get('things', 'a')).toEqual({ n: 1 })
  })

  test(`${name}: a write is atomic: a value that is no JSON leaves nothing behind`, async () => {
    await expect(records.write([put('a', 1), put('b', undefined)], { sync: true })).rejects.toThrow(/JSON/)
    expect(await keys()).toEqual([])
  })

  test(`${name}: within one write the last change of a key counts`, async () => {
    await records.write([put('a', 1), { collection: 'things', key: 'a', remove: true }, put('b', 1), put('b', 2)], { sync: true })
    expect(await keys()).toEqual(['b'])
    expect(await records.get('things', 'b')).toBe(2)
  })

  test(`${name}: calls that are not awaited are served in order`, async () => {
    const writes = Array.from({ length: 50 }, (_, n) => records.write([put('a', n)], { sync: n % 7 === 0 }))
    await Promise.all(writes)
    expect(await records.get('things', 'a')).toBe(49)
  })

  test(`${name}: lists go in byte order of UTF-8, collections apart`, async () => {
    const names = ['😀', '～', 'b', 'B', 'a', 'a\0b', 'ab', '', '10', '9']
    await records.write(
      names.map(key => put(key, key)),
      { sync: false },
    )
    await records.write([put('x', 1, 'thing'), put('y', 1, 'things2')], { sync: false })
    expect(await keys()).toEqual(['', '10', '9', 'B', 'a', 'a\0b', 'ab', 'b', '～', '😀'])
    expect(await keys({}, 'thing')).toEqual(['x'])
  })

  test(`${name}: ranges exclude their ends, reverse turns them around, limit cuts`, async () => {
    await records.write(
      ['a', 'b', 'c', 'd', 'e'].map(key => put(key, key)),
      { sync: false },
    )
    expect(await keys({ after: 'b' })).toEqual(['c', 'd', 'e'])
    expect(await keys({ before: 'd' })).toEqual(['a', 'b', 'c'])
    expect(await keys({ after: 'a', before: 'e', reverse: true })).toEqual(['d', 'c', 'b'])
    expect(await keys({ after: 'bb', before: 'zz', limit: 2 })).toEqual(['c', 'd'])
    expect(await keys({ reverse: true, limit: 1 })).toEqual(['e'])
    expect(await keys({ after: 'e' })).toEqual([])
    expect(await keys({ limit: 0 })).toEqual([])
  })

  test(`${name}: a list may be left early, and shows its first moment`, async () => {
    await records.write([put('a', 1), put('b', 1), put('c', 1)], { sync: false })
    const seen: string[] = []
    for await (const [key] of records.list('things')) {
      seen.push(key)
      await records.write([{ collection: 'things', key: 'b', remove: true }, put('bb', 1)], { sync: false })
      if (seen.length === 2) break
    }
    expect(seen).toEqual(['a', 'b'])
    expect(await keys()).toEqual(['a', 'bb', 'c'])
  })

  test(`${name}: an unknown kind of collection name is a bug and throws`, async () => {
    await expect(records.write([put('a', 1, 'Bad/name')], { sync: false })).rejects.toThrow(/collection name/)
  })

  test(`${name}: after close nothing is answered`, async () => {
    await records.write([], { sync: true })
    await records.close()
    await records.close()
    await expect(records.get('things', 'a')).rejects.toThrow(/closed/)
  })
}

/** For those that keep things over a restart. */
export function durableRecordsSuite(
  name: string,
  open: () => Promise<RecordsUnderTest & { reopen: () => Promise<Records> }>,
): void {
  test(`${name}: what was kept is there after opening again`, async () => {
    const under = await open()
    try {
      await under.records.write([{ collection: 'things', key: 'a', value: 1 }], { sync: true })
      await under.records.write(
        [
          { collection: 'things', key: 'a', remove: true },
          { collection: 'things', key: 'b', value: [2] },
        ],
        { sync: false },
      )
      const again = await under.reopen()
      expect(await again.get('things', 'a')).toBeUndefined()
      expect(await again.get('things', 'b')).toEqual([2])
    } finally {
      await under.remove()
    }
  })
}
