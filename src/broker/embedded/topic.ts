import { isUtf8 } from 'node:buffer'
import { type NodeTopicKind, type ParsedTopic, parseTopic } from '../../contract/topics.ts'
import type { NodeReach, Reach } from './reach.ts'
import { noTargets, type Targets } from './router.ts'

/** A topic name seen before: everything that depends on the name alone is worked out once. */
export class Topic {
  readonly name: string
  /** UTF-8 with its two length bytes in front, as a PUBLISH carries it. */
  readonly wire: Buffer
  readonly levels: readonly string[]
  readonly parsed: ParsedTopic
  /** The node it belongs to (and its bookkeeping), null for any other topic. */
  readonly node: NodeReach | null
  /** Longer or deeper than this broker carries: denied. */
  readonly beyondLimits: boolean
  /** The manager wants it before it is acknowledged: telemetry, status, ack, also with an id that is none (kept reject `bad_topic`). */
  readonly ingested: boolean
  /** Goes to subscribers. A node topic whose id is none does not (wire contract §1). */
  readonly forwarded: boolean
  /** What the router answered last, and when. */
  targets: Targets = noTargets
  targetsVersion = -1

  constructor(name: string, root: string, limits: { topicBytes: number; topicLevels: number }, reach: Reach) {
    const bytes = Buffer.from(name)
    this.name = name
    this.wire = Buffer.allocUnsafeSlow(2 + bytes.length)
    this.wire.writeUInt16BE(bytes.length)
    this.wire.set(bytes, 2)
    this.levels = name.split('/')
    this.parsed = parseTopic(name, root)
    this.beyondLimits = bytes.length > limits.topicBytes || this.levels.length > limits.topicLevels
    const parsed = this.parsed
    this.node = 'node' in parsed ? reach.entry(parsed.node) : null
    this.ingested = 'node' in parsed ? ingestedKinds.has(parsed.kind) : parsed.kind === 'badId' && ingestedKinds.has(parsed.of)
    this.forwarded = parsed.kind !== 'badId'
  }
}

const ingestedKinds = new Set<NodeTopicKind>(['telemetry', 'status', 'ack'])

/** Names from the wire to topics, through a bounded cache: latin1 of the bytes is a lossless key that costs no UTF-8 check, so a
 *  topic is checked and taken apart once, not once a message. */
export class Topics {
  private readonly byWire = new Map<string, Topic>()
  private readonly byName = new Map<string, Topic>()
  private readonly root: string
  private readonly limits: { topicBytes: number; topicLevels: number }
  private readonly reach: Reach

  constructor(root: string, limits: { topicBytes: number; topicLevels: number }, reach: Reach) {
    this.root = root
    this.limits = limits
    this.reach = reach
  }

  /** The topic in `bytes[start, end)` of a PUBLISH; null when it is no topic name at all [MQTT-1.5.3-1, -2, 3.3.2-2, 4.7.3-1]. */
  fromWire(bytes: Buffer, start: number, end: number): Topic | null {
    const key = bytes.toString('latin1', start, end)
    const known = this.byWire.get(key)
    if (known !== undefined) return known
    const raw = bytes.subarray(start, end)
    if (!isUtf8(raw)) return null
    const name = raw.toString()
    if (!isTopicName(name)) return null
    const topic = this.of(name)
    if (!topic.beyondLimits) this.byWire.set(key, topic)
    return topic
  }

  /** The topic of a name that is known to be one. */
  of(name: string): Topic {
    const known = this.byName.get(name)
    if (known !== undefined) return known
    const topic = new Topic(name, this.root, this.limits, this.reach)
    if (topic.beyondLimits) return topic
    if (this.byName.size >= cachedTopics) {
      this.byName.clear()
      this.byWire.clear()
    }
    this.byName.set(name, topic)
    return topic
  }
}

/** Topics remembered; a fleet of 10,000 nodes has 30,000 busy ones. Beyond it the cache starts anew. */
const cachedTopics = 65_536

export const isTopicName = (name: string): boolean => name.length > 0 && !/[\0+#]/.test(name)

/** A filter's wildcards stand alone in their level, `#` only in the last [MQTT-4.7.1-2, -3]. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || filter.includes('\0')) return false
  const levels = filter.split('/')
  return levels.every((level, i) => {
    if (level === '#') return i === levels.length - 1
    return level === '+' || !/[+#]/.test(level)
  })
}
