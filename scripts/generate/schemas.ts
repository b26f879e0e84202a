import { messageKinds } from '../../src/contract/messages.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'

/** contract/schema/<message>.schema.json: JSON Schema 2020-12 of every message. */
export function messageSchemas(): GeneratedFile[] {
  return messageKinds.map(({ name, topic, about, schema }) => {
    const body = JSON.stringify(
      { $schema: 'https://json-schema.org/draft/2020-12/schema', title: topic, description: about, ...schema },
      null,
      2,
    )
    return {
      path: `contract/schema/${name}.schema.json`,
      // JSON has no comments, but the first line shall say it.
      text: `{ "$comment": ${JSON.stringify(generatedBy('src/contract/schemas.ts'))},${body.slice(1)}\n`,
    }
  })
}
