import type { ConnectInfo } from '../api/identities.ts'
import { type Reachable, whereReachable } from '../api/sketch/board.ts'
import { CliError, exits } from './errors.ts'

/** Where a board finds this house. With TLS unless there is none, or a person asks for none. */
export function reachable(connect: ConnectInfo, tls: boolean): Reachable {
  const where = whereReachable(connect, tls)
  if (where) return where
  if (connect.mqtts_port === null)
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
