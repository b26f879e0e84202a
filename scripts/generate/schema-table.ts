import { code } from './markdown.ts'

/** The part of JSON Schema that a table of keys shows. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
}

/** A row a key, those of inner objects as `outer.inner`, of lists as `list[].key`: name, required, value. */
export function keyRows(schema: SchemaNode, prefix = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const name = prefix + key
    const row = [code(name), schema.required?.includes(key) ? 'yes' : '', valueText(inner)]
    if (inner.properties) return [row, ...keyRows(inner, `${name}.`)]
    return inner.items?.properties ? [row, ...keyRows(inner.items, `${name}[].`)] : [row]
  })
}

function valueText(schema: SchemaNode): string {
  const kind = kindText(schema)
  const notes = schema.anyOf ? schema.anyOf.map(one => one.description).filter(Boolean) : []
  return [kind, ...new Set([schema.description, ...notes].filter(Boolean))].join('; ')
}

function kindText(schema: SchemaNode): string {
  if (schema.anyOf) return schema.anyOf.map(kindText).join(' or ')
  if (schema.enum) return schema.enum.map(value => code(JSON.stringify(value))).join(' or ')
  if ('const' in schema) return code(JSON.stringify(schema.const))
  switch (schema.type) {
    case 'integer':
      return `whole number${range(schema.minimum, schema.maximum)}`
    case 'number':
      return `number${schema.exclusiveMinimum === undefined ? range(schema.minimum, schema.maximum) : ` above ${schema.exclusiveMinimum}`}`
    case 'string':
      return `text${range(schema.minLength, schema.maxLength, ' characters')}${schema.pattern ? ` like ${code(schema.pattern)}` : ''}`
    case 'array':
      return `list of ${schema.items ? plural(kindText(schema.items)) : 'anything'}${range(schema.minItems, schema.maxItems)}`
    case 'object':
      return 'object'
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    default:
      return 'anything'
  }
}

const plural = (kind: string): string => (kind === 'object' ? 'objects' : kind)

function range(low: number | undefined, high: number | undefined, what = ''): string {
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}${what}`
  if (low !== undefined && low !== 0) return `, at least ${low}${what}`
  if (low === 0) return ', not negative'
  return high === undefined ? '' : `, at most ${high}${what}`
}
