import { type Clause, clauses, testFiles } from '../../test/broker/clauses.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'

/** docs/reference/mqtt.md: every normative statement of MQTT 3.1.1, and the tests that hold the embedded broker to it. */
export function mqttReference(): GeneratedFile[] {
  const text = `<!-- ${generatedBy('test/broker/clauses.ts')} -->
# MQTT 3.1.1, statement by statement

The embedded broker speaks MQTT 3.1.1 (and 3.1 by its own name) over TCP. Each normative statement of the standard is here in our words, with the tests that fail if the broker breaks it; \`npm test -- test/broker/clauses\` proves that they exist. Where the broker and mosquitto differ: [differences.test.ts](../../test/broker/differences.test.ts).

${clauses.filter(({ held }) => held !== undefined).length} statements are held by tests, ${clauses.filter(({ held }) => held === undefined).length} do not apply.

${table(
  ['statement', 'in our words', 'held by'],
  clauses.map(clause => [`MQTT-${clause.id}`, clause.says, proof(clause)]),
)}
`
  return [{ path: 'docs/reference/mqtt.md', text }]
}

function proof({ held, why }: Clause): string {
  if (held === undefined) return `– (${why})`
  return held.map(([file, name]) => `[${file}](../../${testFiles[file]}): ${code(name)}`).join('<br>')
}
