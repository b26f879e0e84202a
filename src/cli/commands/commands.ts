import type { CommandState, CommandView } from '../../api/commands.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, exits } from '../errors.ts'
import { facts, localTime, maybeTime, type Style, table } from '../output.ts'
import { oneOf, wholeNumber } from '../values.ts'

const states = ['queued', 'sent', 'accepted', 'running', 'done', 'failed', 'rejected', 'expired', 'cancelled', 'unknown'] as const
const finals: ReadonlySet<CommandState> = new Set(['done', 'failed', 'rejected', 'expired', 'cancelled', 'unknown'])

/** Nothing follows, except that a late ack may still correct `unknown`. */
export const isFinal = (state: CommandState): boolean => finals.has(state)

export const defineCommands: Define = (program, run) => {
  program
    .command('commands')
    .description('commands that were sent, newest first')
    .option('--node <ID>', 'only of this node')
    .option('--state <S>', `only in this state: ${states.join(', ')}`)
    .option('--limit <N>', 'how many', '100')
    .addHelpText('after', examples('espalier commands', 'espalier commands --node sim-1 --state failed'))
    .action((flags: { node?: string; state?: string; limit: string }) =>
      run(async ({ client, out }) => {
        const query = {
          ...(flags.node !== undefined && { node: flags.node }),
          ...(flags.state !== undefined && { state: oneOf(flags.state, '--state', states) }),
          limit: wholeNumber(flags.limit, '--limit', 1, 100_000),
        }
        const commands = await (await client()).commands(query)
        const all = flags.node === undefined && flags.state === undefined
        const none = all ? 'No commands. Send one: espalier send sim-1 identify' : 'No such commands.'
        out.result(commands, () => (commands.length === 0 ? none : list(commands, out.style)))
      }),
    )
}

export const defineCommand: Define = (program, run) => {
  const command = program.command('command').description('one command: show or cancel it')
  command
    .command('show <ID>')
    .description('its state, result and history')
    .addHelpText('after', examples('espalier command show 01J…', 'espalier command show 01J… --json'))
    .action((id: string) =>
      run(async ({ client, out }) => {
        const view = await (await client()).command(id)
        out.result(view, () => commandText(view, out.style))
      }),
    )
  command
    .command('cancel <ID>')
    .description('cancel it, as long as it is queued')
    .addHelpText('after', examples('espalier command cancel 01J…'))
    .action((id: string) =>
      run(async ({ client, out }) => {
        const view = await (await client()).cancel(id)
        if (view.state !== 'cancelled')
          throw new CliError(exits.refused, 'state_conflict', `the command is ${view.state}, only queued ones can be cancelled`)
        out.result(view, () => commandText(view, out.style))
      }),
    )
}

function stateText(state: CommandState, style: Style): string {
  if (state === 'done') return style.good(state)
  if (state === 'failed' || state === 'rejected') return style.bad(state)
  return state === 'expired' || state === 'unknown' ? style.warn(state) : state
}

const call = (c: CommandView): string =>
  [
    c.command,
    ...Object.entries(c.params).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ].join(' ')

const list = (commands: readonly CommandView[], style: Style): string =>
  table(
    ['ID', 'NODE', 'STATE', 'QUEUED', 'COMMAND'],
    commands.map(c => [c.id, c.node, stateText(c.state, style), localTime(c.queued_at), call(c)]),
    style,
  )

/** One command with the evidence of each step. */
export function commandText(c: CommandView, style: Style): string {
  const pairs: [string, string][] = [
    ['command', `${style.bold(call(c))} to ${c.node}`],
    ['id', c.id],
    ['state', stateText(c.state, style)],
  ]
  if (c.error) pairs.push(['error', `${c.error.code}: ${c.error.message}`])
  if (c.result !== null && c.result !== undefined) pairs.push(['result', JSON.stringify(c.result)])
  if (c.progress !== null) pairs.push(['progress', String(c.progress)])
  if (!isFinal(c.state)) pairs.push(['expires', maybeTime(c.expires)])
  pairs.push([
    'history',
    c.history
      .map((h, i) =>
        i === 0 ? `${h.state} ${localTime(h.time)}` : `${h.state} +${ageText(h.time - c.queued_at)} (${h.evidence})`,
      )
      .join(' → '),
  ])
  return facts(pairs, style)
}

const ageText = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`)
