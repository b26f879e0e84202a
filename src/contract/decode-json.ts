import { limits } from './limits.ts'

/** Bytes to a JSON object, with the checks every message starts with, in the contract's order (§2): size, UTF-8, JSON, depth,
 *  object. Never throws. */
export type ParsedObject =
  | { readonly ok: true; readonly object: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false
      readonly reason: 'too_large' | 'not_utf8' | 'bad_json' | 'too_deep' | 'not_object'
      readonly got: string
    }

// `ignoreBOM: true` means "leave it in": then JSON.parse sees the mark and refuses it, as the contract wants.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function parseObject(payload: Uint8Array, maxBytes: number): ParsedObject {
  if (payload.length > maxBytes) return { ok: false, reason: 'too_large', got: `the payload has ${payload.length} bytes` }
  const text = textOf(payload)
  if (text === null) return { ok: false, reason: 'not_utf8', got: `the payload of ${payload.length} bytes is not UTF-8` }
  const parsed = parse(text)
  if (!parsed.ok) return { ok: false, reason: 'bad_json', got: parsed.got }
  if (deeperThan(parsed.value, limits.depth)) {
    return { ok: false, reason: 'too_deep', got: `the payload is nested more than ${limits.depth} levels` }
  }
  if (!isObject(parsed.value)) return { ok: false, reason: 'not_object', got: `the payload is ${kindOf(parsed.value)}` }
  return { ok: true, object: parsed.value }
}

/** The text of UTF-8 bytes, byte order mark kept; null when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): { ok: true; value: unknown } | { ok: false; got: string } {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    if (text === '') return { ok: false, got: 'the payload is empty' }
    if (text.startsWith('\ufeff')) return { ok: false, got: 'the payload begins with a byte order mark' }
    return { ok: false, got: `the payload is not JSON, it begins with ${JSON.stringify(text.slice(0, 40))}` }
  }
}

/** A scalar has depth 0, an object or list one more than what it holds. Stops at `levels`, so that a million brackets cost nothing. */
function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Object.values(value)) if (deeperThan(inner, levels - 1)) return true
  return false
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`)
