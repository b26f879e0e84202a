import { existsSync, realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configError, resolveSettings } from '../configuration.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { openSystemd, type Scope, unitFile } from '../service.ts'

interface Flags {
  readonly user?: true
  readonly system?: true
  readonly runAs?: string
  readonly lan?: true
  readonly dryRun?: true
}

const ownData = '/var/lib/espalier'

export const defineService: Define = (program, run) => {
  const service = program.command('service').description('run as a service of systemd: from boot on, started again after a crash')
  const scoped = (name: string, about: string) =>
    service
      .command(name)
      .description(about)
      .option('--user', 'as this user, without root (the default unless you are root)')
      .option('--system', 'of the whole machine, in a sandbox; needs root')
      .option('--dry-run', 'only print what would be done')
  scoped('install', 'make the unit, start it now and at every boot')
    .option('--run-as <USER>', 'with --system: whose service it is (default: a user of its own)')
    .option('--lan', 'start with --lan; other settings belong into espalier.yaml')
    .addHelpText(
      'after',
      examples('espalier service install', 'sudo espalier service install --system --lan', 'espalier service install --dry-run'),
    )
    .action((flags: Flags) => run(context => install(context, flags)))
  scoped('uninstall', 'stop it and take the unit away; the data stays')
    .addHelpText('after', examples('espalier service uninstall'))
    .action((flags: Flags) => run(async context => uninstall(context, flags)))
}

function scopeOf(flags: Flags): Scope {
  if (flags.user && flags.system) throw badInput('--user and --system together', 'one of them')
  return flags.system || (!flags.user && userInfo().uid === 0) ? 'system' : 'user'
}

async function install(context: Context, flags: Flags): Promise<void> {
  const { unitText, unitName } = await import('../../site/service/unit.ts')
  const scope = scopeOf(flags)
  const given = context.flags.data !== undefined || Boolean(context.env.ESPALIER_DATA)
  const data = scope === 'system' && !given ? ownData : resolve(context.data)
  const user = scope === 'system' ? (flags.runAs ?? null) : null
  if (flags.runAs !== undefined && scope === 'user') throw badInput('--run-as with a user unit', '--system --run-as USER')
  if (scope === 'system' && user === null && data !== ownData)
    throw badInput(
      `--data ${data} without --run-as`,
      `--run-as USER with the user that owns it, or ${ownData} (then systemd makes a user of its own)`,
    )
  const node = realpathSync(process.execPath)
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const resolved = await resolveSettings({ ...context, data }, flags.lan ? { lan: true } : {})
  if (!resolved.ok) throw await configError(resolved.problems)
  const { backupDir } = resolved.options
  const config = context.flags.config ?? (context.env.ESPALIER_CONFIG || undefined)
  const text = unitText({
    scope,
    node,
    main,
    data,
    user,
    flags: [...(config === undefined ? [] : ['--config', resolve(config)]), ...(flags.lan ? ['--lan'] : [])],
    writes: backupDir === null ? [] : [resolve(backupDir)],
  })
  const file = unitFile(scope, context.env as NodeJS.ProcessEnv)
  const { out } = context
  if (flags.dryRun) {
    out.result({ unit: unitName, file, scope, data, text }, () => text.trimEnd())
    out.message(`this would go into ${file}`)
    return
  }
  if (!existsSync(main)) throw new CliError(exits.usage, 'not_built', `${main} is missing`, 'npm ci, which builds it')
  const warnings = openSystemd(scope, context.env as NodeJS.ProcessEnv).install(file, text)
  const ctl = scope === 'user' ? '--user ' : ''
  out.result({ unit: unitName, file, scope, data, warnings }, () =>
    [
      `${out.style.good('●')} installed and started: ${file}`,
      `  data     ${data}`,
      `  state    systemctl ${ctl}status espalier`,
      `  log      journalctl ${ctl}-u espalier -f`,
      `  reload   systemctl ${ctl}reload espalier`,
      `  token    espalier token --data ${data}`,
    ].join('\n'),
  )
  for (const warning of warnings) out.message(`warning: ${warning}`)
}

function uninstall({ env, out }: Context, flags: Flags): void {
  const scope = scopeOf(flags)
  const file = unitFile(scope, env as NodeJS.ProcessEnv)
  if (flags.dryRun) {
    out.result({ file, scope }, () => `would stop espalier and remove ${file}; the data stays`)
    return
  }
  if (!existsSync(file))
    throw new CliError(
      exits.notFound,
      'not_installed',
      `there is no ${file}`,
      scope === 'user' ? 'sudo espalier service uninstall --system' : 'espalier service uninstall --user',
    )
  openSystemd(scope, env as NodeJS.ProcessEnv).uninstall(file)
  out.result({ file, scope }, () => `stopped, and ${file} removed; the data stays`)
}
