import type { ConnectInfo, Credential } from '../../api/identities.ts'
import { CliError, exits } from '../errors.ts'

/** What a sketch has to know: who it is, whom it talks to, and whom it trusts. */
export interface Board {
  readonly id: string
  readonly name: string | null
  readonly host: string
  readonly port: number
  /** PEM of the CA; null: without TLS. */
  readonly ca: string | null
  readonly proof:
    | { readonly kind: 'password'; readonly username: string; readonly password: string }
    | { readonly kind: 'certificate'; readonly cert: string; readonly key: string }
}

export interface Reachable {
  readonly host: string
  readonly port: number
  readonly ca: string | null
}

/** Where a board finds this house. With TLS unless there is none, or a person asks for none. */
export function reachable(connect: ConnectInfo, tls: boolean): Reachable {
  const { host, mqtts_port, mqtt_port, ca } = connect
  if (tls && mqtts_port !== null) return { host, port: mqtts_port, ca }
  if (mqtt_port !== null) return { host, port: mqtt_port, ca: null }
  if (mqtts_port === null)
    throw new CliError(
      exits.usage,
      'no_listener',
      'no board can reach this server: it listens on this machine only',
      'stop it and start it with: espalier up --lan',
    )
  throw new CliError(
    exits.usage,
    'no_listener',
    'there is no listener without TLS',
    'leave --no-tls out, or start the server with: espalier up --lan --insecure',
  )
}

export function boardOf(credential: Credential, name: string | null, { host, port, ca }: Reachable): Board {
  const { id } = credential
  if ('password' in credential) {
    const { username, password } = credential
    return { id, name, host, port, ca, proof: { kind: 'password', username, password } }
  }
  const { cert, key } = credential
  return { id, name, host, port, ca: ca ?? credential.ca, proof: { kind: 'certificate', cert, key } }
}
