import type { ConfigProblem } from '../../config/config.ts'
import { checkConfig } from '../configuration.ts'
import { type Define, examples } from '../definition.ts'
import { exits } from '../errors.ts'
import { table } from '../output.ts'

export const defineConfig: Define = (program, run) => {
  const config = program.command('config').description('check espalier.yaml, take it over, see what is in force')
  config
    .command('check [FILE]')
    .description('name every mistake by file, line and key (default: the file that `up` would read)')
    .addHelpText('after', examples('espalier config check', 'espalier config check /etc/espalier/espalier.yaml --json'))
    .action((file: string | undefined) =>
      run(async context => {
        const { path, found, problems } = await checkConfig(context, file)
        const { out } = context
        if (out.json) out.value({ ok: problems.length === 0, file: path, problems })
        else if (problems.length > 0) await say(problems, context.streams.writeError)
        else out.line('ok')
        if (!found) out.message(`there is no ${path}: the defaults hold`)
        return problems.length > 0 ? exits.usage : exits.done
      }),
    )
  config
    .command('schema')
    .description('print the JSON Schema of espalier.yaml, for editors')
    .addHelpText('after', examples('espalier config schema > espalier.schema.json'))
    .action(() =>
      run(async ({ out }) => {
        const { configSchema } = await import('../../config/schema.ts')
        const schema = configSchema()
        out.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )
  config
    .command('reload')
    .description('make the running server read it again (as SIGHUP): says what is in force and what needs a restart')
    .addHelpText('after', examples('espalier config reload'))
    .action(() =>
      run(async ({ client, out }) => {
        const result = await (await client()).reloadConfig()
        out.result(result, () =>
          result.applied.length + result.needs_restart.length === 0
            ? 'nothing changed'
            : [
                ...result.applied.map(key => `in force       ${key}`),
                ...result.needs_restart.map(key => `needs a restart  ${key}`),
              ].join('\n'),
        )
      }),
    )
  config
    .command('show')
    .description('every setting in force in the running server, and where it comes from')
    .addHelpText('after', examples('espalier config show', 'espalier config show --json'))
    .action(() =>
      run(async ({ client, out }) => {
        const settings = await (await client()).settings()
        out.result(settings, () =>
          table(
            ['KEY', 'VALUE', 'FROM', 'CHANGES BY'],
            settings.map(s => [s.key, s.value === null ? '-' : String(s.value), s.from, s.reload ? 'reload' : 'restart']),
            out.style,
          ),
        )
      }),
    )
}

async function say(problems: readonly ConfigProblem[], write: (text: string) => void): Promise<void> {
  const { problemText } = await import('../../config/config.ts')
  for (const problem of problems) write(`${problemText(problem)}\n`)
}
