import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import type { MosquittoOptions, MqttCredentials } from './options.ts'

/** Opens the socket: the broker's certificate is checked, always, and against its host name. Resolves when bytes can be sent. */
export function dial(
  { host, port, tls }: Pick<MosquittoOptions, 'host' | 'port' | 'tls'>,
  { ca, cert, key }: MqttCredentials,
  patienceMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectSecurely({
          host,
          port,
          minVersion: 'TLSv1.2',
          // A server name must not be an address (RFC 6066); the certificate is then checked against the address itself.
          ...(isIP(host) === 0 && { servername: host }),
          ...(ca !== null && { ca }),
          ...(cert !== null && key !== null && { cert, key }),
        })
      : connectPlain({ host, port })
    socket.setNoDelay(true)
    const late = setTimeout(() => failed(new Error('no answer')), patienceMs)
    const failed = (error: Error): void => {
      clearTimeout(late)
      socket.destroy()
      reject(error)
    }
    socket.once('error', failed)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(late)
      socket.off('error', failed)
      resolve(socket)
    })
  })
}
