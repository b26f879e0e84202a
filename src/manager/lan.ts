import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { ConnectInfo } from '../api/identities.ts'
import type { Endpoint } from '../api/run.ts'
import type { EmbeddedBroker, ListenerOptions } from '../broker/embedded/embedded.ts'
import type { UpOptions } from '../config/config.ts'
import type { IdentitySources } from '../fleet/fleet.ts'
import type { HttpServer } from '../http/http.ts'
import type { Clock } from '../kit/clock.ts'
import type { Certificates, MachineNames } from '../site/site.ts'
import { isLoopback, listening, NotLoopback } from './errors.ts'
import type { Log } from './log.ts'
import { every } from './timers.ts'

/** What boards and browsers on the LAN reach: which addresses are listened on, with which certificate. Without --lan it is the
 *  loopback alone, and the rest answers with nothing. */
export interface Lan {
  /** The broker's listeners; where --mqtt-port says is the first. */
  readonly listeners: readonly ListenerOptions[]
  /** Names under which the page is served, besides `localhost` and addresses. */
  readonly hostNames: readonly string[]
  readonly identities: Pick<IdentitySources, 'issuer' | 'mqttsPort'>
  /** Once the broker listens (null: it is not ours): opens HTTPS, announces all on the LAN and looks after the certificate from then on. */
  serve(broker: EmbeddedBroker | null, http: HttpServer): Promise<{ mqtts: Endpoint | null; https: Endpoint | null }>
  /** Takes over what the clock and the network have changed: a new certificate where it is due. Called each minute. */
  look(): Promise<void>
  /** Where a board reaches HTTPS by a name that is in the certificate, given the address of this machine that it speaks to already (null:
   *  not known); null: there is no such listener. */
  httpsFor(local: string | null): { host: string; port: number } | null
  /** GET /api/connect. */
  connect(): ConnectInfo
  /** For GET /api/machine and alerts; `expires` in Unix ms. Empty without --lan. */
  certificates(): { name: string; expires: number; fingerprint: string }[]
  close(): Promise<void>
}

export interface LanParts {
  readonly options: UpOptions
  readonly clock: Clock
  readonly clockSuspect: () => boolean
  readonly log: Log
  /** The server has a new certificate: for the audit log. */
  readonly onRenewed?: (fingerprint: string) => void
}

const everywhere = '0.0.0.0'
/** Addresses come and go with the router; certificates are due once in months. To look costs nothing. */
const lookEveryMs = 60_000

/** A listener without TLS may be reached from elsewhere only where a person said so. */
export function checkHosts({ lan, insecure, mqttHost, httpHost }: UpOptions): void {
  if (lan && insecure) return
  if (!isLoopback(mqttHost)) throw new NotLoopback(mqttHost, '--mqtt-host')
  if (!isLoopback(httpHost)) throw new NotLoopback(httpHost, '--http-host')
}

