import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sseParser } from './sse.ts'

const stream = 'retry: 1000\n\nid: 41\nevent: presence\ndata: {"node":"01"}\n\n: ping\n\nevent: gap\ndata: {"missed":3}\n\n'
const wanted = [
  { id: '41', event: 'presence', data: '{"node":"01"}' },
  { id: null, event: 'gap', data: '{"missed":3}' },
]

test('frames come out whole, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }), cuts => {
      const parse = sseParser()
      const frames = []
      let at = 0
      for (const size of [...cuts, stream.length]) {
        frames.push(...parse(stream.slice(at, at + size)))
        at += size
      }
      expect(frames).toEqual(wanted)
    }),
  )
})

test('several data lines are one text', () => {
  expect(sseParser()('data: a\ndata: b\n\n')).toEqual([{ id: null, event: 'message', data: 'a\nb' }])
})
