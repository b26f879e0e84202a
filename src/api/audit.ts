import { type Static, Type } from 'typebox'
import { Count, Nullable, Page, UnixMs } from './shapes.ts'

/** GET /api/audit, newest first: who did what to what, when, and what came of it. `who`: `token`, `session`, `espalier` (by itself),
 *  with the address where there is one. `action`: `node.add`, `command.send`, `config.reload`, … `detail` never holds a secret. */
export const AuditEntry = Type.Object({
  id: Type.String(),
  time: UnixMs,
  who: Type.String(),
  address: Nullable(Type.String()),
  action: Type.String(),
  subject: Nullable(Type.String()),
  outcome: Type.Union([Type.Literal('done'), Type.Literal('refused'), Type.Literal('failed')]),
  detail: Type.String(),
})
export type AuditEntry = Static<typeof AuditEntry>

/** `kept`: entries there are; `dropped`: older ones that went, because the log is bounded. */
export const AuditPage = Type.Object({ ...Page(AuditEntry).properties, kept: Count, dropped: Count })
export type AuditPage = Static<typeof AuditPage>
