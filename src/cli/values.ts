import { parseTime } from '../api/times.ts'
import { badInput } from './errors.ts'

/** Readers of argument text. They throw a CliError (exit 2) that names the argument and what is allowed. */

export function wholeNumber(text: string, name: string, low: number, high: number): number {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (n >= low && n <= high) return n
  throw badInput(`${name} is ${text}`, `a whole number from ${low} to ${high}`)
}

export function positiveNumber(text: string, name: string, high: number): number {
  const n = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN
  if (n > 0 && n <= high) return n
  throw badInput(`${name} is ${text}`, `a number above 0, at most ${high}`)
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "10s", "1.5m", or a bare number of seconds → milliseconds. */
export function duration(text: string, name: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text)
  if (match) return Number(match[1]) * unitsMs[match[2] ?? 's']!
  throw badInput(`${name} is ${text}`, 'seconds, or a time with its unit (500ms, 10s, 5m, 2h, 1d)')
}

/** A point in time; kept as text for the server, which reads the same forms. */
export function pointInTime(text: string, name: string, nowMs: number): string {
  const parsed = parseTime(text, nowMs)
  if (parsed.ok) return text
  throw badInput(`${name}: ${parsed.message}`, parsed.allowed)
}

export function oneOf<T extends string>(text: string, name: string, values: readonly T[]): T {
  if (values.includes(text as T)) return text as T
  throw badInput(`${name} is ${text}`, values.join(', '))
}

/** `k=v` words and the text of --params → params. true, false, null and numbers are typed, everything else is text; a word goes
 *  over the same key in --params. */
export function params(words: readonly string[], json: string | undefined): Record<string, unknown> {
  const all: Record<string, unknown> = json === undefined ? {} : jsonObject(json)
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1)
      throw badInput(
        `"${word}" is no parameter`,
        'NAME=VALUE, for example brightness=128',
        'for nested values: --params \'{"k":{…}}\'',
      )
    all[word.slice(0, at)] = typed(word.slice(at + 1))
  }
  return all
}

function typed(text: string): unknown {
  if (text === 'true') return true
  if (text === 'false') return false
  if (text === 'null') return null
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text
}

function jsonObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badInput(`--params is not JSON (${(error as Error).message})`, 'a JSON object such as {"state":"on"}')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw badInput(`--params is ${text}`, 'a JSON object such as {"state":"on"}')
}
