import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProblemPlace } from '../api/problems.ts'
import { Refused } from './refused.ts'

/** Checks params, query, headers and body against their schema. What is wrong is named by place, with what is allowed there. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  const textOnly = httpPart !== 'body'
  return (input: unknown) => {
    const value = textOnly ? numbersOf(schema as Shape, input) : input
    if (check.Check(value)) return { value }
    const errors = placesOf(schema as Shape, check.Errors(value), value)
    return { error: new Refused('bad_request', errors.map(sentence).join('. '), errors) }
  }
}

interface Shape {
  readonly type?: string
  readonly anyOf?: readonly Shape[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly pattern?: string
}

interface Fault {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

/** Text of a URL becomes a number only where the schema wants one and the text is plainly one: `5abc`, `0x10` or '' stay text and fail. */
function numbersOf(schema: Shape, input: unknown): unknown {
  if (input === null || typeof input !== 'object') return input
  const out: Record<string, unknown> = { ...input }
  for (const [name, value] of Object.entries(out)) {
    const type = schema.properties?.[name]?.type
    if ((type === 'integer' || type === 'number') && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
      out[name] = Number(value)
  }
  return out
}

/** One entry a place: the deepest complaint of a union says less than what the union allows. */
function placesOf(schema: Shape, faults: readonly Fault[], value: unknown): ProblemPlace[] {
  const places = new Map<string, ProblemPlace>()
  for (const fault of faults) {
    for (const place of placeOf(schema, fault, value)) if (!places.has(place.path)) places.set(place.path, place)
  }
  return [...places.values()]
}

function placeOf(schema: Shape, fault: Fault, value: unknown): ProblemPlace[] {
  const params = fault.params as { requiredProperties?: string[]; additionalProperties?: string[] }
  const at = shapeAt(schema, fault.instancePath)
  if (fault.keyword === 'required')
    return params.requiredProperties!.map(name =>
      place(`${fault.instancePath}/${name}`, 'is missing', allowedBy(at?.properties?.[name])),
    )
  if (fault.keyword === 'additionalProperties') {
    const known = Object.keys(at?.properties ?? {}).join(', ')
    return params.additionalProperties!.map(name =>
      place(`${fault.instancePath}/${name}`, 'is not known here', known || 'nothing'),
    )
  }
  // An unknown key complains twice; the other one names what is known.
  if (fault.keyword === 'boolean') return []
  const got = show(valueAt(value, fault.instancePath))
  return [place(fault.instancePath || '/', got === undefined ? fault.message : `is ${got}`, allowedBy(at))]
}

const place = (path: string, message: string, allowed?: string): ProblemPlace => ({ path, message, ...(allowed && { allowed }) })

const sentence = (at: ProblemPlace): string => `${at.path} ${at.message}${at.allowed ? `; allowed: ${at.allowed}` : ''}`

const steps = (path: string): string[] => path.split('/').slice(1)

function shapeAt(schema: Shape, path: string): Shape | undefined {
  let shape: Shape | undefined = schema
  for (const step of steps(path))
    shape = shape?.properties?.[step] ?? shape?.items ?? shape?.anyOf?.find(option => option.items)?.items
  return shape
}

function valueAt(value: unknown, path: string): unknown {
  let at = value
  for (const step of steps(path)) at = (at as Record<string, unknown> | undefined)?.[step]
  return at
}

function show(value: unknown): string | undefined {
  const text = JSON.stringify(value)
  if (text === undefined) return undefined
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** What a schema allows, in words. */
export function allowedBy(shape: Shape | undefined): string | undefined {
  if (!shape) return undefined
  if (shape.anyOf) return shape.anyOf.map(allowedBy).join(', ')
  if (shape.const !== undefined) return String(shape.const)
  if (shape.enum) return shape.enum.join(', ')
  switch (shape.type) {
    case 'integer':
    case 'number':
      return `${shape.type === 'integer' ? 'an integer' : 'a number'}${bounds(shape.minimum, shape.maximum)}`
    case 'string':
      return shape.pattern
        ? `text like ${shape.pattern}`
        : `text${shape.maxLength ? ` of${bounds(shape.minLength ?? 0, shape.maxLength)} characters` : ''}`
    case 'array':
      return shape.maxItems ? `a list of up to ${shape.maxItems}` : 'a list'
    case 'null':
      return 'null'
    default:
      return shape.type && `a JSON ${shape.type}`
  }
}

function bounds(low: number | undefined, high: number | undefined): string {
  if (low !== undefined && high !== undefined) return ` ${low} to ${high}`
  if (low !== undefined) return ` from ${low}`
  return high === undefined ? '' : ` up to ${high}`
}
