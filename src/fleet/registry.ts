import type { NodeView, PresenceState } from '../api/nodes.ts'
import type { JournalEvent, ReadingEvent, StatusEvent } from '../contract/events.ts'
import type { Status } from '../contract/schemas.ts'
import {
  blankNode,
  isVirtual,
  type Labels,
  type Node,
  type NodeRecord,
  nodeFromRecord,
  nodeToRecord,
  type Slot,
  viewOf,
} from './node.ts'
import { lateAfterMs, type PresenceEvent, step } from './presence.ts'

/** Who the nodes are: applies durable events to what is known of each. The same events give the same nodes, whether they come live
 *  or from a replay. A node exists from its first accepted message (wire contract §1) or from the moment a person added or claimed it;
 *  what is rejected of an id before that is counted, for a bounded number of ids. Knows no disk. */
export interface RegistryParts {
  readonly onPresence: (node: string, state: PresenceState, time: number) => void
  readonly onBirth: (node: string, time: number) => void
}

/** Ids that were only ever rejected: the oldest go first. On loopback anybody may invent ids. */
const strangersKept = 1000

/** Stored as fields beside the sensors, but no sensors (§2). */
const besides = new Set(['wifi_rssi', 'uptime'])

export class Registry {
  readonly #nodes = new Map<string, Node>()
  readonly #removed = new Set<string>()
  readonly #strangers = new Set<string>()
  readonly #labels = new Map<string, Labels>()
  /** Changed since the last takeChanged, or gone. */
  #changed = new Set<string>()
  readonly #parts: RegistryParts

  constructor(parts: RegistryParts) {
    this.#parts = parts
  }

