import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'

import { advertisedHost } from '../advertise.ts'

/** What this machine is called and where it can be reached. */
export interface MachineNames {
  /** Lower case; `localhost`, the host's name, NAME.local, the name mDNS gives, and what it is known by outside. */
  readonly dns: readonly string[]
  readonly ips: readonly string[]
}

/** Letters, digits, hyphens and dots: other names can't stand in a certificate. */
const isName = (text: string): boolean =>
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(text)

/** The names of this moment; `publicHost`: a name or an address that people gave. IPv6 link-local addresses are left out: they mean
 *  nothing without an interface, and a certificate can't name one. */
export function machineNames(publicHost: string | null): MachineNames {
  const host = hostname().toLowerCase()
  const first = host.split('.')[0]!
  const outside = publicHost?.toLowerCase() ?? null
  const dns = ['localhost', host, first, `${first}.local`, advertisedHost()]
  const ips = ['127.0.0.1', '::1', ...lanAddresses()]
  if (outside !== null) (isIP(outside) ? ips : dns).push(outside)
  return { dns: [...new Set(dns)].filter(isName), ips: [...new Set(ips)] }
}

const lanAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal, address, family }) => !internal && !(family === 'IPv6' && /^fe[89ab]/i.test(address)))
    .map(({ address }) => address)

/** The IPv4 address that this machine has towards the rest of the network: that of its default route, else any. null: none.
 *  Connecting a datagram socket sends nothing; the kernel only looks up the route (192.0.2.1 is nobody's, RFC 5737). Given a
 *  callback, Node hands it the failure too: without a default route the socket is still bound to 0.0.0.0, which no board reaches. */
export async function lanAddress(towards = '192.0.2.1'): Promise<string | null> {
  const socket = createSocket('udp4')
  try {
    return await new Promise<string>((resolve, reject) => {
      const connected = (failure?: Error): void => (failure ? reject(failure) : resolve(socket.address().address))
      socket.connect(9, towards, connected)
    })
  } catch {
    return lanAddresses().find(address => isIP(address) === 4) ?? null
  } finally {
    socket.close()
  }
}