/** Makes or reads the certificates with --lan. Rejects with CertificatesDamaged. */
export async function openLan(parts: LanParts): Promise<Lan> {
  const { options, clock, clockSuspect, log } = parts
  const { lan, mqttHost: host, mqttPort: port } = options
  if (options.insecure && !lan && options.broker === 'embedded') log.warn('--insecure does nothing without --lan')
  if (!lan) return loopbackAlone([{ host, port, anonymous: true }], options)

  // Loaded here: it takes a tenth of a second that nobody pays who doesn't use it.
  const site = await import('../site/site.ts')
  const names = (): MachineNames => site.machineNames(options.publicHost)
  const dir = join(options.data, 'ca')
  const certificates = await site.openCertificates({ dir, clock, clockSuspect, names, onTrouble: text => log.warn(text) })
  const tls = (): SecureContextOptions => contextOf(certificates)
  const plain: ListenerOptions = options.insecure
    ? { host: everywhere, port, anonymous: 'from this machine' }
    : { host, port, anonymous: true }

  let address = await site.lanAddress()
  let ports: { mqtts: number; mqtt: number | null } = { mqtts: 0, mqtt: null }
  let httpsPort: number | null = null
  const stops: (() => Promise<unknown>)[] = []
  const wearers: { secure(context: SecureContextOptions): void }[] = []
  const look = async (): Promise<void> => {
    address = await site.lanAddress()
    if (!(await certificates.check())) return
    for (const wearer of wearers) wearer.secure(tls())
    log.info({ fingerprint: certificates.server().fingerprint }, 'the server has a new certificate')
    parts.onRenewed?.(certificates.server().fingerprint)
  }

  return {
    listeners: [plain, { host: everywhere, port: options.mqttsPort, tls: tls(), anonymous: false }],
    hostNames: names().dns,
    identities: { issuer: () => certificates, mqttsPort: () => ports.mqtts },
    async serve(broker, http) {
      const [mqtt = 0, mqtts = 0] = broker?.ports ?? []
      ports = { mqtts, mqtt: options.insecure ? mqtt : null }
      const door = await listening('--https-port', everywhere, options.httpsPort, () =>
        http.listenSecurely({ host: everywhere, port: options.httpsPort, tls: tls() }),
      )
      httpsPort = door.port
      wearers.push(...(broker === null ? [] : [broker]), door)
      const services = [
        ...(broker === null ? [] : [{ type: 'secure-mqtt' as const, port: mqtts }]),
        { type: 'https' as const, port: door.port },
      ]
      stops.push(
        site.advertise(services, text => log.warn(text)),
        every(lookEveryMs, look, log),
      )
      return { mqtts: broker === null ? null : { host: everywhere, port: mqtts }, https: { host: door.host, port: door.port } }
    },
    look,
    httpsFor(local) {
      if (httpsPort === null) return null
      // The listener is on IPv4 alone.
      const own = local !== null && isIPv4(local) && names().ips.includes(local) ? local : null
      const host = options.publicHost ?? own ?? address ?? '127.0.0.1'
      return { host, port: httpsPort }
    },
    connect: () =>
      foreignDoor(options, address, certificates) ?? {
        host: options.publicHost ?? address ?? names().dns.find(name => name.endsWith('.local')) ?? '127.0.0.1',
        mqtts_port: ports.mqtts,
        mqtt_port: ports.mqtt,
        ca: certificates.ca.pem,
        ca_sha256: certificates.ca.fingerprint,
      },
    certificates: () => [
      { name: 'CA', expires: certificates.ca.expires, fingerprint: certificates.ca.fingerprint },
      { name: 'server', expires: certificates.server().expires, fingerprint: certificates.server().fingerprint },
    ],
    close: async () => void (await Promise.all(stops.map(stop => stop()))),
  }
}

/** How boards reach somebody else's broker: as we do, as far as we know. The CA is that of our page. null: the broker is ours. */
function foreignDoor(
  { broker, publicHost }: UpOptions,
  address: string | null,
  certificates: Pick<Certificates, 'ca'> | null,
): ConnectInfo | null {
  if (broker === 'embedded') return null
  const { host, port, tls } = broker
  const reached = isLoopback(host) ? (publicHost ?? address ?? host) : host
  return {
    host: reached,
    mqtts_port: tls ? port : null,
    mqtt_port: tls ? null : port,
    ca: certificates?.ca.pem ?? null,
    ca_sha256: certificates?.ca.fingerprint ?? null,
  }
}

const contextOf = (certificates: Certificates): SecureContextOptions => {
  const { cert, key } = certificates.server()
  return { cert, key, ca: certificates.ca.pem }
}

const loopbackAlone = (listeners: ListenerOptions[], options: UpOptions): Lan => ({
  listeners,
  hostNames: [],
  identities: { issuer: () => null, mqttsPort: () => 0 },
  serve: async () => ({ mqtts: null, https: null }),
  look: async () => undefined,
  httpsFor: () => null,
  connect: () =>
    foreignDoor(options, null, null) ?? {
      host: options.publicHost ?? '127.0.0.1',
      mqtts_port: null,
      mqtt_port: null,
      ca: null,
      ca_sha256: null,
    },
  certificates: () => [],
  close: async () => undefined,
})
