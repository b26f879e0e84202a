import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { connectionsAtOnce, socketBounds } from './bounds.ts'

/** A second door to the same page and API, with TLS. */
export interface SecureDoor {
  readonly host: string
  readonly port: number
  /** Handshakes from now on get this certificate; what is open, event streams too, stays. */
  secure(context: SecureContextOptions): void
  /** Takes nobody any more; resolves when the last one is gone. */
  close(): Promise<void>
  cut(): void
}

const handshakeMs = 5_000
/** Beyond it the oldest goes: half-open ones must not fill `connectionsAtOnce` and keep the page away from people. */
const handshakesAtOnce = 500

/** Listens; rejects with the socket's error. The app must be ready. */
export function openSecureDoor(
  app: FastifyInstance,
  at: { host: string; port: number; tls: SecureContextOptions },
): Promise<SecureDoor> {
  const server = createServer(
    {
      ...at.tls,
      ...socketBounds,
      minVersion: 'TLSv1.2',
      handshakeTimeout: handshakeMs,
      keepAliveTimeout: app.server.keepAliveTimeout,
    },
    app.routing,
  )
  server.maxConnections = connectionsAtOnce
  // Somebody who speaks no TLS, or does not trust us, has nothing to be told; without a listener Node would print a warning.
  server.on('tlsClientError', (_failure, socket) => socket.destroy())
  // By its addresses: the socket inside a TLSSocket is not to be had.
  const inHandshake = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const place = placeOf(socket)
    inHandshake.set(place, socket)
    socket.once('close', () => inHandshake.delete(place))
    for (const [oldest, half] of inHandshake) {
      if (inHandshake.size <= handshakesAtOnce) break
      inHandshake.delete(oldest)
      half.destroy()
    }
  })
  server.on('secureConnection', socket => inHandshake.delete(placeOf(socket)))
  const door = (): SecureDoor => {
    const { address, port } = server.address() as AddressInfo
    return {
      host: address,
      port,
      secure: context => server.setSecureContext({ ...context, minVersion: 'TLSv1.2' }),
      close: () =>
        new Promise(resolve => {
          server.close(() => resolve())
          server.closeIdleConnections()
          for (const socket of inHandshake.values()) socket.destroy()
        }),
      cut: () => server.closeAllConnections(),
    }
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // accept failing for want of file descriptors: the next one is tried again
      resolve(door())
    })
  })
}

const placeOf = ({ remoteAddress, remotePort, localAddress }: Socket): string => `${remoteAddress} ${remotePort} ${localAddress}`
