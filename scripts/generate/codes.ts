import { type CodeText, commandErrors, notices, rejects } from '../../src/contract/codes.ts'
import { findings } from '../../src/contract/findings.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { table } from './markdown.ts'

/** docs/reference/codes.md: every code with what it says, what is allowed and how to mend it. */
export function codesReference(): GeneratedFile[] {
  const text = `<!-- ${generatedBy('src/contract/codes.ts')} -->
# Codes

## Why a message or a reading was not stored

Nothing is dropped in silence: \`espalier rejects\` shows what was rejected, with the bytes as they came. The first check that fails is the reason.

${codeTable(rejects)}

## Why a node did not do what it was told

\`error.code\` of an ack and of a command.

${codeTable(commandErrors)}

## Why a client was not heard

\`reason\` of what the messages show as refused, denied, fight or wrong_topic. ID stands for the node's id.

${codeTable(notices)}

## What doctor finds

\`code\` of a finding of \`espalier doctor\`.

${codeTable(findings, 'how it should be')}
`
  return [{ path: 'docs/reference/codes.md', text }]
}

const codeTable = (codes: Readonly<Record<string, CodeText>>, allowedTitle = 'allowed'): string =>
  table(
    ['code', 'what it says', allowedTitle, 'what to do'],
    Object.entries(codes).map(([code, { sentence, allowed, mend }]) => [`\`${code}\``, sentence, allowed, mend]),
  )
