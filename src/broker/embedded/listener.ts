import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { BrokerNotice, ClientCertificate } from '../broker.ts'

import type { BrokerLimits, ListenerOptions } from './options.ts'
import { addressOf } from './refusal.ts'

/** What is known of a client before its first packet. */
export interface Arrival {
  readonly socket: Socket
  /** Clients without credentials get in, as role `local`. */
  readonly anonymous: boolean
  readonly certificate: ClientCertificate | null
  /** It showed a certificate that is not to be trusted: why. */
  readonly foreign: string | null
}

export interface ListenerParts {
  readonly limits: BrokerLimits
  /** All sockets of all listeners, also those still in a handshake: together they are bounded by `limits.connections`. */
  readonly sockets: Set<Socket>
  take(arrival: Arrival): void
  notice(notice: BrokerNotice): void
}

export interface Listener {
  readonly port: number
  /** Handshakes from now on are answered with this; open connections stay as they are. Nothing happens without TLS. */
  secure(context: SecureContextOptions): void
  /** Takes nobody any more. */
  close(): void
}

/** Listens on one address and hands over whoever arrives, after the handshake where there is TLS. Rejects with the socket's error. */
export async function openListener(options: ListenerOptions, parts: ListenerParts): Promise<Listener> {
  const anonymous = (socket: Socket): boolean =>
    options.anonymous === 'from this machine' ? fromThisMachine(socket) : options.anonymous
  const handshakes = options.tls && createHandshakes(options.tls, parts, anonymous)
  const server = createServer(socket => {
    const { sockets, limits } = parts
    if (sockets.size >= limits.connections) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // 44 ms → 0.2 ms for request and reply: acknowledgements must not wait for more data.
    socket.setNoDelay(true)
    if (handshakes) handshakes.begin(socket)
    else parts.take({ socket, anonymous: anonymous(socket), certificate: null, foreign: null })
  })
  await listening(server, options)
  return {
    port: (server.address() as AddressInfo).port,
    secure: context => handshakes?.server.setSecureContext(contextOf(context)),
    close: () => void server.close(),
  }
}

const contextOf = (context: SecureContextOptions): SecureContextOptions => ({ ...context, minVersion: 'TLSv1.2' })

/** A TLS server that listens nowhere: it is given sockets. Each has `connectMs`; beyond `limits.handshakes` at once the oldest goes,
 *  so that a flood of half-open ones keeps nobody out for long. */
function createHandshakes(
  context: SecureContextOptions,
  { limits, take, notice }: ListenerParts,
  anonymous: (socket: Socket) => boolean,
): { server: TlsServer; begin(socket: Socket): void } {
  // By both addresses: the socket inside a TLSSocket is not to be had.
  const open = new Map<string, Socket>()
  const server = createTlsServer({
    ...contextOf(context),
    // Asked for, not demanded: whoever has none gives a password (wire contract §1). What it is worth is judged below.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: limits.connectMs,
  })
  server.on('secureConnection', socket => {
    open.delete(placeOf(socket))
    take({ socket, anonymous: anonymous(socket), ...shownBy(socket) })
  })
  // A handshake that fails is the client's trouble; without a listener it would be an exception.
  server.on('tlsClientError', (failure: NodeJS.ErrnoException, socket: Socket) => {
    // Who only hangs up (a port scan, a probe) has no trouble to tell of.
    if (failure.code !== 'ECONNRESET')
      notice({ kind: 'refused', why: 'tls', user: null, client: null, address: addressOf(socket), got: failure.code ?? null })
    socket.destroy()
  })
  return {
    server,
    begin(socket) {
      const place = placeOf(socket)
      open.set(place, socket)
      socket.once('close', () => open.delete(place))
      for (const [oldest, half] of open) {
        if (open.size <= limits.handshakes) break
        open.delete(oldest)
        half.destroy()
      }
      server.emit('connection', socket)
    },
  }
}

const placeOf = ({ remoteAddress, remotePort, localAddress }: Socket): string => `${remoteAddress} ${remotePort} ${localAddress}`

/** The certificate that the handshake found good, or why it did not. */
function shownBy(socket: TLSSocket): Pick<Arrival, 'certificate' | 'foreign'> {
  const shown = socket.getPeerCertificate()
  // An empty object stands for none.
  if (!shown || shown.raw === undefined) return { certificate: null, foreign: null }
  const cn: unknown = shown.subject?.CN
  if (!socket.authorized) return { certificate: null, foreign: String(socket.authorizationError ?? 'not trusted') }
  if (typeof cn !== 'string') return { certificate: null, foreign: 'no single common name' }
  return { certificate: { cn, serial: shown.serialNumber, fingerprint: shown.fingerprint256 }, foreign: null }
}

/** Both ends of the connection are on the loopback: nobody on the LAN can have either. */
const fromThisMachine = ({ remoteAddress, localAddress }: Socket): boolean =>
  isLoopback(remoteAddress) && isLoopback(localAddress)
const isLoopback = (address = ''): boolean => address === '::1' || /^(::ffff:)?127\./.test(address)

function listening(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // accept failing for want of file descriptors: the next one is tried again
      resolve()
    })
  })
}
