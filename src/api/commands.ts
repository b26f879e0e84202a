import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

export const commandStates = [
  'queued',
  'sent',
  'accepted',
  'running',
  'done',
  'failed',
  'rejected',
  'expired',
  'cancelled',
  'unknown',
] as const
export const CommandState = Type.Enum([...commandStates])
export type CommandState = (typeof commandStates)[number]

/** States that nothing follows, except `unknown`, which a later final ack corrects. */
export const finalStates: readonly CommandState[] = ['done', 'failed', 'rejected', 'expired', 'cancelled', 'unknown']

export const CommandView = Type.Object({
  id: Type.String(),
  node: Type.String(),
  command: Type.String(),
  params: Type.Record(Type.String(), Type.Unknown()),
  state: CommandState,
  queued_at: UnixMs,
  sent_at: Nullable(UnixMs),
  final_at: Nullable(UnixMs),
  expires: UnixMs,
  progress: Nullable(Type.Number()),
  result: Type.Unknown(),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String() })),
  matched: Nullable(Type.Union([Type.Literal('id'), Type.Literal('name')])),
  attempts: Count,
  history: Type.Array(
    Type.Object({
      state: CommandState,
      time: UnixMs,
      evidence: Type.Union([
        Type.Literal('puback'),
        Type.Literal('write'),
        Type.Literal('ack'),
        Type.Literal('clock'),
        Type.Literal('user'),
      ]),
    }),
  ),
  by: Type.String(),
})
export type CommandView = Static<typeof CommandView>

/** What a person or program posts. `expires` in seconds from now. */
export const CommandRequest = Type.Object(
  {
    command: Type.String({ minLength: 1, maxLength: 64 }),
    params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    expires: Type.Optional(Type.Number({ minimum: 1, maximum: 604_800 })),
  },
  { additionalProperties: false },
)
export type CommandRequest = Static<typeof CommandRequest>
