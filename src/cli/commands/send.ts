import type { CommandState, CommandView } from '../../api/commands.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { type Exit, exits } from '../errors.ts'
import { duration, params, positiveNumber } from '../values.ts'
import { commandText, isFinal } from './commands.ts'
import { ending, liveEvents } from './watch.ts'

interface Flags {
  readonly params?: string
  readonly expires?: string
  readonly wait?: boolean
  readonly timeout: string
  readonly key?: string
}

export const defineSend: Define = (program, run) => {
  program
    .command('send <ID> <COMMAND> [k=v...]')
    .description('send a command to a node and wait for its final state')
    .option('--params <JSON>', 'params as a JSON object, for nested ones')
    .option('--expires <S>', 'seconds the node has to get it (default 300, at most 604800)')
    .option('--wait', 'wait for the final state (default)')
    .option('--no-wait', 'print the queued command and end')
    .option('--timeout <S>', 'seconds to wait; the command lives on after that', '30')
    .option('--key <K>', 'Idempotency-Key: sending again with the same key sends nothing new')
    .addHelpText(
      'after',
      `
k=v: true, false, null and numbers are typed, everything else is text.
Exit codes: 0 done, 3 failed or rejected, 4 expired, unknown or timeout, 6 no such node.
${examples('espalier send sim-1 set_led state=on brightness=128', 'espalier send sim-1 read_now --json', 'espalier send sim-1 configure --params \'{"rev":2,"outputs":{"relay":{"safe":0}}}\'')}`,
    )
    .action((id: string, command: string, words: string[], flags: Flags) =>
      run(context => send(context, id, command, words, flags)),
    )
}

async function send(context: Context, id: string, command: string, words: readonly string[], flags: Flags): Promise<Exit> {
  const { out } = context
  const request = {
    command,
    params: params(words, flags.params),
    ...(flags.expires !== undefined && { expires: positiveNumber(flags.expires, '--expires', 604_800) }),
  }
  const timeoutMs = duration(flags.timeout, '--timeout')
  const client = await context.client()
  const sent = await client.send(id, request, flags.key)
  if (flags.wait === false) {
    out.result(sent, () => commandText(sent, out.style))
    return exits.done
  }
  const last = await settled(context, sent, timeoutMs)
  out.result(last, () => commandText(last, out.style))
  if (!isFinal(last.state))
    out.message(
      `${last.state} ${context.ended.aborted ? 'when you stopped waiting' : `after ${timeoutMs / 1_000} s`}; it lives on: espalier command show ${last.id}`,
    )
  return exitOf(last.state)
}

/** Follows a command until its final state, at most `timeoutMs`; answers with the last that was seen of it. `tell` hears of each step. */
export async function settled(
  context: Context,
  sent: CommandView,
  timeoutMs: number,
  tell: (now: CommandView) => void = () => undefined,
): Promise<CommandView> {
  let last = sent
  if (isFinal(last.state)) return last
  const client = await context.client()
  const end = ending(context.ended, timeoutMs)
  const seen = (now: CommandView): void => {
    if (now.id !== last.id || now.history.length < last.history.length) return
    last = now
    tell(now)
    if (isFinal(now.state)) end.stop()
  }
  // What happened before the stream was open, or while it was away, is asked for.
  const catchUp = (): void => void client.command(sent.id).then(seen, () => {})
  for await (const event of liveEvents(context, { node: sent.node, types: ['command'], signal: end.signal, opened: catchUp }))
    if (event.type === 'command') seen(event.data)
  end.stop()
  return last
}

export function exitOf(state: CommandState): Exit {
  switch (state) {
    case 'done':
      return exits.done
    case 'failed':
    case 'rejected':
    case 'cancelled':
      return exits.refused
    default:
      return exits.timedOut
  }
}
