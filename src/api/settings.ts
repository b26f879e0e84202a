import { type Static, Type } from 'typebox'
import { RetentionView } from './retention.ts'
import { Count, Nullable, UnixMs } from './shapes.ts'

/** GET /api/settings: every setting in force. `from`: `default`, `command line`, `environment` or `FILE:LINE`. `value` of a secret
 *  is null. `reload`: taken over by `config reload`; otherwise a restart is needed. */
export const SettingView = Type.Object({
  key: Type.String(),
  value: Type.Unknown(),
  from: Type.String(),
  help: Type.String(),
  reload: Type.Boolean(),
})
export type SettingView = Static<typeof SettingView>

/** POST /api/config/reload, SIGHUP: what changed and is in force, and what waits for a restart. */
export const ReloadResult = Type.Object({
  applied: Type.Array(Type.String()),
  needs_restart: Type.Array(Type.String()),
})
export type ReloadResult = Static<typeof ReloadResult>

/** POST /api/token/rotate: the new token, null for a session (whoever holds a cookie never sees the token). */
export const TokenRotation = Type.Object({ token: Nullable(Type.String()) })
export type TokenRotation = Static<typeof TokenRotation>

/** GET /api/doctor, `espalier doctor`. */
export const Finding = Type.Object({
  code: Type.String(),
  severity: Type.Union([Type.Literal('error'), Type.Literal('warning'), Type.Literal('info')]),
  subject: Type.String(),
  what: Type.String(),
  fix: Type.String(),
})
export type Finding = Static<typeof Finding>
export const DoctorReport = Type.Object({ ok: Type.Boolean(), findings: Type.Array(Finding) })
export type DoctorReport = Static<typeof DoctorReport>

/** GET /api/backups: the scheduled ones, newest first. POST /api/backups makes one more now. */
export const BackupView = Type.Object({
  file: Type.String(),
  time: UnixMs,
  bytes: Count,
  sha256: Type.String(),
  readings: Count,
})
export type BackupView = Static<typeof BackupView>

/** `backup FILE` over a running server; `sha256` of the whole file. */
export const BackupResult = Type.Object({ file: Type.String(), bytes: Count, sha256: Type.String(), readings: Count })
export type BackupResult = Static<typeof BackupResult>

/** GET /api/machine: this machine and what is kept on it. `full_at`: when the disk is full at the pace of the last day. Dates of
 *  certificates in Unix ms; empty without --lan. `retention`: what went last, by what. */
export const MachineView = Type.Object({
  name: Type.String(),
  cpu_percent: Nullable(Type.Number()),
  rss_bytes: Nullable(Count),
  mem_free_bytes: Nullable(Count),
  disk_free_bytes: Nullable(Count),
  disk_total_bytes: Nullable(Count),
  temperature_c: Nullable(Type.Number()),
  full_at: Nullable(UnixMs),
  written_bytes_day: Nullable(Count),
  store_bytes: Count,
  readings: Count,
  oldest_reading: Nullable(UnixMs),
  retention: Type.Array(RetentionView),
  certificates: Type.Array(Type.Object({ name: Type.String(), expires: UnixMs, fingerprint: Type.String() })),
  uptime: Type.Number({ description: 'seconds' }),
})
export type MachineView = Static<typeof MachineView>
