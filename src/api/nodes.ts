import { type Static, Type } from 'typebox'
import { LedgerReport } from './ledger.ts'
import { Count, Nullable, UnixMs } from './shapes.ts'

export const PresenceState = Type.Union([
  Type.Literal('online'),
  Type.Literal('late'),
  Type.Literal('offline'),
  Type.Literal('asleep'),
  Type.Literal('unknown'),
])
export type PresenceState = Static<typeof PresenceState>

/** A node as lists show it. */
export const NodeView = Type.Object({
  id: Type.String(),
  name: Nullable(Type.String()),
  state: PresenceState,
  claimed: Type.Boolean(),
  virtual: Type.Boolean(),
  first_seen: UnixMs,
  last_seen: UnixMs,
  last_reading: Nullable(UnixMs),
  interval: Nullable(Type.Number({ description: 'seconds' })),
  firmware: Nullable(Type.String()),
  board: Nullable(Type.String()),
  ip: Nullable(Type.String()),
  rssi: Nullable(Type.Number({ description: 'dBm' })),
  tags: Type.Array(Type.String()),
  stored: Count,
  rejected: Count,
  duplicates: Count,
  null_values: Count,
  ignored_keys: Count,
  last: Type.Record(Type.String(), Type.Number()),
})
export type NodeView = Static<typeof NodeView>

export const SensorView = Type.Object({
  name: Type.String(),
  unit: Nullable(Type.String()),
  value: Nullable(Type.Number()),
  time: Nullable(UnixMs),
})

/** A node as its own page shows it. `status` is its last status message as it came, null if it never sent one. */
export const NodeDetail = Type.Intersect([
  NodeView,
  Type.Object({
    status: Nullable(Type.Record(Type.String(), Type.Unknown())),
    sensors: Type.Array(SensorView),
    ledger: LedgerReport,
  }),
])
export type NodeDetail = Static<typeof NodeDetail>

export const NodePatch = Type.Object(
  {
    name: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 64 }))),
    tags: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,31}$' }), { maxItems: 32 })),
  },
  { additionalProperties: false },
)
export type NodePatch = Static<typeof NodePatch>