  load(record: NodeRecord, monoMs: number): void {
    const node = nodeFromRecord(record)
    node.presence = step(node.presence, { kind: 'start' }, monoMs).next
    Object.assign(node, this.#labels.get(node.id))
    this.#nodes.set(node.id, node)
    if (!node.exists) this.#strangers.add(node.id)
  }

  loadRemoved(id: string): void {
    this.#removed.add(id)
  }

  get(id: string): Node | undefined {
    const node = this.#nodes.get(id)
    return node !== undefined && isShown(node) ? node : undefined
  }

  /** A person added or claimed it: it is there from `firstSeen` on, whether it ever spoke or not. Lifts the tombstone. */
  introduce(id: string, firstSeen: number): void {
    this.#removed.delete(id)
    let node = this.#nodes.get(id)
    if (node === undefined) {
      node = Object.assign(blankNode(id, firstSeen), this.#labels.get(id))
      this.#nodes.set(id, node)
    }
    this.#strangers.delete(id)
    this.#changed.add(id)
    node.claimed = true
    if (node.exists) return
    node.exists = true
    node.waiting = false
    node.firstSeen = firstSeen
  }

  /** It was kept out because nobody claimed it. */
  knocked(id: string, arrived: number): void {
    if (this.#removed.has(id)) return
    this.#waits(this.#nodes.get(id) ?? this.#meet(id, arrived), arrived)
    this.#changed.add(id)
  }

  /** A person's own, or a stand-in. */
  claimed(id: string): boolean {
    const node = this.#nodes.get(id)
    return node !== undefined && (node.claimed || isVirtual(node))
  }

  views(): NodeView[] {
    const known = [...this.#nodes.values()].filter(isShown)
    return known.sort((a, b) => (a.id < b.id ? -1 : 1)).map(viewOf)
  }

  removed(id: string): boolean {
    return this.#removed.has(id)
  }

  /** Lifts the tombstone; it is there again when it speaks. */
  readmit(id: string): void {
    this.#removed.delete(id)
  }

  remove(id: string): void {
    this.#removed.add(id)
    this.#nodes.delete(id)
    this.#strangers.delete(id)
    this.#labels.delete(id)
    this.#changed.delete(id)
  }

  /** What people call it; remembered also for a node that a replay has yet to bring. */
  label(id: string, labels: Labels): void {
    this.#labels.set(id, labels)
    const node = this.#nodes.get(id)
    if (node !== undefined) Object.assign(node, labels)
  }

  /** Records of what changed since the last call; null: nothing is to be kept of it any more. */
  takeChanged(): Map<string, NodeRecord | null> {
    const changed = new Map<string, NodeRecord | null>()
    for (const id of this.#changed) {
      const node = this.#nodes.get(id)
      changed.set(id, node === undefined ? null : nodeToRecord(node))
    }
    this.#changed.clear()
    return changed
  }

  /** They could not be written: they count as changed again. */
  putBackChanged(ids: Iterable<string>): void {
    for (const id of ids) if (!this.#removed.has(id)) this.#changed.add(id)
  }

  /** `batch` is any number that differs from batch to batch: the telemetry of one batch arrived at one moment. */
  apply(event: JournalEvent, live: boolean, monoMs: number, batch: number): void {
    if (event.node === null || this.#removed.has(event.node)) return
    const node = this.#nodes.get(event.node) ?? this.#meet(event.node, event.arrived)
    this.#changed.add(node.id)
    switch (event.kind) {
      case 'reading':
        this.#accepted(node, event.arrived)
        takeReading(node, event)
        this.#heard(node, event.arrived, live, monoMs, batch)
        break
      case 'settled':
        this.#accepted(node, event.arrived)
        node.stored++
        node.lastReading = Math.max(node.lastReading ?? event.time, event.time)
        this.#heard(node, event.arrived, live, monoMs, batch)
        break
      case 'counts':
        node.duplicates += event.duplicates
        node.nullValues += event.nullValues
        node.ignoredKeys += event.ignoredKeys
        this.#heard(node, event.arrived, live, monoMs, batch)
        break
      case 'reject':
        node.rejected += event.count
        if (event.reason === 'unclaimed') this.#waits(node, event.arrived)
        if (event.reason !== 'retained_replay' && isTelemetry(event.topic)) this.#heard(node, event.arrived, live, monoMs, batch)
        break
      case 'oldest':
        break
      case 'status':
        this.#status(node, event, live, monoMs)
        break
      case 'ack':
        this.#accepted(node, event.arrived)
        if (live) node.spokeAt = monoMs
        break
    }
  }

  /** Who has fallen silent. */
  tick(monoMs: number, wallMs: number): void {
    for (const node of this.#nodes.values())
      if (node.exists && node.presence.state === 'online') this.#step(node, { kind: 'tick' }, true, monoMs, wallMs)
  }

  /** Has it said something within 3 intervals? Where none was learned yet, within 60 s (§5). */
  spokeLately(node: Node, monoMs: number): boolean {
    if (node.spokeAt === null) return false
    const { intervalMs, gapsMs } = node.presence
    const known = intervalMs !== null || gapsMs.length > 0
    return monoMs - node.spokeAt <= (known ? lateAfterMs(node.presence) : 60_000)
  }

  #meet(id: string, arrived: number): Node {
    const node = Object.assign(blankNode(id, arrived), this.#labels.get(id))
    this.#nodes.set(id, node)
    this.#strangers.add(id)
    if (this.#strangers.size > strangersKept) {
      const oldest = this.#strangers.values().next().value as string
      this.#strangers.delete(oldest)
      this.#nodes.delete(oldest)
      this.#changed.add(oldest)
    }
    return node
  }

  #waits(node: Node, arrived: number): void {
    node.lastSeen = arrived
    if (!node.exists) node.waiting = true
  }

  #accepted(node: Node, arrived: number): void {
    node.lastSeen = arrived
    if (node.exists) return
    node.exists = true
    node.waiting = false
    node.firstSeen = arrived
    this.#strangers.delete(node.id)
  }

  #heard(node: Node, arrived: number, live: boolean, monoMs: number, batch: number): void {
    // What is rejected of an id makes no node (§1): it has no presence to tell of, and is told when it is one.
    if (!node.exists) return
    node.lastSeen = arrived
    if (!live || node.heardBatch === batch) return
    node.heardBatch = batch
    node.spokeAt = monoMs
    this.#step(node, { kind: 'telemetry' }, true, monoMs, arrived)
  }

  #status(node: Node, event: StatusEvent, live: boolean, monoMs: number): void {
    const { status, arrived } = event
    if (status === null && !node.exists) return // clearing what nobody knows makes no node
    const stale = this.#step(node, { kind: 'status', live: event.live, status }, live, monoMs, arrived)
    // What it recorded is all that a replay may leave: presence itself begins anew with each run.
    if (!live) node.presence = step(node.presence, { kind: 'start' }, monoMs).next
    if (!node.exists) this.#accepted(node, arrived)
    if (stale) return
    node.status = status
    if (status === null) return
    if (event.live && !isWill(status)) {
      node.lastSeen = arrived
      if (live) node.spokeAt = monoMs
    }
    if (status.online) describe(node, status)
  }

  /** Answers whether the event was a stale will. */
  #step(node: Node, event: PresenceEvent, live: boolean, monoMs: number, time: number): boolean {
    const before = node.presence.state
    const { next, birth, stale } = step(node.presence, event, monoMs)
    node.presence = next
    if (live && next.state !== before) this.#parts.onPresence(node.id, next.state, time)
    if (live && birth) this.#parts.onBirth(node.id, time)
    return stale
  }
}

const isShown = (node: Node): boolean => node.exists || node.waiting

/** Said by the broker, not by the node: it tells nothing of when the node spoke last. A planned goodbye has a reason (§4). */
const isWill = (status: Status): boolean => !status.online && status.reason === undefined

const isTelemetry = (topic: string | null): boolean => topic !== null && /\/telemetry$/.test(topic)

function describe(node: Node, status: Status): void {
  node.described = status
  if (typeof status.wifi_rssi === 'number') node.rssi = status.wifi_rssi
}

function takeReading(node: Node, reading: ReadingEvent): void {
  node.stored++
  const newest = node.lastReading === null || reading.time >= node.lastReading
  if (newest) node.lastReading = reading.time
  if (node.shape !== reading.names) learnShape(node, reading.names)
  const { slots } = node
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!
    if (slot !== null && reading.time >= slot.time) {
      slot.time = reading.time
      slot.value = reading.values[i]!
    }
  }
  // Of a backlog only the newest: the strength of an hour ago says nothing of now.
  if (newest && node.rssiAt >= 0) node.rssi = reading.values[node.rssiAt]!
}

/** Readings of one shape share their names' array: the way from place to slot is looked up once a shape, not once a value. */
function learnShape(node: Node, names: readonly string[]): void {
  node.shape = names
  node.rssiAt = names.indexOf('wifi_rssi')
  node.slots = names.map(name => (besides.has(name) ? null : slotOf(node, name)))
}

function slotOf(node: Node, name: string): Slot {
  let slot = node.last.get(name)
  if (slot === undefined) node.last.set(name, (slot = { value: 0, time: Number.NEGATIVE_INFINITY }))
  return slot
}
