/** The topics of the wire contract §1. The root is `iot` unless configured. */
export const defaultRoot = 'iot'

/** A node's id in topics, e.g. `01`. */
export const nodeIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/

export type NodeTopicKind = 'telemetry' | 'status' | 'ack' | 'log' | 'command' | 'receipt'
export type BrokerTopicKind = 'status' | 'stats'

export const nodeTopic = (id: string, kind: NodeTopicKind, root = defaultRoot): string => `${root}/node/${id}/${kind}`
export const brokerTopic = (kind: BrokerTopicKind, root = defaultRoot): string => `${root}/broker/${kind}`

/** What a topic is. `badId`: the shape is a node topic's, its id is not one. `other`: nothing of ours. */
export type ParsedTopic =
  | { kind: NodeTopicKind; node: string }
  | { kind: 'badId'; of: NodeTopicKind }
  | { kind: 'brokerStatus' | 'brokerStats' }
  | { kind: 'other' }

const nodeKinds = new Set<string>(['telemetry', 'status', 'ack', 'log', 'command', 'receipt'])

export function parseTopic(topic: string, root = defaultRoot): ParsedTopic {
  const parts = topic.split('/')
  if (parts[0] !== root) return { kind: 'other' }
  if (parts[1] === 'broker' && parts.length === 3) {
    if (parts[2] === 'status') return { kind: 'brokerStatus' }
    if (parts[2] === 'stats') return { kind: 'brokerStats' }
    return { kind: 'other' }
  }
  const kind = parts[3]
  if (parts[1] !== 'node' || parts.length !== 4 || kind === undefined || !nodeKinds.has(kind)) return { kind: 'other' }
  const node = parts[2]!
  if (!nodeIdPattern.test(node)) return { kind: 'badId', of: kind as NodeTopicKind }
  return { kind: kind as NodeTopicKind, node }
}
