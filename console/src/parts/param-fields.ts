import type { TObject } from 'typebox'

/** A command's params as fields of a form, and back. Pure: the schema in, an object out. */
export interface Field {
  readonly name: string
  readonly kind: 'choice' | 'slider' | 'number' | 'switch' | 'text' | 'json'
  readonly required: boolean
  readonly choices: readonly string[]
  readonly min: number | null
  readonly max: number | null
  readonly whole: boolean
  /** What stands in it at first; '' where nothing does. */
  readonly initial: string
  /** Unit or meaning, from the schema. */
  readonly says: string
}

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
  readonly description?: string
}

// Wider, and a slider can't hit a value.
const sliderSteps = 255

export function fieldsOf(params: TObject): Field[] {
  const required = new Set<string>((params as { required?: string[] }).required)
  return Object.entries(params.properties as Record<string, Schema>).map(([name, schema]) =>
    fieldOf(name, schema, required.has(name)),
  )
}

function fieldOf(name: string, schema: Schema, required: boolean): Field {
  const kind = kindOf(schema)
  const choices = (schema.enum ?? []).map(String)
  return {
    name,
    kind,
    required,
    choices,
    min: schema.minimum ?? null,
    max: schema.maximum ?? null,
    whole: schema.type === 'integer',
    initial: initialOf(kind, schema, choices),
    says: schema.description ?? '',
  }
}

function kindOf({ type, enum: choices, minimum, maximum }: Schema): Field['kind'] {
  if (choices) return 'choice'
  if (type === 'boolean') return 'switch'
  if (type === 'string') return 'text'
  if (type !== 'integer' && type !== 'number') return 'json'
  const narrow = type === 'integer' && minimum !== undefined && maximum !== undefined && maximum - minimum <= sliderSteps
  return narrow ? 'slider' : 'number'
}

function initialOf(kind: Field['kind'], schema: Schema, choices: readonly string[]): string {
  if (schema.default !== undefined) return String(schema.default)
  if (kind === 'choice') return choices[0] ?? ''
  if (kind === 'slider') return String(Math.ceil((schema.minimum! + schema.maximum!) / 2))
  return kind === 'switch' ? 'false' : ''
}

export type Filled =
  | { readonly ok: true; readonly params: Record<string, unknown> }
  | { readonly ok: false; readonly problem: string }

/** What was filled in, typed; an optional field that is empty is left out. Ranges are judged by the contract, not here. */
export function paramsOf(fields: readonly Field[], filled: Readonly<Record<string, string>>): Filled {
  const params: Record<string, unknown> = {}
  for (const field of fields) {
    const text = (filled[field.name] ?? field.initial).trim()
    if (text === '' && !field.required) continue
    const value = typed(field, text)
    if (value === undefined) return { ok: false, problem: `${field.name} is ${JSON.stringify(text)}; allowed: ${allowed(field)}` }
    params[field.name] = value
  }
  return { ok: true, params }
}

function typed(field: Field, text: string): unknown {
  if (field.kind === 'choice' || field.kind === 'text') return text
  if (field.kind === 'switch') return text === 'true'
  if (field.kind !== 'json') return text === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const allowed = ({ kind, whole, min, max }: Field): string => {
  if (kind === 'json') return 'JSON, such as {"relay":{"safe":0}}'
  const range = min !== null && max !== null ? ` from ${min} to ${max}` : ''
  return `a ${whole ? 'whole ' : ''}number${range}`
}
