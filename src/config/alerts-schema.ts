import type { AlertRule, RuleKind } from '../contract/alert-rules.ts'
import { defaultRules } from './alert-defaults.ts'
import { channelFields, type Fields, ruleFields, ruleFrame } from './alerts-fields.ts'

const kinds = Object.keys(ruleFields) as RuleKind[]
const types = Object.keys(channelFields) as (keyof typeof channelFields)[]

const properties = (fields: Fields): Record<string, object> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, field]) => [
      ...(field.secret ? [] : [[key, { ...field.check.schema, description: field.help }] as const]),
      ...(field.secret || field.hidden
        ? [[`${key}_file`, { type: 'string', description: `file with it: ${field.help}` }] as const]
        : []),
    ]),
  )
const needed = (fields: Fields): string[] =>
  Object.keys(fields).filter(key => fields[key]!.needed && !fields[key]!.secret && !fields[key]!.hidden)

const one = (name: string, value: string, fields: Record<string, object>, required: readonly string[]): object => ({
  type: 'object',
  properties: { [name]: { const: value }, ...fields },
  required: [name, ...required],
  additionalProperties: false,
})
const off = { off: { type: 'boolean', description: 'switched off' } }

/** A default rule, changed or switched off by its name: its kind need not be said again. */
const changed = ({ name, kind }: AlertRule): object => ({
  type: 'object',
  properties: { ...properties(ruleFrame), ...properties(ruleFields[kind]), ...off, kind: { const: kind }, name: { const: name } },
  required: ['name'],
  additionalProperties: false,
})

/** JSON Schema of `alerts:`. */
export const alertsSchema: object = {
  type: 'object',
  additionalProperties: false,
  properties: {
    rules: {
      type: 'array',
      items: {
        anyOf: [
          ...kinds.map(kind => {
            const fields: Fields = { ...ruleFrame, ...ruleFields[kind] }
            return one('kind', kind, { ...properties(fields), ...off }, needed(fields))
          }),
          ...defaultRules.map(changed),
        ],
      },
    },
    channels: {
      type: 'object',
      additionalProperties: {
        anyOf: types.map(type => one('type', type, properties(channelFields[type]), needed(channelFields[type]))),
      },
    },
  },
}
