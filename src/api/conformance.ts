import { type Static, Type } from 'typebox'
import { Nullable, UnixMs } from './shapes.ts'

/** One question to a node on the air, and its answer. `skip`: it could not be asked; the detail says why. */
export const ConformanceCheck = Type.Object({
  name: Type.String(),
  result: Type.Enum(['pass', 'fail', 'skip']),
  detail: Type.String(),
})
export type ConformanceCheck = Static<typeof ConformanceCheck>

/** `pass`: no check failed. */
export const ConformanceReport = Type.Object({
  node: Type.String(),
  pass: Type.Boolean(),
  checks: Type.Array(ConformanceCheck),
})
export type ConformanceReport = Static<typeof ConformanceReport>

/** The latest run of a node: `checks` grow while it is under way, and `pass` is of those so far. */
export const ConformanceRun = Type.Object({
  node: Type.String(),
  pass: Type.Boolean(),
  checks: Type.Array(ConformanceCheck),
  begun: UnixMs,
  ended: Nullable(UnixMs),
})
export type ConformanceRun = Static<typeof ConformanceRun>
