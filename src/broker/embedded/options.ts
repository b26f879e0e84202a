import type { SecureContextOptions } from 'node:tls'
import { limits as contract } from '../../contract/limits.ts'
import type { Clock } from '../../kit/clock.ts'
import type { BrokerNotice } from '../broker.ts'
import type { Permissions } from './permissions.ts'

/** One address to listen on. `port` 0 takes any free one; the broker's `ports` say which. */
export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** Present: MQTT over TLS, with this certificate, key and `ca`: who has a client certificate of that CA needs no password. */
  readonly tls?: SecureContextOptions
  /** Clients without credentials get in with role `local`. For the loopback only (wire contract §1): `from this machine` is for an
   *  address that others reach too, and lets those in whose connection has both its ends on the loopback. */
  readonly anonymous: boolean | 'from this machine'
}

export interface EmbeddedOptions {
  readonly listeners: readonly ListenerOptions[]
  /** Folder for persistent sessions and retained messages. Absent: they live as long as the process. */
  readonly keepDir?: string
  /** First level of all topics; `iot` unless configured. */
  readonly root?: string
  /** Under load a group may wait this long for more messages. A lone message never waits. Default 5. */
  readonly commitWindowMs?: number
  readonly limits?: Partial<BrokerLimits>
  readonly clock: Clock
  readonly version: string
  /** Who may do what; the wire contract's table unless a test hands in another. */
  readonly permissions?: Permissions
  /** Nodes for which anonymous clients may not publish: nobody claimed them. Default: none. */
  readonly refuses?: (node: string) => boolean
  /** Told once for each trouble that needs a person (damaged keep, a write that fails, retained messages full). */
  readonly onAlarm?: (sentence: string) => void
  /** A client was disconnected for breaking the protocol: for the log. `client` is empty before its CONNECT was accepted. */
  readonly onFault?: (client: string, why: string) => void
  /** Refused log-ins, denied publishes, take-overs, log lines: for the message feed. Called often under attack; must be quick. */
  readonly onNotice?: (notice: BrokerNotice) => void
}

/** Every bound of the broker. Numbers from the broker's rules; a test may make them smaller. */
export interface BrokerLimits {
  readonly connections: number
  /** Bytes of the CONNECT packet, and of any later one. */
  readonly connectBytes: number
  readonly packetBytes: number
  /** From accepted socket to whole CONNECT; with TLS from there to the end of the handshake, and once more to the CONNECT. */
  readonly connectMs: number
  /** TLS handshakes at once, a listener; one more, and the oldest goes. */
  readonly handshakes: number
  readonly clientIdBytes: number
  /** Sessions that outlive their connections; a new one beyond it is refused with CONNACK 3. */
  readonly persistentSessions: number
  /** Filters of one session; beyond it 0x80. */
  readonly subscriptions: number
  readonly topicBytes: number
  readonly topicLevels: number
  /** Unacknowledged messages on the way to one client, by role. */
  readonly windowNode: number
  readonly windowService: number
  readonly windowLocal: number
  /** Bytes of those. At least one message is always allowed. */
  readonly windowBytes: number
  /** What waits for one session; beyond it the oldest goes. */
  readonly queueMessages: number
  readonly queueBytes: number
  /** Unsent bytes of one socket: beyond it QoS 0 is dropped and QoS > 0 stays in the session's queue. */
  readonly unsentBytes: number
  /** A socket that takes nothing for so long is closed; a service that acknowledges nothing for so long slows nobody any more. */
  readonly stuckMs: number
  /** QoS 2 messages a client may leave unreleased. */
  readonly incomingIds: number
  /** Uncommitted messages of one client, and of all: beyond it sockets are paused. */
  readonly inboxMessages: number
  readonly inboxBytes: number
  readonly pendingMessages: number
  readonly pendingBytes: number
  /** One group of the commit queue. */
  readonly groupMessages: number
  readonly groupBytes: number
  readonly retainedTopics: number
  readonly retainedBytes: number
  /** How long close() waits for what was read to be committed. */
  readonly closeMs: number
  readonly sysEveryMs: number
}

const MiB = 1024 * 1024

export const defaultLimits: BrokerLimits = {
  connections: 10_000,
  connectBytes: contract.connectBytes,
  packetBytes: contract.packetBytes,
  connectMs: 5_000,
  handshakes: 1_000,
  clientIdBytes: 256,
  persistentSessions: 10_000,
  subscriptions: 1_000,
  topicBytes: contract.topicBytes,
  topicLevels: contract.topicLevels,
  windowNode: 32,
  windowService: 2_048,
  // Role `local` is tools and programs on this machine more than boards, and a board there gets a handful of commands: with 32 a
  // fast QoS 1 monitor lost more than half of a full stream to its queue. Unlike a service it never slows a publisher down.
  windowLocal: 2_048,
  windowBytes: 8 * MiB,
  queueMessages: 1_000,
  queueBytes: 8 * MiB,
  unsentBytes: MiB,
  stuckMs: 30_000,
  incomingIds: 1_024,
  inboxMessages: 1_024,
  inboxBytes: MiB,
  pendingMessages: 50_000,
  pendingBytes: 64 * MiB,
  groupMessages: 5_000,
  groupBytes: 4 * MiB,
  retainedTopics: 10_000,
  retainedBytes: 64 * MiB,
  closeMs: 4_000,
  sysEveryMs: 10_000,
}
