import { readFileSync } from 'node:fs'
import type { HttpParts } from '../../src/http/http.ts'
import { buildServer } from '../../src/http/server.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'
import { keyRows, type SchemaNode } from './schema-table.ts'

interface Operation {
  readonly summary?: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly { name: string; in: string; required?: boolean; description?: string; schema: SchemaNode }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: SchemaNode }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: SchemaNode }>> }>>
}
type Document = {
  readonly info: { readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** docs/reference/openapi.json and http.md, both from the schemas that check the requests. */
export async function httpReference(): Promise<GeneratedFile[]> {
  const document = await openapi()
  const [, ...lines] = JSON.stringify(document, null, 2).split('\n')
  const head = `{ "x-generated": ${JSON.stringify(generatedBy('src/http and src/api'))},`
  return [
    { path: 'docs/reference/openapi.json', text: `${[head, ...lines].join('\n')}\n` },
    { path: 'docs/reference/http.md', text: page(document as unknown as Document) },
  ]
}

/** A server with nothing behind its routes: they are described, never called. */
async function openapi(): Promise<object> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const app = await buildServer({
    version,
    consoleDir: '',
    fleet: {},
    token: { onRotate: () => () => undefined },
  } as unknown as HttpParts)
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document
}

function page(document: Document): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(`${method.toUpperCase()} ${path}`, operation)),
  )
  return `<!-- ${generatedBy('src/http and src/api')} -->
# HTTP

${document.info.description.replaceAll('\n', ' ')}

Send \`Authorization: Bearer TOKEN\`; the token is the file \`token\` in the data directory. The machine-readable form of this page is \`GET /api/openapi.json\`. \`GET /metrics\` gives the figures in Prometheus' text format, without a token on the machine itself.

${operations.join('\n')}`
}

function section(title: string, operation: Operation): string {
  const parts = [`## ${title}`, `${operation.summary ?? ''}.${operation.security?.length === 0 ? ' Needs no token.' : ''}`]
  if (operation.parameters)
    parts.push(
      table(
        ['parameter', 'in', 'value'],
        operation.parameters.map(one => [code(one.name), one.in, parameterText(one)]),
      ),
    )
  const body = operation.requestBody?.content['application/json']?.schema
  if (body) parts.push('Body:', keys(body))
  for (const [status, { content }] of Object.entries(operation.responses)) {
    const schema = content?.['application/json']?.schema
    if (status !== 'default' && schema) parts.push(`Answer ${status}:`, keys(schema))
    else if (status !== 'default')
      parts.push(`Answer ${status}: ${content ? Object.keys(content).map(code).join(', ') : 'nothing'}.`)
  }
  return `${parts.filter(part => part !== '').join('\n\n')}\n`
}

const parameterText = (parameter: { name: string; description?: string; schema: SchemaNode }): string =>
  keyRows({ properties: { [parameter.name]: { ...parameter.schema, description: parameter.description } as SchemaNode } })[0]![2]!

/** Shapes made of several (allOf) are shown as one. */
function keys(schema: SchemaNode & { readonly allOf?: readonly SchemaNode[] }): string {
  const merged = schema.allOf
    ? {
        properties: Object.assign({}, ...schema.allOf.map(one => one.properties)),
        required: schema.allOf.flatMap(one => one.required ?? []),
      }
    : schema
  return table(['key', 'always', 'value'], keyRows(merged))
}
