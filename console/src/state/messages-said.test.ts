import { expect, test } from 'vitest'
import { marked } from './messages-said.ts'

test('the offending place stands apart, also where it is the end of the text', () => {
  expect(marked({ raw: '{"t":"x"}', at: { offset: 5, length: 3 } })).toEqual(['{"t":', '"x"', '}'])
  expect(marked({ raw: '{"t":', at: { offset: 5, length: 0 } })).toEqual(['{"t":', '⟨end⟩', ''])
  expect(marked({ raw: 'abc', at: null })).toEqual(['abc', '', ''])
})
