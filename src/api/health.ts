import { type Static, Type } from 'typebox'

/** One part of the process: `detail` says in a sentence what is wrong and what to do, or how it stands. */
export const Check = Type.Object({ ok: Type.Boolean(), detail: Type.String() })
export type Check = Static<typeof Check>

/** `degraded`: it works, but something needs a hand. `down`: readings are not being made durable. */
export const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded'), Type.Literal('down')]),
  checks: Type.Object({ broker: Check, store: Check, disk: Check, clock: Check, ingest: Check }),
})
export type Health = Static<typeof Health>
