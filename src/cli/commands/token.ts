import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, secretOf } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, exits } from '../errors.ts'

export const defineToken: Define = (program, run) => {
  program
    .command('token')
    .description('print the token of page and API')
    .option('--rotate', 'make a new one: the old one, all sessions and open streams end at once')
    .addHelpText(
      'after',
      examples(
        'espalier token',
        'espalier token --rotate',
        'curl -H "Authorization: Bearer $(espalier token)" localhost:8080/api/nodes',
      ),
    )
    .action((flags: { rotate?: true }) =>
      run(async context => {
        const token = flags.rotate ? await rotated(context) : tokenThere(context)
        context.out.result({ token }, () => token)
      }),
    )
}

function tokenThere({ env, data }: Context): string {
  const given = secretOf('ESPALIER_TOKEN', env)
  if (given !== undefined) return given
  try {
    return readFileSync(join(data, 'token'), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new CliError(
      exits.notFound,
      'no_token',
      `there is no ${join(data, 'token')}`,
      'the first `espalier up` makes it; name its data directory with --data DIR',
    )
  }
}

/** The running server makes the new token; without one the file is replaced, and the next start takes it. */
async function rotated(context: Context): Promise<string> {
  const local = context.flags.url === undefined && !context.env.ESPALIER_URL
  if (local && context.run() === undefined) return offline(context)
  try {
    const token = await (await context.client()).rotateToken()
    if (token !== null) return token
    throw new CliError(exits.internal, 'no_token', 'the server made a new token but did not tell it', 'espalier token')
  } catch (error) {
    // A run.json that a crash left behind.
    if (local && error instanceof Error && error.name === 'Unreachable') return offline(context)
    throw error
  }
}

async function offline(context: Context): Promise<string> {
  tokenThere({ ...context, env: {} })
  const { rotateTokenFile } = await import('../../manager/manager.ts')
  const token = await rotateTokenFile(context.data)
  context.out.message('no server runs here: the next one starts with the new token')
  return token
}
