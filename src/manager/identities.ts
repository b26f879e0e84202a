import { timingSafeEqual } from 'node:crypto'
import type { BrokerHandlers } from '../broker/broker.ts'
import type { EmbeddedBroker } from '../broker/embedded/embedded.ts'
import type { UpOptions } from '../config/config.ts'
import { nodeTopic } from '../contract/topics.ts'
import type { Identities, IdentitySources, LiveSessions } from '../fleet/fleet.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Clock } from '../kit/clock.ts'
import { credentialsElsewhere } from './external-broker.ts'
import type { Secrets } from './secrets.ts'

/** What the options say of identities. */
export function identitySources(options: Pick<UpOptions, 'sim' | 'unclaimed' | 'broker'>): Partial<IdentitySources> {
  return {
    policy: () => options.unclaimed,
    elsewhere: () => (options.broker === 'embedded' ? null : credentialsElsewhere(options.broker)),
    standsIn: id => {
      const number = /^sim-([1-9]\d{0,4})$/.exec(id)?.[1]
      return number !== undefined && Number(number) <= options.sim
    },
  }
}

/** Who may connect: the manager's own tools by the secret in the data directory, boards by what the identities know. */
export function authenticator(
  secrets: Pick<Secrets, 'managerSecret'>,
  identities: Pick<Identities, 'authenticate'>,
): BrokerHandlers['authenticate'] {
  return async shown => {
    if (shown.user !== '_manager' || shown.certificate !== undefined) return identities.authenticate(shown)
    return same(shown.password, secrets.managerSecret) ? { role: 'service', user: '_manager' } : null
  }
}

const same = (given: Uint8Array, secret: string): boolean => {
  const wanted = Buffer.from(secret)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** The broker's sessions as the identities close them. What is said for a node is retained for those who look later, and goes through
 *  the lane like any status, so that its presence changes by the same way. */
export function liveSessions(
  broker: Pick<EmbeddedBroker, 'revoke' | 'sessions' | 'publish'>,
  lane: Pick<Lane, 'accept'>,
  clock: Clock,
): LiveSessions {
  return {
    disconnect: user => broker.revoke(user),
    connected: () => new Set(broker.sessions().flatMap(({ connected, user }) => (connected && user !== null ? [user] : []))),
    async speakFor(node, status) {
      const topic = nodeTopic(node, 'status')
      const payload = status ?? new Uint8Array(0)
      await broker.publish({ topic, payload, qos: 1, retain: true })
      if (status === null) return
      const arrived = clock.wallMs()
      await lane.accept([{ topic, payload, qos: 1, retain: true, replay: false, arrived, client: '_manager', user: '_manager' }])
    },
  }
}
