/** Checks of single values, as text (flag, environment) or as YAML has typed them. They say what is wrong and what is allowed. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly what: string; readonly allowed: string }
export type Check<T> = (value: unknown) => Checked<T>

const good = <T>(value: T): Checked<T> => ({ ok: true, value })
const bad = <T>(value: unknown, allowed: string): Checked<T> => ({ ok: false, what: `${show(value)} can't be used`, allowed })

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

/** A plain decimal number; not hex, not blank, not "Infinity". */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())) return undefined
  const n = Number(value)
  return Number.isFinite(n) ? n : undefined
}

const integerIn =
  (low: number, high: number, allowed: string): Check<number> =>
  value => {
    const n = numberOf(value)
    return n !== undefined && Number.isInteger(n) && n >= low && n <= high ? good(n) : bad(value, allowed)
  }

export const port: Check<number> = integerIn(0, 65_535, 'a port from 1 to 65535, or 0 for any free one')

export const wholeIn = (min: number, max: number): Check<number> => integerIn(min, max, `a whole number from ${min} to ${max}`)

export const seconds =
  (low: number, high: number): Check<number> =>
  value => {
    const n = numberOf(value)
    return n !== undefined && n >= low && n <= high ? good(n) : bad(value, `seconds from ${low} to ${high}`)
  }

export const host: Check<string> = value =>
  typeof value === 'string' && /^[A-Za-z0-9_.:%-]+$/.test(value) ? good(value) : bad(value, 'an IP address or a host name')

export const choice =
  <T extends string>(values: readonly T[]): Check<T> =>
  value =>
    values.includes(value as T) ? good(value as T) : bad(value, values.join(', '))

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_536_000_000 }

/** "250ms", "1.5s", "10m", "24h", "7d", "2y" (of 365 days) → milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text.trim())
  return match ? Number(match[1]) * unitsMs[match[2]!]! : undefined
}

export const durationMs =
  (lowMs: number, highMs: number): Check<number> =>
  value => {
    const ms = typeof value === 'string' ? parseDurationMs(value) : undefined
    return ms !== undefined && ms >= lowMs && ms <= highMs
      ? good(ms)
      : bad(value, `a time with its unit (ms, s, m, h, d, y) from ${spanText(lowMs)} to ${spanText(highMs)}`)
  }

/** Milliseconds in the largest unit that divides them: 604800000 → "7d". */
export function spanText(ms: number): string {
  const [unit, length] = Object.entries(unitsMs).findLast(([, length]) => ms >= length && ms % length === 0) ?? ['ms', 1]
  return `${ms / length}${unit}`
}

/** A flag alone is `true`; in the file and the environment on, off, true, false, yes, no, 1, 0. */
export const onOff: Check<boolean> = value => {
  if (value === true || /^(on|true|yes|1)$/i.test(String(value))) return good(true)
  if (value === false || /^(off|false|no|0)$/i.test(String(value))) return good(false)
  return bad(value, 'on, off, true, false')
}

export const text =
  (longest: number): Check<string> =>
  value =>
    typeof value === 'string' && value.trim() !== '' && value.length <= longest
      ? good(value)
      : bad(value, `text of 1 to ${longest} characters`)

const bytesOf: Readonly<Record<string, number>> = {
  '': 1,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
}

/** "512MiB", "2GiB", "10GB", or a plain number of bytes. */
export const bytes =
  (low: number, high: number): Check<number> =>
  value => {
    const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(String(value).trim())
    const factor = bytesOf[match?.[2]?.toUpperCase() ?? '']
    const n = match && factor ? Math.round(Number(match[1]) * factor) : Number.NaN
    return n >= low && n <= high ? good(n) : bad(value, 'bytes with a unit (MiB, GiB, MB, GB), such as 2GiB')
  }
