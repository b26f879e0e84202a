/** Points in time as people and programs write them: ISO 8601, Unix seconds, or an age such as `-24h`.
 *  One parser for HTTP and CLI, so that `--from` and `?from=` never differ. */

export type ParsedTime =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly message: string; readonly allowed: string }

export const timeForms = 'ISO 8601 (2026-03-01T12:00:00Z), Unix seconds (1772366400), or an age (-24h; units s m h d w)'

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

// A day alone is midnight UTC and a time without a zone is UTC: what a script exports must not depend on the server's zone.
const iso = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i

/** Unix ms of `text`; ages count back from `nowMs`. */
export function parseTime(text: string, nowMs: number): ParsedTime {
  const age = /^-(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text)
  if (age) return { ok: true, ms: Math.round(nowMs - Number(age[1]) * (age[2] === 'ms' ? 1 : unitMs[age[2]!]!)) }
  if (/^\d+(?:\.\d+)?$/.test(text)) return fromSeconds(Number(text), text)
  return fromIso(text)
}

function fromSeconds(seconds: number, text: string): ParsedTime {
  // 1e11 s is the year 5138: somebody meant milliseconds (the wire contract draws the same line for timestamps).
  if (seconds >= 1e11)
    return { ok: false, message: `${text} looks like milliseconds; numbers are Unix seconds here`, allowed: timeForms }
  return { ok: true, ms: Math.round(seconds * 1000) }
}

function fromIso(text: string): ParsedTime {
  const match = iso.exec(text)
  if (match) {
    const zoned = text.length === 10 || match[1] ? text : `${text}Z`
    const ms = Date.parse(zoned.replace(' ', 'T').toUpperCase())
    if (!Number.isNaN(ms)) return { ok: true, ms }
  }
  return { ok: false, message: `${JSON.stringify(text)} is not a point in time`, allowed: timeForms }
}

/** ISO 8601 in UTC with milliseconds, as exports write it. */
export const formatTime = (ms: number): string => new Date(ms).toISOString()
