import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

/** What became of something a client did. `denied`: it may not publish there. `refused`: it was not let in (wrong password, unknown
 *  certificate). `fight`: two clients take the same client id from each other. `wrong_topic`: it reaches nobody (`iot/nodes/…`). */
export const verdicts = [
  'stored',
  'duplicate',
  'rejected',
  'status',
  'ack',
  'log',
  'denied',
  'refused',
  'fight',
  'wrong_topic',
] as const
export const Verdict = Type.Enum([...verdicts])
export type Verdict = (typeof verdicts)[number]

/** GET /api/messages and the event `message`: what boards just said, newest first, the last few hundred of this run. `detail` is a
 *  sentence with the way to mend it, null where nothing is wrong. `points`: what was stored, the first 16. `raw`: the text of what
 *  was not stored, or of a log line (its level is the `reason`), at most 4 KiB; `at`: the offending place in it, in characters.
 *  `count`: the readings of a message; of what repeats (denied, refused, fight, wrong_topic), how often in a row: then the same `id`
 *  comes again. `left_out`: messages of all nodes between this one and the one before it that are not shown, because they came
 *  faster than anybody reads. */
export const MessageView = Type.Object({
  id: Type.String(),
  time: UnixMs,
  topic: Nullable(Type.String()),
  node: Nullable(Type.String()),
  user: Nullable(Type.String()),
  address: Nullable(Type.String()),
  verdict: Verdict,
  reason: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  count: Count,
  left_out: Count,
  points: Type.Array(Type.Object({ time: UnixMs, fields: Type.Record(Type.String(), Type.Number()) })),
  raw: Nullable(Type.String()),
  at: Nullable(Type.Object({ offset: Count, length: Count })),
})
export type MessageView = Static<typeof MessageView>

/** GET /api/nodes/{id}/logs: a line of a node's log topic, newest first. `time` is its arrival, `sent` the node's own word. */
export const LogLine = Type.Object({
  time: UnixMs,
  sent: Nullable(UnixMs),
  level: Nullable(Type.String()),
  msg: Type.String(),
})
export type LogLine = Static<typeof LogLine>
