import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { type Context, readSecret, startAdvice } from './context.ts'
import { CliError, exits } from './errors.ts'

/** Connects to the broker of the running server as `_manager`, with the secret that stands in the data directory. */
export async function connectAsManager(context: Context): Promise<MqttClient> {
  const run = context.run()
  if (run === undefined)
    throw new CliError(
      exits.unreachable,
      'unreachable',
      `nothing runs in ${context.data} (there is no ${join(context.data, 'run.json')})`,
      ...startAdvice,
    )
  const password = readSecret(join(context.data, 'manager-secret'), 'secret of _manager')
  const { connectAsync } = await import('mqtt')
  const { host, port } = run.mqtt
  try {
    const url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`
    const session = { username: '_manager', password, clean: true, connectTimeout: 5_000, reconnectPeriod: 0, resubscribe: false }
    return await connectAsync(url, session, false)
  } catch (error) {
    const refused = /not authorized|bad user/i.test((error as Error).message)
    const what = refused ? 'the broker refused the secret of _manager' : `no answer from ${host}:${port} (${reason(error)})`
    throw new CliError(exits.unreachable, refused ? 'secret_refused' : 'unreachable', what, ...startAdvice)
  }
}

const reason = (error: unknown): string => {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || 'closed'
}
