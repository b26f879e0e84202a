import { existsSync } from 'node:fs'
import { sections } from '../../config/sections.ts'
import { defaultText, upSettings } from '../../config/settings.ts'
import { configError, resolveSettings } from '../configuration.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, type Exit, exits } from '../errors.ts'
import { announce } from './up-ready.ts'

export const defineUp: Define = (program, run) => {
  const up = program.command('up').description('start broker, store, API, page and virtual nodes')
  for (const s of upSettings)
    up.option(
      s.value === 'on|off' ? `--${s.flag} [${s.value}]` : `--${s.flag} <${s.value}>`,
      `${s.help} (default ${defaultText(s)})`,
    )
  for (const s of sections) up.option(`--${s.key} <JSON>`, `${s.help}, as JSON`)
  up.addHelpText(
    'after',
    `
Each is also an environment variable and a key in espalier.yaml (docs/reference/config.md): ESPALIER_MQTT_PORT, up.mqtt_port.
${examples('espalier up', 'espalier up --mqtt-port 1884 --http-port 8081 --data /var/lib/espalier', 'espalier up --sim 0', 'espalier up --sim 20 --sim-interval 0.1 --json')}`,
  ).action((flags: Record<string, string | true>) => run(context => startUp(context, flags)))
}

async function startUp(context: Context, given: Record<string, string | true>): Promise<Exit> {
  await finishInterruptedRestore(context)
  const resolved = await resolveSettings(context, given)
  if (!resolved.ok) throw await configError(resolved.problems)
  const { options } = resolved
  if (options.broker !== 'embedded' && resolved.from.get('mqttPort') !== 'default')
    context.out.message('--mqtt-port is ignored: nothing listens for MQTT here, the broker is another one')
  const manager = await import('../../manager/manager.ts')
  const { printNotice } = await import('../notices.ts')
  const { onHangup } = await import('../hangup.ts')
  let running: Awaited<ReturnType<typeof manager.startManager>>
  try {
    running = await manager.startManager(resolved, () => resolveSettings(context, given))
  } catch (error) {
    throw await explained(error, manager)
  }
  // In one breath: a board that speaks right behind `ready` is not to be missed.
  announce(context, options, running.run, running.connect())
  running.onNotice(notice => printNotice(context, running.run, notice))
  const stopListening = onHangup(running.reload, context.streams.terminal)
  await new Promise<void>(resolve => {
    if (context.ended.aborted) resolve()
    else context.ended.addEventListener('abort', () => resolve(), { once: true })
  })
  stopListening()
  context.out.message('stopping')
  await running.stop()
  return exits.done
}

/** Before the configuration is read: it lies in the directory that a restore did not get to move in. */
async function finishInterruptedRestore({ data, out }: Context): Promise<void> {
  if (existsSync(data)) return
  const { finishRestore } = await import('../../manager/restore.ts')
  if (await finishRestore(data)) out.message(`a restore of ${data} had been cut off and is finished now`)
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
  if (error instanceof manager.NoNodeProgram)
    return new CliError(
      exits.usage,
      'no_node_program',
      `${error.message}, the node that --sim-real runs`,
      'npm run firmware builds it',
      '--sim N runs virtual nodes instead',
    )
  if (error instanceof Error && error.name === 'CertificatesDamaged')
    return new CliError(exits.usage, 'certificates_damaged', error.message)
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
