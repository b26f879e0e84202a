import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { HttpParts } from './parts.ts'
import { openSecureDoor, type SecureDoor } from './secure.ts'
import { buildServer } from './server.ts'

export { createEventHub, type EventHub, type HubEvent } from './event-hub.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export type { Counters, HttpParts, RejectListQuery, RejectShelf } from './parts.ts'

/** http: requests in, answers from the rooms' own state out, and the live events to whoever listens. It promises that every input
 *  is checked against the schema that openapi.json shows, that every failure is a problem document, and that no caller without the
 *  token (or a session made with it) sees or changes anything but health. It never keeps state of its own and never decides what a
 *  command or a reading means. */
export interface HttpServer {
  readonly host: string
  readonly port: number
  /** Listens with TLS too: the same page and API. Rejects with the socket's error. */
  listenSecurely(at: {
    host: string
    port: number
    tls: SecureContextOptions
  }): Promise<Pick<SecureDoor, 'host' | 'port' | 'secure'>>
  /** Ends the event streams, lets requests in progress finish for two seconds, closes the sockets. */
  close(): Promise<void>
}

/** What a request in progress gets at the end. The whole process has 5 s after SIGTERM, and a long export must not take them all. */
const graceMs = 2000

/** Listens; rejects with the socket's error (`EADDRINUSE`, …) when it can't. */
export async function openHttp(parts: HttpParts): Promise<HttpServer> {
  const app = await buildServer(parts)
  try {
    await app.listen({ host: parts.host, port: parts.port })
  } catch (error) {
    await app.close()
    throw error
  }
  const { address, port } = app.server.address() as AddressInfo
  let door: SecureDoor | null = null
  const close = async (): Promise<void> => {
    const cut = setTimeout(() => {
      app.server.closeAllConnections()
      door?.cut()
    }, graceMs)
    await Promise.all([app.close(), door?.close()]).finally(() => clearTimeout(cut))
  }
  const listenSecurely: HttpServer['listenSecurely'] = async at => (door = await openSecureDoor(app, at))
  return { host: address, port, listenSecurely, close }
}
