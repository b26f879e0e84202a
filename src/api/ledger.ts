import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

/** A run of seqs that did not come: `open` may still be filled by a backlog, `lost` will not (but is taken back if it comes). */
export const Gap = Type.Object({
  boot: Type.Integer(),
  from: Type.Integer({ description: 'first missing seq' }),
  to: Type.Integer({ description: 'last missing seq' }),
  first_ms: Nullable(UnixMs),
  last_ms: Nullable(UnixMs),
  state: Type.Union([Type.Literal('open'), Type.Literal('lost')]),
})
export type Gap = Static<typeof Gap>

/** expected = stored + rejected + missing + lost; readings with boot and seq only. */
export const LedgerReport = Type.Object({
  node: Type.String(),
  expected: Count,
  stored: Count,
  duplicates: Count,
  rejected: Count,
  missing: Count,
  lost: Count,
  dropped: Count,
  gaps: Type.Array(Gap),
})
export type LedgerReport = Static<typeof LedgerReport>
