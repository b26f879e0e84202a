import type { TSchema } from 'typebox'

/** Where a value does not fit its schema, in words a person can act on. `path` is like `firmware.version` or `sensors[2].name`,
 *  '' for the value itself. */
export interface Fault {
  readonly path: string
  readonly got: string
  readonly allowed: string
}

/** The part of JSON Schema that the contract's checked schemas use. Any other keyword in them is a mistake of ours: fault.test.ts
 *  compares every verdict with typebox's own check. */
interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null'
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly anyOf?: readonly Schema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

/** The first fault of `value`, in the schema's order of keys; null when it fits. Our own walk over the schema rather than
 *  typebox/value: that one answers "must be <= 255" without the value, and takes 45–100 ms to load, which the CLI and the console
 *  would pay. */
export function firstFault(schema: TSchema, value: unknown): Fault | null {
  return fault(schema as Schema, value, '')
}

/** `value` without those optional keys that hold null where the schema wants something else: a sketch's null is absence. */
export function withoutNulls(schema: TSchema, value: unknown): unknown {
  return stripped(schema as Schema, value)
}

function fault(schema: Schema, value: unknown, path: string): Fault | null {
  if (schema.anyOf) {
    return schema.anyOf.some(one => fault(one, value, path) === null)
      ? null
      : { path, got: shown(value), allowed: allowedBy(schema) }
  }
  if (!fitsAlone(schema, value)) return { path, got: shown(value), allowed: allowedBy(schema) }
  if (schema.type === 'object') return objectFault(schema, value as Record<string, unknown>, path)
  if (schema.type === 'array' && schema.items) return itemFault(schema.items, value as unknown[], path)
  return null
}

function objectFault(schema: Schema, value: Record<string, unknown>, path: string): Fault | null {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  for (const key of schema.required ?? []) {
    const inner = schema.properties?.[key]
    if (!Object.hasOwn(value, key)) return { path: at(key), got: 'nothing', allowed: inner ? allowedBy(inner) : 'a value' }
  }
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(value, key) || (value[key] === undefined && !schema.required?.includes(key))) continue
    const found = fault(inner, value[key], at(key))
    if (found) return found
  }
  return otherKeysFault(schema, value, at)
}

/** Keys that are not listed: by pattern (`Type.Record`), or none at all in a closed object. */
function otherKeysFault(schema: Schema, value: Record<string, unknown>, at: (key: string) => string): Fault | null {
  const patterns = Object.entries(schema.patternProperties ?? {}).map(
    ([pattern, inner]) => [new RegExp(pattern, 'u'), inner] as const,
  )
  if (patterns.length === 0 && schema.additionalProperties !== false) return null
  const known = Object.keys(schema.properties ?? {})
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const matching = patterns.filter(([pattern]) => pattern.test(key))
    for (const [, inner] of matching) {
      const found = fault(inner, value[key], at(key))
      if (found) return found
    }
    if (matching.length > 0 || schema.additionalProperties !== false) continue
    return { path: at(key), got: shown(value[key]), allowed: known.length === 0 ? 'nothing here' : `only ${known.join(', ')}` }
  }
  return null
}

function itemFault(items: Schema, value: readonly unknown[], path: string): Fault | null {
  for (let i = 0; i < value.length; i++) {
    const found = fault(items, value[i], `${path}[${i}]`)
    if (found) return found
  }
  return null
}

/** Everything but what is inside of an object or a list. */
function fitsAlone(schema: Schema, value: unknown): boolean {
  if (schema.enum) return schema.enum.includes(value)
  if ('const' in schema) return schema.const === value
  switch (schema.type) {
    case undefined:
      return true
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
      return (
        typeof value === 'string' &&
        lengthFits(schema, value) &&
        (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value))
      )
    case 'number':
      return Number.isFinite(value) && rangeFits(schema, value as number)
    case 'integer':
      return Number.isInteger(value) && rangeFits(schema, value as number)
    case 'array':
      return Array.isArray(value) && value.length >= (schema.minItems ?? 0) && value.length <= (schema.maxItems ?? Infinity)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
}

/** JSON Schema counts characters, not UTF-16 units. */
function lengthFits(schema: Schema, value: string): boolean {
  if (schema.minLength === undefined && schema.maxLength === undefined) return true
  const length = [...value].length
  return length >= (schema.minLength ?? 0) && length <= (schema.maxLength ?? Infinity)
}

const rangeFits = (schema: Schema, value: number): boolean =>
  value >= (schema.minimum ?? -Infinity) &&
  value <= (schema.maximum ?? Infinity) &&
  value > (schema.exclusiveMinimum ?? -Infinity)

function allowedBy(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(allowedBy).join(' or ')
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' or ')
  if ('const' in schema) return JSON.stringify(schema.const)
  switch (schema.type) {
    case undefined:
      return 'anything'
    case 'null':
      return 'null'
    case 'boolean':
      return 'true or false'
    case 'string':
      return `text${between(schema.minLength, schema.maxLength, ' of ', ' characters')}${schema.pattern ? ` like ${schema.pattern}` : ''}`
    case 'number':
      return `a number${range(schema)}`
    case 'integer':
      return `a whole number${range(schema)}`
    case 'array':
      return `a list${between(schema.minItems, schema.maxItems, ' of ', ' entries')}`
    case 'object':
      return 'an object'
  }
}

function range(schema: Schema): string {
  if (schema.exclusiveMinimum !== undefined) return ` above ${schema.exclusiveMinimum}`
  return between(schema.minimum, schema.maximum, ' ', '')
}

function between(low: number | undefined, high: number | undefined, before: string, after: string): string {
  if (low !== undefined && high !== undefined) return `${before}${low} to ${high}${after}`
  if (low !== undefined) return `${before}at least ${low}${after}`
  return high === undefined ? '' : `${before}at most ${high}${after}`
}

/** A value as a sentence can carry it: JSON, cut after 40 characters; big things by their kind. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function stripped(schema: Schema, value: unknown): unknown {
  if (schema.type === 'array' && schema.items && Array.isArray(value)) {
    const items = schema.items
    return value.map(item => stripped(items, item))
  }
  if (schema.type !== 'object' || typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kept: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    const known = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key]! : undefined
    const absent = inner === null && known !== undefined && !schema.required?.includes(key) && fault(known, null, '') !== null
    if (!absent) setOwn(kept, key, known ? stripped(known, inner) : inner)
  }
  return kept
}

/** Assignment would make a prototype of a key called __proto__. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}
