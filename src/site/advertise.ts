import { createSocket } from 'node:dgram'
import type { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import bonjour from 'bonjour-service'

export interface Service {
  /** Without underscore and protocol: `secure-mqtt`. */
  readonly type: string
  readonly port: number
}

/** Says on the LAN (mDNS, DNS-SD) what is here. It is a convenience: a failure is told once and harms nothing, and the socket keeps no
 *  process alive. Answers with how to take it back. */
export function advertise(
  services: readonly Service[],
  onTrouble: (sentence: string) => void,
  socket = createSocket({ type: 'udp4', reuseAddr: true }),
): () => Promise<void> {
  let told = false
  const tell = (error: unknown): void => {
    if (!told)
      onTrouble(`this machine can't be announced on the LAN by mDNS (${(error as Error).message}); boards need its address`)
    told = true
  }
  try {
    socket.unref()
    const responder = new bonjour({ socket } as object, tell)
    // Errors of the socket surface on an inner emitter that the library keeps to itself; unheard they would end the process.
    ;(responder as unknown as { server: { mdns: EventEmitter } }).server.mdns.on('error', tell)
    for (const { type, port } of services)
      responder.publish({ name: advertisedName(), type, port, host: advertisedHost(), probe: false })
    return () => takenBack(responder)
  } catch (error) {
    tell(error)
    return async () => undefined
  }
}

const firstLabel = (): string => hostname().split('.')[0]!.toLowerCase()

const advertisedName = (): string => `Espalier on ${firstLabel()}`

/** A name of its own: where avahi answers for HOST.local, other addresses under that name would be a conflict, and it would rename
 *  the machine. */
export const advertisedHost = (): string => `espalier-${firstLabel()}.local`

/** Says goodbye, if that goes quickly, and closes. */
function takenBack(responder: InstanceType<typeof bonjour>): Promise<void> {
  return new Promise(resolve => {
    const close = (): void => {
      clearTimeout(late)
      responder.destroy(() => resolve())
    }
    const late = setTimeout(close, 300)
    responder.unpublishAll(close)
  })
}
