import { expect, test } from 'vitest'
import { groupByTag } from './grouping.ts'

test('a node stands under each of its tags, in the order given; those without come last', () => {
  const tags: Record<string, string[]> = { a: ['roof', 'garden'], b: [], c: ['garden'] }
  expect(groupByTag(['c', 'b', 'a'], id => tags[id]!)).toEqual([
    { tag: 'garden', ids: ['c', 'a'] },
    { tag: 'roof', ids: ['a'] },
    { tag: null, ids: ['b'] },
  ])
})
