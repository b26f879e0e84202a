import type { Incoming } from '../broker/broker.ts'
import { decodeAck, decodeStatus } from '../contract/decode.ts'
import type { JournalEvent } from '../contract/events.ts'
import type { MessageReject } from '../contract/refused.ts'
import { type ParsedTopic, parseTopic } from '../contract/topics.ts'
import { decode } from './decode-fast.ts'
import { type JudgeParts, judge, type Verdict } from './judge.ts'
import { laneDetails, rejectedMessage } from './rejection.ts'

/** One message to its events: what is it (contract/topics), what does it say (contract/decode), and, for telemetry, what of it is
 *  new (judge.ts). Topics nobody judges, and logs, make no event. */
export interface ReaderParts extends JudgeParts {
  readonly ackMatches: (node: string, ack: { id?: string; command: string }) => boolean
  readonly clockSuspect: () => boolean
  readonly removed: (node: string) => boolean
  readonly unclaimed: (node: string) => boolean
  /** What was told so far must be applied before the next answer of `ackMatches` is worth anything; see `ack` below. */
  readonly settleAcks: (node: string) => Promise<void> | undefined
  readonly outcome: Outcome
}

/** Where the reader tells what a message came to, for counters and receipts. */
export interface Outcome {
  log(): void
  telemetry(node: string, verdict: Verdict): void
}

export class MessageReader {
  private readonly topics = new TopicMemory()
  private readonly parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.parts = parts
  }

  /** A promise only when something else must be read or applied first. */
  read(message: Incoming): Promise<void> | undefined {
    const topic = this.topics.parse(message.topic)
    switch (topic.kind) {
      case 'telemetry':
        return this.telemetry(message, topic.node)
      case 'status':
        return this.status(message, topic.node)
      case 'ack':
        return this.ack(message, topic.node)
      case 'log':
        this.parts.outcome.log()
        return
      case 'badId':
        return this.badId(message, topic.of)
      default:
        return
    }
  }

  private telemetry(message: Incoming, node: string): Promise<void> | undefined {
    const { parts } = this
    if (parts.removed(node)) return this.quarantine(message, node)
    if (parts.unclaimed(node)) return this.keepApart(message, node)
    if (message.replay) return this.reject(message, node, { reason: 'retained_replay', detail: laneDetails.retainedReplay() })
    const context = { topicNode: node, now: message.arrived, clockSuspect: parts.clockSuspect() }
    const decoded = decode(message.payload, context)
    if (!decoded.ok) return this.reject(message, node, decoded.reject)
    const verdict = judge(message, decoded, parts)
    if (verdict instanceof Promise) return verdict.then(judged => parts.outcome.telemetry(node, judged))
    parts.outcome.telemetry(node, verdict)
    return
  }

  private status(message: Incoming, node: string): undefined {
    const { parts } = this
    const decoded = decodeStatus(message.payload, { topicNode: node, retained: message.retain || message.replay })
    if (parts.removed(node)) {
      // Clearing the retained status of a removed node is how it is tidied away: neither news nor a fault.
      return decoded.ok && decoded.status === null ? undefined : this.quarantine(message, node)
    }
    // Clearing it leaves nothing to keep apart.
    if (parts.unclaimed(node)) return decoded.ok && decoded.status === null ? undefined : this.keepApart(message, node)
    if (!decoded.ok) return this.reject(message, node, decoded.reject)
    return this.emit({ kind: 'status', node, arrived: message.arrived, live: !message.replay, status: decoded.status })
  }

  private ack(message: Incoming, node: string): Promise<void> | undefined {
    if (this.parts.removed(node)) return this.quarantine(message, node)
    if (this.parts.unclaimed(node)) return this.keepApart(message, node)
    const decoded = decodeAck(message.payload, { topicNode: node })
    if (!decoded.ok) return this.reject(message, node, decoded.reject)
    const { ack } = decoded
    // An old ack without an id would close a command that came after it.
    if (message.replay && ack.id === undefined) {
      return this.reject(message, node, { reason: 'retained_replay', detail: laneDetails.retainedReplay() })
    }
    const judged = (): undefined => {
      if (this.parts.ackMatches(node, ack)) return this.emit({ kind: 'ack', node, arrived: message.arrived, ack })
      return this.reject(message, node, { reason: 'unknown_command_id', detail: laneDetails.unknownCommand(ack) })
    }
    return this.parts.settleAcks(node)?.then(judged) ?? judged()
  }

  private badId(message: Incoming, of: string): undefined {
    if (of === 'log') this.parts.outcome.log()
    if (of !== 'telemetry' && of !== 'status' && of !== 'ack') return
    // An empty retained payload clears what stands there, whatever the topic is.
    if (of === 'status' && message.payload.length === 0 && (message.retain || message.replay)) return
    return this.reject(message, null, { reason: 'bad_topic', detail: laneDetails.badTopic(message.topic) })
  }

  private quarantine(message: Incoming, node: string): undefined {
    // Added again later, it begins anew: what was remembered of its old life is not kept.
    this.parts.nodes.forget(node)
    return this.reject(message, node, { reason: 'removed', detail: laneDetails.removed(node) })
  }

  private keepApart(message: Incoming, node: string): undefined {
    return this.reject(message, node, { reason: 'unclaimed', detail: laneDetails.unclaimed(node) })
  }

  private reject(message: Incoming, node: string | null, { reason, detail }: MessageReject): undefined {
    return this.emit(rejectedMessage(message, node, reason, detail))
  }

  private emit(event: JournalEvent): undefined {
    this.parts.emit(event)
    return undefined
  }
}

/** Topics repeat: a map look-up instead of a split and a pattern each time. Bounded, because strangers may invent topics. */
class TopicMemory {
  private readonly known = new Map<string, ParsedTopic>()

  parse(topic: string): ParsedTopic {
    let parsed = this.known.get(topic)
    if (!parsed) {
      parsed = parseTopic(topic)
      if (this.known.size >= 20_000) this.known.clear()
      this.known.set(topic, parsed)
    }
    return parsed
  }
}
