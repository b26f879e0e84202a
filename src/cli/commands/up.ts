import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunInfo } from '../../api/run.ts'
import type { ConfigFile, ConfigProblem, UpOptions } from '../../config/config.ts'
import { upSettings } from '../../config/settings.ts'
import { spanText } from '../../config/values.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, type Exit, exits } from '../errors.ts'

export const defineUp: Define = (program, run) => {
  const up = program.command('up').description('start broker, store, API, page and virtual nodes')
  for (const s of upSettings)
    up.option(
      s.value === 'on|off' ? `--${s.flag} [${s.value}]` : `--${s.flag} <${s.value}>`,
      `${s.help} (default ${defaultText(s.option, s.fallback)})`,
    )
  up.addHelpText(
    'after',
    `
Each is also an environment variable, such as ESPALIER_MQTT_PORT, and a key below "up:" in espalier.yaml, such as mqtt_port.
${examples('espalier up', 'espalier up --mqtt-port 1884 --http-port 8081 --data /var/lib/espalier', 'espalier up --sim 0', 'espalier up --sim 20 --sim-interval 0.1 --json')}`,
  ).action((flags: Record<string, string | true>) => run(context => startUp(context, flags)))
}

function defaultText(option: keyof UpOptions, fallback: unknown): string {
  if (typeof fallback === 'boolean') return fallback ? 'on' : 'off'
  if (fallback === null) return 'none'
  return option.endsWith('Ms') ? spanText(Number(fallback)) : String(fallback)
}

async function startUp(context: Context, given: Record<string, string | true>): Promise<Exit> {
  const options = await optionsOf(context, given)
  const manager = await import('../../manager/manager.ts')
  let running: Awaited<ReturnType<typeof manager.startManager>>
  try {
    running = await manager.startManager(options)
  } catch (error) {
    throw await explained(error, manager)
  }
  announce(context, options, running.run)
  await new Promise<void>(resolve => {
    if (context.ended.aborted) resolve()
    else context.ended.addEventListener('abort', () => resolve(), { once: true })
  })
  context.out.message('stopping')
  await running.stop()
  return exits.done
}

async function optionsOf(context: Context, given: Record<string, string | true>): Promise<UpOptions> {
  const { resolveUp } = await import('../../config/config.ts')
  const file = await configFile(context)
  const flags: Record<string, string> = {}
  for (const s of upSettings) {
    const value = given[s.flag.replace(/-./g, m => m[1]!.toUpperCase())]
    if (value !== undefined) flags[s.flag] = value === true ? 'on' : value
  }
  const resolved = resolveUp({ data: context.data, flags, env: context.env, file })
  if (resolved.ok) return resolved.options
  throw configError(resolved.problems)
}

/** --config and ESPALIER_CONFIG must be there; DATA/espalier.yaml may be. */
async function configFile(context: Context): Promise<ConfigFile | null> {
  const named = context.flags.config ?? (context.env.ESPALIER_CONFIG || undefined)
  const path = named ?? join(context.data, 'espalier.yaml')
  if (named === undefined && !existsSync(path)) return null
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new CliError(exits.usage, 'bad_config', `${path} can't be read (${(error as Error).message})`)
  }
  const { loadFile } = await import('../../config/config.ts')
  const loaded = loadFile(text, path)
  if (loaded.ok) return loaded.file
  throw configError(loaded.problems)
}

function configError(problems: readonly ConfigProblem[]): CliError {
  const lines = problems.map(p => `${p.where}: ${p.key}${p.key ? ': ' : ''}${p.what}; allowed: ${p.allowed}`)
  return new CliError(exits.usage, 'bad_config', lines.join('\n  '), 'espalier up --help')
}

type ManagerDoor = typeof import('../../manager/manager.ts')

/** Why it could not start, and what to try. */
async function explained(error: unknown, manager: ManagerDoor): Promise<unknown> {
  if (error instanceof manager.DataInUse)
    return new CliError(
      exits.dataInUse,
      'data_in_use',
      `${error.message} by another espalier`,
      'stop that one, or take another directory: --data DIR',
      'espalier nodes --data DIR asks the one that runs',
    )
  if (error instanceof manager.NotLoopback)
    return new CliError(
      exits.usage,
      'not_loopback',
      `${error.message}; allowed: 127.0.0.1, ::1, localhost, because anybody who reaches the listener may publish`,
      `${error.flag} 127.0.0.1`,
    )
  if (!(error instanceof manager.PortTaken)) return error
  const { port, host, flag, code } = error
  if (code === 'EADDRINUSE') {
    const { portOwner } = await import('../port-owner.ts')
    const owner = portOwner(port)
    const by = owner ? `by process ${owner.pid} (${owner.command})` : 'by another process'
    return new CliError(
      exits.usage,
      'port_taken',
      `port ${port} on ${host} is taken ${by}`,
      `${flag} ${port + 1}, or ${flag} 0 for any free one`,
      ...(owner ? [`or stop it: kill ${owner.pid}`] : []),
    )
  }
  if (code === 'EACCES')
    return new CliError(
      exits.usage,
      'port_denied',
      `port ${port} on ${host} needs more rights than this user has`,
      `${flag} with a port above 1023`,
    )
  return new CliError(
    exits.usage,
    'no_such_address',
    `${host} is no address of this machine`,
    `${flag.replace('port', 'host')} 127.0.0.1`,
  )
}

function announce(context: Context, options: UpOptions, run: RunInfo): void {
  const { out } = context
  if (out.json) {
    out.value({ event: 'ready', ...run })
    return
  }
  const { bold, dim, good } = out.style
  const page = `http://${run.http.host.includes(':') ? `[${run.http.host}]` : run.http.host}:${run.http.port}`
  const where = options.data === 'data' ? '' : ` --data ${options.data}`
  const example = options.sim > 0 ? 'sim-1' : '01'
  out.line(
    [
      `${good('●')} ${bold('espalier')} ${run.version} is ready`,
      '',
      `  page   ${bold(`${page}/#token=${tokenText(options.data)}`)}`,
      `  MQTT   ${bold(`mqtt://${run.mqtt.host}:${run.mqtt.port}`)}   ${dim('no password from this machine')}`,
      `  data   ${options.data}${options.sim > 0 ? `   ${dim(options.sim > 1 ? `${options.sim} virtual nodes: sim-1 to sim-${options.sim}` : '1 virtual node: sim-1')}` : ''}`,
      '',
      `  ${dim('In a second terminal:')}`,
      `    npx --no-install espalier nodes${where}`,
      `    npx --no-install espalier watch${where}`,
      `    npx --no-install espalier send ${example} set_led state=on brightness=128${where}`,
      `    mosquitto_pub${run.mqtt.port === 1883 ? '' : ` -p ${run.mqtt.port}`} -t iot/node/01/telemetry -m '{"node_id":"node_01","sensors":{"temperature":22.5}}'`,
      '',
      `  ${dim('Ctrl-C stops it; every reading that was acknowledged is on disk.')}`,
    ].join('\n'),
  )
}

function tokenText(data: string): string {
  try {
    return readFileSync(join(data, 'token'), 'utf8').trim()
  } catch {
    return ''
  }
}
