import { type Static, Type } from 'typebox'
import { UnixMs } from './shapes.ts'

/** Parallel arrays: the start of each bucket that holds values, what is in it, and how many readings that were. */
export const SeriesView = Type.Object({
  time: Type.Array(UnixMs),
  min: Type.Array(Type.Number()),
  mean: Type.Array(Type.Number()),
  max: Type.Array(Type.Number()),
  count: Type.Array(Type.Integer()),
})
export type SeriesView = Static<typeof SeriesView>

/** Readings of one node in [from, to), at most `points` buckets a sensor. `bucket_ms` 0: raw rows, min = mean = max. */
export const ReadingsView = Type.Object({
  node: Type.String(),
  from: UnixMs,
  to: UnixMs,
  bucket_ms: Type.Integer({ minimum: 0 }),
  series: Type.Record(Type.String(), SeriesView),
})
export type ReadingsView = Static<typeof ReadingsView>

export const ReadingsQuery = Type.Object(
  {
    sensor: Type.Optional(Type.String({ description: 'names, separated by commas; default all' })),
    from: Type.Optional(Type.Integer({ minimum: 0, description: 'Unix milliseconds, inclusive; default 24 h before `to`' })),
    to: Type.Optional(Type.Integer({ minimum: 0, description: 'Unix milliseconds, exclusive; default now' })),
    points: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 500 })),
  },
  { additionalProperties: false },
)
export type ReadingsQuery = Static<typeof ReadingsQuery>
