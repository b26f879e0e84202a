import { onOffText, parseBytes, parseDurationMs, sizeText, spanText } from './units.ts'

/** Checks of single values, as text (flag, environment) or as YAML has typed them. They say what is wrong and what is allowed. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly what: string; readonly allowed: string }

export interface Check<T> {
  (value: unknown): Checked<T>
  /** In words. */
  readonly allowed: string
  /** JSON Schema of what the file may hold. */
  readonly schema: object
  /** A checked value as a person writes it in the file: "7d", "2GiB", 1883. */
  written(value: T): string | number | boolean
}

/** `parse` answers undefined for what is not allowed. */
export function check<T>(
  allowed: string,
  schema: object,
  parse: (value: unknown) => T | undefined,
  written: (value: T) => string | number | boolean = value => value as string,
): Check<T> {
  const run = (value: unknown): Checked<T> => {
    const parsed = parse(value)
    return parsed === undefined ? { ok: false, what: `${shown(value)} can't be used`, allowed } : { ok: true, value: parsed }
  }
  return Object.assign(run, { allowed, schema, written })
}

function shown(value: unknown): string {
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

const within = (n: number | undefined, low: number, high: number): number | undefined =>
  n !== undefined && n >= low && n <= high ? n : undefined

const integerIn = (low: number, high: number, allowed: string): Check<number> =>
  check(allowed, { type: 'integer', minimum: low, maximum: high }, value => {
    const n = within(numberOf(value), low, high)
    return Number.isInteger(n) ? n : undefined
  })

export const port: Check<number> = integerIn(0, 65_535, 'a port from 1 to 65535, or 0 for any free one')

export const wholeIn = (low: number, high: number): Check<number> => integerIn(low, high, `a whole number from ${low} to ${high}`)

export const seconds = (low: number, high: number): Check<number> =>
  check(`seconds from ${low} to ${high}`, { type: 'number', minimum: low, maximum: high }, value =>
    within(numberOf(value), low, high),
  )

const hostPattern = '^[A-Za-z0-9_.:%-]+$'
export const host: Check<string> = check('an IP address or a host name', { type: 'string', pattern: hostPattern }, value =>
  typeof value === 'string' && new RegExp(hostPattern).test(value) ? value : undefined,
)

export const choice = <T extends string>(values: readonly T[]): Check<T> =>
  check(values.join(', '), { enum: values }, value => values.find(known => known === value))

export const durationMs = (lowMs: number, highMs: number): Check<number> =>
  check(
    `a time with its unit (ms, s, m, h, d, y) from ${spanText(lowMs)} to ${spanText(highMs)}`,
    { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d|y)$' },
    value => within(typeof value === 'string' ? parseDurationMs(value) : undefined, lowMs, highMs),
    spanText,
  )

/** A flag alone is `true`; in the file and the environment on, off, true, false, yes, no, 1, 0. */
export const onOff: Check<boolean> = check(
  'on, off, true, false',
  { anyOf: [{ type: 'boolean' }, { enum: ['on', 'off', 'yes', 'no'] }] },
  value => (/^(on|true|yes|1)$/i.test(String(value)) ? true : /^(off|false|no|0)$/i.test(String(value)) ? false : undefined),
  onOffText,
)

export const text = (longest: number): Check<string> =>
  check(`text of 1 to ${longest} characters`, { type: 'string', minLength: 1, maxLength: longest }, value =>
    typeof value === 'string' && value.trim() !== '' && value.length <= longest ? value : undefined,
  )

/** "512MiB", "2GiB", "10GB", or a plain number of bytes. */
export const bytes = (low: number, high: number): Check<number> =>
  check(
    `bytes with a unit (MiB, GiB, MB, GB) from ${sizeText(low)} to ${sizeText(high)}, such as 2GiB`,
    {
      anyOf: [
        { type: 'integer', minimum: low, maximum: high },
        { type: 'string', pattern: '^\\d+(\\.\\d+)? ?[KMGTkmgt]?[Ii]?[Bb]?$' },
      ],
    },
    value => within(parseBytes(String(value)), low, high),
    sizeText,
  )
