import { type Static, Type } from 'typebox'

/** POST /api/demo/stop: the virtual nodes of `up` end; with `forget` they are removed and their readings with them. */
export const DemoStopRequest = Type.Object({ forget: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
export type DemoStopRequest = Static<typeof DemoStopRequest>

/** Ids of those that ran until now, and of those that are forgotten. */
export const DemoStop = Type.Object({ stopped: Type.Array(Type.String()), forgotten: Type.Array(Type.String()) })
export type DemoStop = Static<typeof DemoStop>

/** POST /api/demo/outage: one virtual node (without `node`: all) loses its line for so many seconds, 30 if not said. */
export const DemoOutageRequest = Type.Object(
  {
    node: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 600 })),
  },
  { additionalProperties: false },
)
export type DemoOutageRequest = Static<typeof DemoOutageRequest>

export const DemoOutage = Type.Object({ nodes: Type.Array(Type.String()), seconds: Type.Integer() })
export type DemoOutage = Static<typeof DemoOutage>
