import type { Socket } from 'node:net'
import type { BrokerNotice, Refusal } from '../broker.ts'
import { connackCode } from '../wire/packets.ts'
import type { ConnectRequest } from './guard.ts'
import type { Arrival } from './listener.ts'

/** The first byte of a TLS record that begins a handshake. */
export const tlsHandshake = 0x16

const reasons: Readonly<Record<number, Refusal>> = {
  [connackCode.badCredentials]: 'credentials',
  [connackCode.notAuthorized]: 'anonymous',
  [connackCode.badClientId]: 'client_id',
}

/** A CONNECT that was refused with this code, as a person is told of it; null where there is nothing to mend. */
export function refusalOf(
  code: number,
  request: Pick<ConnectRequest, 'user' | 'clientId'>,
  { certificate, foreign }: Arrival,
  address: string,
): BrokerNotice | null {
  // Who shows a certificate gives credentials, whatever it says of a user.
  const shown = certificate !== null || foreign !== null
  const why = shown && code === connackCode.notAuthorized ? 'credentials' : reasons[code]
  if (why === undefined) return null
  const user = certificate?.cn ?? request.user
  return { kind: 'refused', why, user, client: request.clientId, address, got: foreign }
}

export const addressOf = ({ remoteAddress = '?', remotePort = 0 }: Socket): string =>
  remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
