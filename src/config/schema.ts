import { sections } from './sections.ts'
import { keyOf, upSettings } from './settings.ts'

interface ObjectSchema {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly description?: string
  readonly properties: Record<string, object>
}

const objectOf = (): ObjectSchema => ({ type: 'object', additionalProperties: false, properties: {} })

/** JSON Schema (2020-12) of espalier.yaml, for editors: `# yaml-language-server: $schema=FILE` in its first line. */
export function configSchema(): object {
  const top = objectOf()
  for (const s of upSettings) {
    const [group, name] = keyOf(s).split('.') as [string, string]
    const parent = (top.properties[group] ??= objectOf()) as ObjectSchema
    const standard = s.fallback === null ? {} : { default: s.check.written(s.fallback as never) }
    const value = s.fallback === null ? { anyOf: [s.check.schema, { type: 'null' }] } : s.check.schema
    parent.properties[name] = { description: s.help, ...standard, ...value }
  }
  // A key with nothing below it is as good as none.
  for (const [group, schema] of Object.entries(top.properties)) top.properties[group] = { anyOf: [schema, { type: 'null' }] }
  for (const s of sections) top.properties[s.key] = { description: s.help, anyOf: [s.schema, { type: 'null' }] }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'espalier.yaml', ...top }
}
