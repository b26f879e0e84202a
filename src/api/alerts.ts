import { type Static, Type } from 'typebox'
import { Nullable, UnixMs } from './shapes.ts'

export const alertKinds = ['silent', 'threshold', 'rssi', 'reboot_loop', 'loss', 'disk', 'certificate'] as const
export const AlertKind = Type.Enum([...alertKinds])
export type AlertKind = (typeof alertKinds)[number]

export const AlertState = Type.Union([Type.Literal('pending'), Type.Literal('firing'), Type.Literal('resolved')])
export type AlertState = Static<typeof AlertState>

/** One rule at one subject. `node` is null for the machine's own (disk, certificate). `notified`: each channel's last try. */
export const AlertView = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  kind: AlertKind,
  node: Nullable(Type.String()),
  sensor: Nullable(Type.String()),
  state: AlertState,
  since: UnixMs,
  fired_at: Nullable(UnixMs),
  resolved_at: Nullable(UnixMs),
  value: Nullable(Type.Number()),
  detail: Type.String({ description: 'one sentence: what is, what is allowed, since when' }),
  silenced_until: Nullable(UnixMs),
  notified: Type.Array(
    Type.Object({ channel: Type.String(), event: AlertState, time: UnixMs, ok: Type.Boolean(), detail: Type.String() }),
  ),
})
export type AlertView = Static<typeof AlertView>

/** GET /api/alerts/rules: rules in force; `from` says where each comes from (`FILE:LINE`, `default`), `text` is the rule in words. */
export const AlertRuleView = Type.Object({
  name: Type.String(),
  kind: AlertKind,
  text: Type.String(),
  from: Type.String(),
  nodes: Type.String({ description: '`all`, `claimed`, an id, or `tag:T`' }),
  channels: Type.Array(Type.String()),
  firing: Type.Integer({ minimum: 0 }),
  silenced_until: Nullable(UnixMs),
})
export type AlertRuleView = Static<typeof AlertRuleView>

/** GET /api/alerts/channels: never an address's secret part. */
export const AlertChannelView = Type.Object({
  name: Type.String(),
  type: Type.Union([Type.Literal('webhook'), Type.Literal('email'), Type.Literal('ntfy'), Type.Literal('telegram')]),
  target: Type.String({ description: 'where it goes, without secrets' }),
  from: Type.String(),
  last: Nullable(Type.Object({ time: UnixMs, ok: Type.Boolean(), detail: Type.String() })),
})
export type AlertChannelView = Static<typeof AlertChannelView>

/** POST /api/alerts/silences: nothing of these is notified for so many seconds; 0 ends a silence. Without `node`: the whole rule. */
export const Silence = Type.Object(
  {
    rule: Type.String({ minLength: 1, maxLength: 64 }),
    node: Type.Optional(Type.String({ maxLength: 64 })),
    seconds: Type.Number({ minimum: 0, maximum: 31_536_000 }),
  },
  { additionalProperties: false },
)
export type Silence = Static<typeof Silence>

/** POST /api/alerts/channels/{name}/test → what the channel answered. */
export const ChannelTest = Type.Object({ channel: Type.String(), ok: Type.Boolean(), detail: Type.String() })
export type ChannelTest = Static<typeof ChannelTest>
