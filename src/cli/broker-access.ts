import { readFileSync } from 'node:fs'
import type { IClientOptions } from 'mqtt'
import type { BrokerAccess, RunInfo } from '../api/run.ts'
import { type Context, readSecret, secretOf } from './context.ts'
import { CliError, exits } from './errors.ts'

/** Where the broker of the running server is and with what it is reached: host, port, TLS files, user and password. `secret` is that of
 *  our own broker; somebody else's has the one that `up` was given, which is in a file that run.json names, or has to be in the
 *  environment here too. */
export function brokerSession(context: Context, run: RunInfo, secret: () => string): IClientOptions {
  const { host, port } = run.mqtt
  if (!run.broker) return { protocol: 'mqtt', host, port, username: '_manager', password: secret() }
  const { url, user, ca, cert, key } = run.broker
  const tls = url.startsWith('mqtts:')
  const password = user === null ? undefined : passwordOf(context, run.broker)
  return {
    protocol: tls ? 'mqtts' : 'mqtt',
    host,
    port,
    ...(user !== null && { username: user }),
    ...(password !== undefined && { password }),
    ...(ca !== null && { ca: pem(ca) }),
    ...(cert !== null && key !== null && { cert: pem(cert), key: pem(key) }),
  }
}

/** The password of the user that `up` connects with. */
export function passwordOf({ env }: Pick<Context, 'env'>, { user, password_file, cert }: BrokerAccess): string | undefined {
  const given = secretOf('ESPALIER_BROKER_PASSWORD', env)
  if (given !== undefined) return given
  if (password_file !== null) return readSecret(password_file, 'broker_password_file')
  if (cert !== null) return undefined
  throw new CliError(
    exits.usage,
    'bad_input',
    `the password of ${user} at the broker is not known here: "espalier up" has it from its environment`,
    'set ESPALIER_BROKER_PASSWORD or ESPALIER_BROKER_PASSWORD_FILE here too, or start up with --broker-password-file FILE',
  )
}

function pem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CliError(exits.usage, 'bad_input', `${file} can't be read (${(error as Error).message})`)
  }
}
