import type { BrokerAccess, Endpoint } from '../api/run.ts'
import type { Broker } from '../broker/broker.ts'
import type { EmbeddedBroker } from '../broker/embedded/embedded.ts'
import type { LiveSessions } from '../fleet/fleet.ts'
import { isLoopback } from './errors.ts'
import { accessOf, foreignSessions, openExternalBroker, simTarget } from './external-broker.ts'
import { liveSessions } from './identities.ts'
import { type OwnBrokerParts, openOwnBroker } from './own-broker.ts'
import type { SimTarget } from './virtual-nodes.ts'

/** The broker of this house, our own or somebody else's, with what differs between the two. */
export interface HouseBroker {
  readonly broker: Broker
  /** null: it is not ours. */
  readonly own: EmbeddedBroker | null
  /** Where clients of this machine reach it. */
  readonly endpoint: Endpoint
  readonly access: BrokerAccess | null
  readonly sessions: LiveSessions
  /** How virtual nodes connect. */
  forVirtualNodes(): Promise<SimTarget>
  /** Resolves when it is there for the first time; ours is there at once. */
  readonly there: Promise<void>
  /** Called each time it is there again: what was said of us meanwhile is not true any more. */
  whenUp(tell: () => void): void
}

export async function openHouseBroker(parts: OwnBrokerParts): Promise<HouseBroker> {
  const { options, lane, clock } = parts
  const external = options.broker
  if (external === 'embedded') {
    const broker = await openOwnBroker(parts)
    const endpoint = { host: isLoopback(options.mqttHost) ? options.mqttHost : '127.0.0.1', port: broker.ports[0]! }
    return {
      broker,
      own: broker,
      endpoint,
      access: null,
      sessions: liveSessions(broker, lane, clock),
      forVirtualNodes: async () => ({ broker: endpoint, username: null, password: null }),
      there: Promise.resolve(),
      whenUp: () => undefined,
    }
  }
  const listeners: (() => void)[] = []
  let arrived: () => void = () => undefined
  const there = new Promise<void>(resolve => {
    arrived = resolve
  })
  const onUp = (): void => {
    arrived()
    for (const tell of listeners) tell()
  }
  const broker = openExternalBroker({ ...parts, external, onUp })
  return {
    broker,
    own: null,
    endpoint: { host: external.host, port: external.port },
    access: accessOf(external, options),
    sessions: foreignSessions(broker),
    forVirtualNodes: () => simTarget(external, options),
    there,
    whenUp: tell => void listeners.push(tell),
  }
}
