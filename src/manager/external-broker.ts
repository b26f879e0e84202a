import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { BrokerAccess } from '../api/run.ts'
import { type MosquittoBroker, type MqttCredentials, openMosquittoBroker } from '../broker/mosquitto/mosquitto.ts'
import { brokerUrl, type ExternalBroker, type UpOptions } from '../config/config.ts'
import { nodeTopic } from '../contract/topics.ts'
import type { LiveSessions } from '../fleet/fleet.ts'
import { seeded } from '../kit/random.ts'
import { isLoopback } from './errors.ts'
import type { OwnBrokerParts } from './own-broker.ts'
import type { SimTarget } from './virtual-nodes.ts'

export type ExternalBrokerParts = Pick<OwnBrokerParts, 'options' | 'lane' | 'fleet' | 'messages' | 'clock' | 'log'> & {
  readonly external: ExternalBroker
  /** Called each time the broker is there again. */
  readonly onUp: () => void
}

type Files = Pick<
  UpOptions,
  'sim' | 'simReal' | 'brokerUser' | 'brokerPassword' | 'brokerPasswordFile' | 'brokerCa' | 'brokerCert' | 'brokerKey'
>

const managerUser = '_manager'

/** The user name we connect with; null: as anonymous. */
export const userOf = ({ brokerUser, brokerPassword, brokerPasswordFile }: Files): string | null =>
  brokerUser ?? (brokerPassword === null && brokerPasswordFile === null ? null : managerUser)

/** The subscriber of an external broker, joined to those it speaks to. Who connects there, with which password, is that broker's
 *  business: nobody is authenticated, and nobody disconnected, here. */
export function openExternalBroker(parts: ExternalBrokerParts): MosquittoBroker {
  const { external, options, lane, fleet, messages, clock, log, onUp } = parts
  const { host, port, tls } = external
  if (!tls && !isLoopback(host))
    log.warn(`${brokerUrl(external)} is another machine and without TLS: everybody on the way can read what we say there`)
  return openMosquittoBroker(
    {
      host,
      port,
      tls,
      credentials: () => credentialsOf(options),
      clientId: userOf(options) ?? managerUser,
      clock,
      random: seeded(crypto.getRandomValues(new Uint32Array(1))[0]!),
      onUp: () => {
        log.info(`connected to ${brokerUrl(external)}`)
        // It may have been away for long: commands that waited for it can leave.
        for (const { id } of fleet.nodes()) fleet.reachability(id, true)
        onUp()
      },
      onNotice: notice => messages.notice(notice),
      onTrouble: text => log.warn(text),
    },
    {
      accept: group => lane.accept(group),
      oversize: notice => lane.oversize(notice),
      reachability: (node, reachable) => fleet.reachability(node, reachable),
      authenticate: async () => null,
    },
  )
}

async function credentialsOf(options: Files): Promise<MqttCredentials> {
  const { brokerPassword, brokerPasswordFile, brokerCa, brokerCert, brokerKey } = options
  const text = (file: string | null): Promise<string | null> => (file === null ? Promise.resolve(null) : readFile(file, 'utf8'))
  const [password, ca, cert, key] = await Promise.all([brokerPasswordFile, brokerCa, brokerCert, brokerKey].map(text))
  return { user: userOf(options), password: brokerPassword ?? password?.trim() ?? null, ca: ca!, cert: cert!, key: key! }
}

/** Virtual nodes come in by our own user, if it may: that broker knows no other of ours. */
export async function simTarget({ host, port, tls }: ExternalBroker, options: Files): Promise<SimTarget> {
  if (options.sim === 0 && options.simReal === 0) return { broker: { host, port, tls }, username: null, password: null }
  const { user, password, ca, cert, key } = await credentialsOf(options)
  const pems = { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) }
  return { broker: { host, port, tls, ...pems }, username: user, password }
}

/** For run.json: how the CLI reaches the broker, in names of files, never in secrets. */
export function accessOf(external: ExternalBroker, options: Files): BrokerAccess {
  const file = (name: string | null): string | null => (name === null ? null : resolve(name))
  return {
    url: brokerUrl(external),
    user: userOf(options),
    password_file: file(options.brokerPasswordFile),
    ca: file(options.brokerCa),
    cert: file(options.brokerCert),
    key: file(options.brokerKey),
  }
}

/** Sessions there can't be seen or closed. What is said for a node comes back by our own subscription, like any other status. */
export const foreignSessions = (broker: Pick<MosquittoBroker, 'publish'>): LiveSessions => ({
  disconnect: async () => undefined,
  connected: () => new Set(),
  speakFor: (node, status) =>
    broker.publish({ topic: nodeTopic(node, 'status'), payload: status ?? new Uint8Array(0), qos: 1, retain: true }),
})

/** Why credentials are not given, changed or taken here, and where they are. */
export const credentialsElsewhere = (external: ExternalBroker): string =>
  `who may connect is decided by the broker at ${brokerUrl(external)}, not here: change its password file and ACL there ` +
  '(mosquitto_passwd FILE ID, then SIGHUP; docs/guide/mosquitto.md)'
