import type { ParsedTopic } from '../../contract/topics.ts'
import { brokerTopic, nodeTopic } from '../../contract/topics.ts'
import type { Identity } from '../broker.ts'

/** Who may publish, subscribe to and receive what. Asked at each publish, for each filter, and again at each delivery: a wildcard
 *  may match more than its holder may read, and a grant may have been taken back. */
export interface Permissions {
  publish(identity: Identity, topic: TopicName): boolean
  subscribe(identity: Identity, filter: string): boolean
  receive(identity: Identity, topic: TopicName): boolean
}

/** The parts of a topic that permissions look at. */
export interface TopicName {
  readonly name: string
  readonly levels: readonly string[]
  readonly parsed: ParsedTopic
}

/** What nodes write of their own, and what role `local` writes of any node (wire contract §1). */
const fromNodes: ReadonlySet<string> = new Set(['telemetry', 'status', 'ack', 'log'])
const fromNodesIngested: ReadonlySet<string> = new Set(['telemetry', 'status', 'ack'])

/**
 * The table of the wire contract §1, for a root:
 *
 * | role | publishes | subscribes | receives |
 * |---|---|---|---|
 * | local | telemetry, status, ack, log of any node | filters whose first level is the root, or `$SYS` | the root, `$SYS` |
 * | node | its own telemetry, status, ack, log | its own command, receipt; `broker/status`; nothing wider | the same |
 * | service | everything under the root | filters whose first level is the root, or `$SYS` | the root, `$SYS` |
 *
 * `refuses`: nodes that nobody claimed, where the house rules so; role local then publishes nothing for them. Nobody publishes `$…`, nor outside the root. A telemetry, status or ack topic whose id is none may be published by local and
 * services: it becomes a kept reject and goes no further.
 */
export function contractPermissions(root: string, refuses: (node: string) => boolean = () => false): Permissions {
  const firstLevelIsOurs = (first: string): boolean => first === root || first === '$SYS'
  const brokerStatus = brokerTopic('status', root)
  const nodeReads = (user: string, name: string): boolean =>
    name === nodeTopic(user, 'command', root) || name === nodeTopic(user, 'receipt', root) || name === brokerStatus

  return {
    publish(identity, { parsed, levels }) {
      switch (identity.role) {
        case 'service':
          return levels[0] === root
        case 'local':
          if (parsed.kind === 'badId') return fromNodesIngested.has(parsed.of)
          return 'node' in parsed && fromNodes.has(parsed.kind) && !refuses(parsed.node)
        case 'node':
          return 'node' in parsed && parsed.node === identity.user && fromNodes.has(parsed.kind)
      }
    },
    subscribe(identity, filter) {
      return identity.role === 'node' ? nodeReads(identity.user, filter) : firstLevelIsOurs(filter.split('/', 1)[0]!)
    },
    receive(identity, topic) {
      return identity.role === 'node' ? nodeReads(identity.user, topic.name) : firstLevelIsOurs(topic.levels[0]!)
    },
  }
}
