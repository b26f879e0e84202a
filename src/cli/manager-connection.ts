import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { brokerSession } from './broker-access.ts'
import { type Context, readSecret, startAdvice } from './context.ts'
import { CliError, exits } from './errors.ts'

/** Connects to the broker of the running server as `_manager`, with the secret that stands in the data directory; to an external one
 *  as `up` does. The client id is drawn: that of `up` would take its session over. */
export async function connectAsManager(context: Context): Promise<MqttClient> {
  const run = context.run()
  if (run === undefined)
    throw new CliError(
      exits.unreachable,
      'unreachable',
      `nothing runs in ${context.data} (there is no ${join(context.data, 'run.json')})`,
      ...startAdvice,
    )
  const session = brokerSession(context, run, () => readSecret(join(context.data, 'manager-secret'), 'secret of _manager'))
  const { connectAsync } = await import('mqtt')
  const { host, port } = run.mqtt
  try {
    const url = `${session.protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`
    const once = { ...session, clean: true, connectTimeout: 5_000, reconnectPeriod: 0, resubscribe: false }
    return await connectAsync(url, once, false)
  } catch (error) {
    const refused = /not authorized|bad user/i.test((error as Error).message)
    const what = refused
      ? `the broker refused the secret of ${session.username ?? 'nobody'}`
      : `no answer from ${host}:${port} (${reason(error)})`
    throw new CliError(exits.unreachable, refused ? 'secret_refused' : 'unreachable', what, ...startAdvice)
  }
}

const reason = (error: unknown): string => {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || 'closed'
}
