import { randomFillSync } from 'node:crypto'
import type { ConformanceCheck, ConformanceRun } from '../api/conformance.ts'
import type { PresenceState } from '../api/nodes.ts'
import type { Broker, Incoming } from '../broker/broker.ts'
import { decodeAck } from '../contract/decode.ts'
import { nodeTopic, parseTopic } from '../contract/topics.ts'
import { type Air, type Heard, runConformance } from '../fleet/conformance/conformance.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ConformanceDesk } from '../http/parts.ts'
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

interface Kept {
  readonly begun: number
  ended: number | null
  readonly checks: ConformanceCheck[]
}

/** So many nodes' latest runs are kept, in memory. */
const runsKept = 100

/** Conformance runs of live nodes, one a node at a time. `close` ends what is under way, and waits until the nodes are as they were. */
export function openConformance(parts: {
  readonly taps: Taps
  readonly lane: Pick<Lane, 'holdReceipts'>
  readonly broker: Broker
  readonly fleet: Pick<Fleet, 'described' | 'node'>
  readonly clock: Clock
}): ConformanceDesk & { close(): Promise<void> } {
  const { taps, lane, broker, fleet, clock } = parts
  const newId = ulidGenerator(
    () => clock.wallMs(),
    bytes => randomFillSync(bytes),
  )
  const latest = new Map<string, Kept>()
  const running = new Set<Promise<unknown>>()
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
      presence: () => presenceOf(fleet, node),
      pause: pauses.pause,
      givenUp: pauses.over,
      newId,
    }
  }
  return {
    begin(node) {
      if (latest.get(node)?.ended === null) return null
      const kept: Kept = { begun: clock.wallMs(), ended: null, checks: [] }
      latest.delete(node)
      latest.set(node, kept)
      for (const [old, { ended }] of latest) if (latest.size > runsKept && ended !== null) latest.delete(old)
      const ended = runConformance(air(node), kept.checks).then(() => {
        kept.ended = clock.wallMs()
        running.delete(ended)
        return view(node, kept)
      })
      running.add(ended)
      return { run: view(node, kept), ended }
    },
    latest(node) {
      const kept = latest.get(node)
      return kept ? view(node, kept) : null
    },
    async close() {
      pauses.end()
      await Promise.all(running)
    },
  }
}

const view = (node: string, { begun, ended, checks }: Kept): ConformanceRun => ({
  node,
  pass: checks.every(({ result }) => result !== 'fail'),
  checks: [...checks],
  begun,
  ended,
})

function presenceOf(fleet: Pick<Fleet, 'described' | 'node'>, id: string): PresenceState | null {
  const node = fleet.node(id)
  return node && (node.state !== 'unknown' || node.stored > 0 || fleet.described(id) !== null) ? node.state : null
}

/** Waits that all end at once when the manager stops. */
function openPauses(): { pause(ms: number): Promise<void>; end(): void; over(): boolean } {
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
    over: () => over,
    end() {
      over = true
      for (const done of [...waiting]) done()
    },
  }
}
