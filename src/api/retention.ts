import { type Static, Type } from 'typebox'
import { Count, UnixMs } from './shapes.ts'

/** What retention took: `rows` readings (or buckets of minutes, of hours) with times in [from, to], because they were too old, or took more
 *  room than allowed. Event `retention`. */
export const RetentionView = Type.Object({
  time: UnixMs,
  what: Type.Union([Type.Literal('raw'), Type.Literal('1m'), Type.Literal('1h')]),
  rows: Count,
  bytes: Count,
  from: UnixMs,
  to: UnixMs,
  why: Type.Union([Type.Literal('age'), Type.Literal('size')]),
})
export type RetentionView = Static<typeof RetentionView>
