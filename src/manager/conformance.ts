import { randomFillSync } from 'node:crypto'
import type { ConformanceReport } from '../api/conformance.ts'
import type { Broker, Incoming } from '../broker/broker.ts'
import { decodeAck } from '../contract/decode.ts'
import { nodeTopic, parseTopic } from '../contract/topics.ts'
import { type Air, type Heard, runConformance } from '../fleet/conformance/conformance.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Clock } from '../kit/clock.ts'
import { ulidGenerator } from '../kit/ulid.ts'

/** Stands before the lane: what a node says is heard by the conformance run that looks at it, and the acks of that run's own commands
 *  go no further, since nobody else sent them. */
export interface Taps extends Pick<Lane, 'accept' | 'oversize'> {
  listen(node: string, claimed: ReadonlySet<string>, hear: (heard: Heard) => void): () => void
}

interface Tap {
  readonly claimed: ReadonlySet<string>
  readonly hear: (heard: Heard) => void
}

export function openTaps(lane: Pick<Lane, 'accept' | 'oversize'>): Taps {
  const taps = new Map<string, Tap>()
  const passes = (message: Incoming): boolean => {
    const topic = parseTopic(message.topic)
    const tap = 'node' in topic ? taps.get(topic.node) : undefined
    if (!tap || message.replay || (topic.kind !== 'telemetry' && topic.kind !== 'status' && topic.kind !== 'ack')) return true
    tap.hear({ channel: topic.kind, payload: Uint8Array.from(message.payload), arrived: message.arrived })
    if (topic.kind !== 'ack' || !('node' in topic)) return true
    const decoded = decodeAck(message.payload, { topicNode: topic.node })
    return !(decoded.ok && decoded.ack.id !== undefined && tap.claimed.has(decoded.ack.id))
  }
  return {
    accept: group => lane.accept(taps.size === 0 ? group : group.filter(passes)),
    oversize: notice => lane.oversize(notice),
    listen(node, claimed, hear) {
      taps.set(node, { claimed, hear })
      return () => void taps.delete(node)
    },
  }
}

export interface ConformanceDesk {
  /** null: one is under way for this node. Rejects when the broker is away. */
  run(node: string): Promise<ConformanceReport | null>
  /** Ends what is under way. */
  close(): void
}

/** Conformance runs of live nodes, one a node at a time. */
export function openConformance(parts: {
  readonly taps: Taps
  readonly lane: Pick<Lane, 'holdReceipts'>
  readonly broker: Broker
  readonly fleet: Pick<Fleet, 'described'>
  readonly clock: Clock
}): ConformanceDesk {
  const { taps, lane, broker, fleet, clock } = parts
  const newId = ulidGenerator(
    () => clock.wallMs(),
    bytes => randomFillSync(bytes),
  )
  const running = new Set<string>()
  const pauses = openPauses()

  const air = (node: string): Air => {
    const claimed = new Set<string>()
    const topic = nodeTopic(node, 'command')
    return {
      node,
      clock,
      listen: hear => taps.listen(node, claimed, hear),
      claim: id => void claimed.add(id),
      command: (payload, retain) => broker.publish({ topic, payload, qos: 1, retain }),
      holdReceipts: () => lane.holdReceipts(node),
      cut: () => broker.cut(node),
      status: () => fleet.described(node),
      pause: pauses.pause,
      newId,
    }
  }
  return {
    async run(node) {
      if (running.has(node)) return null
      running.add(node)
      try {
        return await runConformance(air(node))
      } finally {
        running.delete(node)
      }
    },
    close: pauses.end,
  }
}

/** Waits that all end at once when the manager stops. */
function openPauses(): { pause(ms: number): Promise<void>; end(): void } {
  const waiting = new Set<() => void>()
  let over = false
  return {
    pause: ms =>
      new Promise(resolve => {
        if (over) return resolve()
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        timer.unref()
        waiting.add(done)
      }),
    end() {
      over = true
      for (const done of [...waiting]) done()
    },
  }
}
