import { type BuiltinCommand, builtinCommands } from '../../src/contract/commands.ts'
import { limits } from '../../src/contract/limits.ts'
import { type MessageKind, messageKinds } from '../../src/contract/messages.ts'
import { line, readingPoint } from '../../src/contract/point.ts'
import { reservedNames } from '../../src/contract/reserved-names.ts'
import { units } from '../../src/contract/units.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'
import { keyRows, type SchemaNode } from './schema-table.ts'

/** docs/reference/wire.md: topics, messages, commands, units and limits, as the code has them. */
export function wireReference(): GeneratedFile[] {
  const text = `<!-- ${generatedBy('src/contract')} -->
# The wire

What nodes and manager say to each other over MQTT. Times are Unix **seconds** with an optional fraction; the API counts in milliseconds.
\`{id}\` is 1 to 32 letters, digits, \`_\` or \`-\`, beginning with a letter or digit; the \`node_id\` in a payload is \`node_{id}\`. Payloads are JSON in UTF-8 without a byte order mark. Keys that are not listed are ignored. The schemas are in \`contract/schema/\`, examples with their verdicts in \`contract/vectors/\`, the reasons for a reject in [codes.md](codes.md).

## Topics

${table(
  ['topic', 'publisher', 'QoS', 'retained', 'payload up to'],
  messageKinds.map(kind => [code(kind.topic), kind.publisher, kind.qos, kind.retained, `${count(kind.maxBytes)} B`]),
)}

${messageKinds.map(chapter).join('\n\n')}

## Sensors

A sensor's name is a lower-case letter and up to 31 lower-case letters, digits or \`_\`; it is none of ${reservedNames.map(code).join(', ')}. Every value is stored as a 64-bit float. Stored as measurement \`telemetry\` with the tag \`node\`; the example of telemetry is this line:

\`\`\`
${exampleLine()}
\`\`\`

## Units

A status may give each sensor a unit of this list; other text up to 16 characters is shown as it is.

${table(
  ['unit', 'for'],
  Object.entries(units).map(([unit, quantity]) => [unit, quantity]),
)}

## Built-in commands

Params that are unknown, missing or ill-typed are answered \`rejected\` with \`bad_params\`.

${table(['command', 'what it does', 'params', 'result'], Object.entries(builtinCommands).map(commandRow))}

## Limits

${table(
  ['limit', 'value'],
  Object.entries(limits).map(([name, value]) => [code(name), count(value)]),
)}
`
  return [{ path: 'docs/reference/wire.md', text }]
}

function chapter({ name, topic, about, schema, example }: MessageKind): string {
  return `## ${name}

${about}

\`${topic}\`

\`\`\`json
${JSON.stringify(example)}
\`\`\`

${keys(schema as SchemaNode)}`
}

function keys(schema: SchemaNode): string {
  if (!schema.anyOf) return table(['key', 'required', 'value'], keyRows(schema))
  return schema.anyOf.map(form => `**${form.description}**\n\n${table(['key', 'required', 'value'], keyRows(form))}`).join('\n\n')
}

function commandRow([name, command]: [string, BuiltinCommand]): string[] {
  const told = (schema: SchemaNode): string => {
    const rows = keyRows(schema).map(([key, required, value]) => `${key}${required === 'yes' ? '' : '?'}: ${value}`)
    return rows.length === 0 ? '–' : rows.join('<br>')
  }
  const reboot = command.overReboot ? '; `accepted` at once, `done` after the birth of a new boot' : ''
  return [
    code(name),
    command.summary + reboot,
    told(command.params as SchemaNode),
    command.result ? told(command.result as SchemaNode) : '–',
  ]
}

function exampleLine(): string {
  const { timestamp, sensors, wifi_rssi, uptime } = messageKinds[0]!.example as {
    timestamp: number
    sensors: Record<string, number>
    wifi_rssi: number
    uptime: number
  }
  const fields = { ...sensors, wifi_rssi, uptime }
  return line(readingPoint({ node: '01', time: timestamp * 1000, names: Object.keys(fields), values: Object.values(fields) })!)
}

const count = (value: number): string => value.toLocaleString('en-US')
