import { type Command, CommanderError } from 'commander'
import type { Surroundings } from './context.ts'
import { CliError, type Exit, errorText, exits } from './errors.ts'
import { asCliError } from './failures.ts'
import { harmless } from './output.ts'
import { createProgram } from './program.ts'

/** Runs one command line and answers with its exit code; never throws. Errors are on stderr by then. */
export async function runCli(argv: readonly string[], version: string, around: Surroundings): Promise<Exit> {
  let exit: Exit = exits.done
  const program = createProgram(around, version, code => (exit = code))
  try {
    if (argv.length === 0) {
      program.outputHelp()
      return exits.done
    }
    if (asksForOurVersion(argv, program)) {
      around.streams.write(`${version}\n`)
      return exits.done
    }
    await program.parseAsync([...argv], { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exits.done // --help, --version
    const failure = error instanceof CommanderError ? usageError(error, argv, program) : asCliError(error)
    around.streams.writeError(`${harmless(errorText(failure))}\n`)
    return failure.exit
  }
}

/** `--version` is the program's, unless the command has one: `update 01 --version 1.4.2`. Commander would take it for ours anywhere. */
function asksForOurVersion(argv: readonly string[], program: Command): boolean {
  if (!argv.includes('--version')) return false
  let command = program
  for (const name of commandOf(argv, program)) command = command.commands.find(c => c.name() === name)!
  return !command.options.some(option => option.long === '--version')
}

function usageError(error: CommanderError, argv: readonly string[], program: Command): CliError {
  // The help is on stderr by then: `espalier node` without `show`.
  if (error.code === 'commander.help')
    return new CliError(exits.usage, 'usage', 'no such command, or none was given', 'one of the above')
  const what = error.message.replace(/^error: /, '')
  return new CliError(
    exits.usage,
    'usage',
    what.replaceAll('\n', ' '),
    `${['espalier', ...commandOf(argv, program)].join(' ')} --help`,
  )
}

/** The words of the line that name a command, such as `node add`: its help says what was missing. */
function commandOf(argv: readonly string[], program: Command): string[] {
  const names = new Set(program.commands.map(c => c.name()))
  const at = argv.findIndex(word => names.has(word))
  const group = program.commands.find(c => c.name() === argv[at])
  if (group === undefined) return []
  const inner = group.commands.find(c => c.name() === argv[at + 1])
  return inner === undefined ? [group.name()] : [group.name(), inner.name()]
}
