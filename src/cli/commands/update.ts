import type { CommandView } from '../../api/commands.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, type Exit, exits } from '../errors.ts'
import { positiveNumber } from '../values.ts'
import { commandText, isFinal } from './commands.ts'
import { exitOf, settled } from './send.ts'

interface Flags {
  readonly version: string
  readonly force?: boolean
  readonly wait?: boolean
  readonly expires: string
}

export const defineUpdate: Define = (program, run) => {
  program
    .command('update <ID>')
    .description('update a node to an image that was added; done when it runs it, confirmed')
    .requiredOption('--version <V>', 'version of the image; its board is the node’s own')
    .option('--force', 'also a lower version, the one that runs already, or one the node has gone back from three times')
    .option('--wait', 'wait for its end, showing progress')
    .option('--expires <S>', 'seconds the whole update may take', '1800')
    .addHelpText(
      'after',
      `
Exit codes: 0 done (without --wait: taken), 2 no HTTPS listener, 3 refused or failed, 4 not ended in time, 6 no such node or image.
${examples('espalier update 01 --version 1.4.2 --wait', 'espalier update 01 --version 1.4.1 --force --json')}`,
    )
    .action((id: string, flags: Flags) => run(context => update(context, id, flags)))
}

async function update(context: Context, id: string, { version, force, wait, expires }: Flags): Promise<Exit> {
  const { out } = context
  const seconds = positiveNumber(expires, '--expires', 604_800)
  const server = await context.client()
  const request = { version, ...(force && { force }), expires: seconds }
  const started = await server.update(id, request).catch((error: Error) => {
    throw isNotSetUp(error) ? new CliError(exits.usage, 'not_set_up', error.message, 'espalier up --lan') : error
  })
  if (!wait) {
    out.result(started, () => commandText(started, out.style))
    out.message(`Follow it: espalier command show ${started.id}`)
    return exits.done
  }
  // The server ends it at its deadline; a moment more, to hear of that.
  const last = await settled(context, started, seconds * 1_000 + 5_000, now => out.progress(progressText(now)))
  out.progress('')
  out.result(last, () => commandText(last, out.style))
  if (!isFinal(last.state)) out.message(`${last.state} when you stopped waiting; it goes on: espalier command show ${last.id}`)
  return exitOf(last.state)
}

/** One line of what the node is at. */
function progressText({ state, progress, params }: CommandView): string {
  const what = `${params.version}: `
  if (state !== 'running') return what + state
  if (progress === 100) return `${what}fetched; it restarts and has to prove itself`
  return progress === null ? `${what}begun` : `${what}${progress} % fetched`
}

const isNotSetUp = (error: Error): boolean =>
  (error as { problem?: { type?: string } }).problem?.type === 'urn:espalier:problem:not_set_up'
