import type { Clock } from '../../kit/clock.ts'
import type { Random } from '../../kit/random.ts'
import type { BrokerNotice } from '../broker.ts'

export interface MosquittoOptions {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Asked before each connection, so that a changed password or certificate needs no restart. */
  readonly credentials: () => Promise<MqttCredentials>
  /** The name of the durable session. One subscriber alone may use it: the broker throws out the one before. */
  readonly clientId: string
  /** First level of all topics; `iot` unless configured. */
  readonly root?: string
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Partial<SubscriberLimits>
  /** Connected and subscribed, again after each time it was away: whoever tells the broker what holds now does it here. */
  readonly onUp?: () => void
  /** Log lines of nodes; the broker tells a subscriber nothing else. */
  readonly onNotice?: (notice: BrokerNotice) => void
  /** Told in words, each reason once while the broker is away. */
  readonly onTrouble?: (sentence: string) => void
}

export interface MqttCredentials {
  readonly user: string | null
  readonly password: string | null
  /** PEM; null: the certificates this machine trusts. */
  readonly ca: string | null
  /** The client's own certificate and its key, PEM. */
  readonly cert: string | null
  readonly key: string | null
}

export interface SubscriberLimits {
  /** Largest packet that is read whole (wire contract §2). */
  readonly packetBytes: number
  /** Read and not yet durable; above it the socket is paused. */
  readonly waitingMessages: number
  readonly waitingBytes: number
  /** Own publishes that wait for the broker's PUBACK at one time, and those that wait for room. */
  readonly inflight: number
  readonly unsent: number
  /** Seconds, told in CONNECT. */
  readonly keepAliveS: number
  /** From the first packet of the socket to SUBACK. */
  readonly openMs: number
  readonly backoff: { readonly firstMs: number; readonly ceilingMs: number; readonly floorMs: number }
  /** A connection that held so long begins the back-off anew. */
  readonly steadyMs: number
  /** How long a stop waits for what was read to be durable. */
  readonly closeMs: number
}

export const defaultLimits: SubscriberLimits = {
  packetBytes: 66_560,
  waitingMessages: 8_192,
  waitingBytes: 8 * 1024 * 1024,
  inflight: 512,
  unsent: 20_000,
  keepAliveS: 30,
  openMs: 10_000,
  backoff: { firstMs: 200, ceilingMs: 5_000, floorMs: 50 },
  steadyMs: 10_000,
  closeMs: 2_000,
}
