import type { Command, Option } from 'commander'
import { exitHelp } from '../../src/cli/errors.ts'
import { createProgram } from '../../src/cli/program.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'

/** docs/reference/cli.md: every command as `--help` shows it. */
export function cliReference(): GeneratedFile[] {
  const program = createProgram(nowhere, '0.0.0', () => {})
  const text = `<!-- ${generatedBy('src/cli')} -->
# The command line

\`espalier [options] COMMAND …\`: results on stdout, messages on stderr; with \`--json\` one JSON value, or one object a line for streams.
Common options stand before or after the command. A flag goes over the environment, the environment over \`espalier.yaml\`, and that over the default.

## Common options

${options(program)}

## Exit codes

${fenced(exitHelp.split('\n').slice(1).join('\n'))}

${leaves(program)
  .map(command => section(command))
  .join('\n\n')}
`
  return [{ path: 'docs/reference/cli.md', text }]
}

const nowhere = {
  env: {},
  streams: { write: () => {}, writeBytes: async () => {}, writeError: () => {}, terminal: false },
  nowMs: () => 0,
  ask: null,
  ended: new AbortController().signal,
}

/** Commands that do something, in the order of the help; `node` alone does not, `node show` does. */
const leaves = (command: Command): Command[] =>
  command.commands.flatMap(child => (child.commands.length > 0 ? leaves(child) : [child]))

function section(command: Command): string {
  const parts = [
    `## ${pathOf(command)}`,
    sentence(command.description()),
    fenced(`espalier ${pathOf(command)} ${command.usage()}`),
  ]
  if (command.options.length > 0) parts.push(options(command))
  const more = added(command)
  if (more) parts.push(fenced(more))
  return parts.join('\n\n')
}

function pathOf(command: Command): string {
  const parent = command.parent
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name()
}

const options = (command: Command): string =>
  table(
    ['option', 'meaning', 'default'],
    command.options.filter(o => !o.hidden).map(o => [code(o.flags), o.description, defaultOf(o)]),
  )

const defaultOf = (option: Option): string => (typeof option.defaultValue === 'string' ? code(option.defaultValue) : '')

/** Notes and examples below the options: what the help says after what commander writes itself. */
function added(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: piece => void (text += piece) })
  command.outputHelp()
  return text.slice(command.helpInformation().length).trim()
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`
const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``
