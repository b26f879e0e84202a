import type { Incoming, Outgoing } from '../../src/broker/broker.ts'
import type { Applier, DurableBatch, JournalEvent, Position, RejectEvent } from '../../src/contract/events.ts'
import { type Lane, type LaneParts, openLane } from '../../src/ingest/ingest.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { ManualClock } from '../../src/kit/clock.ts'
import { createLedger } from '../../src/ledger/create.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import type { ReadingsStore } from '../../src/store/readings.ts'

/** A lane on memory ports, with a hand on the journal: what a test of its behaviour needs. */
export interface World {
  readonly clock: ManualClock
  readonly journal: HeldJournal
  readonly store: ReadingsStore
  readonly ledger: Ledger
  readonly lane: Lane
  readonly published: Outgoing[]
  /** Sends telemetry of node 01 (or the given topic) and waits until it is accepted. */
  send(...messages: (object | Incoming)[]): Promise<void>
  events(): JournalEvent[]
  rejects(): RejectEvent[]
  /** Stored fields of a node by time. */
  rows(node?: string): Promise<Record<number, Record<string, number>>>
}

export const t0 = 1_704_844_800

export function openWorld(parts: Partial<LaneParts> = {}): World {
  const clock = new ManualClock()
  const journal = new HeldJournal()
  const store = parts.store ?? createMemoryReadings()
  const ledger = parts.ledger ?? createLedger()
  const published: Outgoing[] = []
  const lane = openLane({
    journal,
    ledger,
    store,
    appliers: [store],
    clock,
    ackMatches: () => true,
    clockSuspect: () => false,
    removed: () => false,
    ...parts,
  })
  lane.sendReceiptsThrough({
    publish: async message => {
      published.push(message)
    },
  })
  return {
    clock,
    journal,
    store,
    ledger,
    lane,
    published,
    send: (...messages) =>
      lane.accept(messages.map(message => ('topic' in message ? (message as Incoming) : telemetry(message, clock.wall)))),
    events: () => journal.batches.flatMap(batch => [...batch.events]),
    rejects: () => journal.batches.flatMap(batch => batch.events.filter(event => event.kind === 'reject')),
    async rows(node = '01') {
      const out: Record<number, Record<string, number>> = {}
      for (const row of await store.rows(node, 0, Number.MAX_SAFE_INTEGER)) {
        out[row.time] = Object.fromEntries(row.names.map((name, i) => [name, row.values[i]!]))
      }
      return out
    },
  }
}

export function message(topic: string, payload: string | Uint8Array, more: Partial<Incoming> = {}): Incoming {
  return {
    topic,
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    qos: 1,
    retain: false,
    replay: false,
    arrived: 1_704_844_900_000,
    client: '01',
    user: null,
    ...more,
  }
}

export const telemetry = (body: object, arrived = 1_704_844_900_000, node = '01'): Incoming =>
  message(`iot/node/${node}/telemetry`, JSON.stringify({ node_id: `node_${node}`, ...body }), { arrived })

/** A journal in memory whose appends can be held back. */
export class HeldJournal implements Journal {
  readonly batches: DurableBatch[] = []
  appends = 0
  private held: (() => void)[] | null = null
  private offset = 0

  hold(): void {
    this.held = []
  }

  release(): void {
    const waiting = this.held ?? []
    this.held = null
    for (const go of waiting) go()
  }

  async append(events: readonly JournalEvent[]): Promise<Position> {
    this.appends++
    const held = this.held
    if (held) await new Promise<void>(resolve => held.push(resolve))
    this.offset += 100
    const end = { segment: 0, offset: this.offset }
    this.batches.push({ events: [...events], end })
    return end
  }

  async replay(_from: Position, apply: (batch: DurableBatch) => void) {
    for (const batch of this.batches) apply(batch)
    return { batches: this.batches.length, events: 0, damaged: [] }
  }

  async trim(): Promise<void> {}
  end(): Position {
    return { segment: 0, offset: this.offset }
  }
  health() {
    return { ok: true, detail: '', bytes: 0, boundBytes: 1, segments: 1, appended: this.appends, failures: 0 }
  }
  async close(): Promise<void> {}
}

/** Counts what it is given. */
export const witness = (): Applier & { readonly batches: DurableBatch[] } => {
  const batches: DurableBatch[] = []
  return { batches, apply: batch => void batches.push(batch), watermark: () => ({ segment: 0, offset: 0 }) }
}
