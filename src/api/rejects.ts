import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

export const RejectView = Type.Object({
  id: Type.String(),
  node: Nullable(Type.String()),
  topic: Nullable(Type.String()),
  reason: Type.String(),
  detail: Type.String(),
  time: UnixMs,
  size: Count,
  raw_base64: Type.String(),
  truncated: Type.Boolean(),
  count: Count,
  /** Places in `readings` of the readings it stands for; null for a message or a single reading. */
  indices: Type.Unsafe<readonly number[] | null>(Nullable(Type.Array(Count))),
})
export type RejectView = Static<typeof RejectView>

export const RejectCounts = Type.Object({
  total: Count,
  by_reason: Type.Record(Type.String(), Count),
  by_node: Type.Record(Type.String(), Count),
})
export type RejectCounts = Static<typeof RejectCounts>
