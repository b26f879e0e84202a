import type { NodeView } from '../api/nodes.ts'
import type { Status } from '../contract/schemas.ts'
import { neverHeard, type Presence } from './presence.ts'

/** A node as the registry holds it, as the records keep it, and as the API shows it. */
export interface Node {
  readonly id: string
  /** false: all that came so far was rejected. */
  exists: boolean
  /** Nothing of it was let in, because nobody claimed it: shown all the same, so that a person can. */
  waiting: boolean
  /** A person added or claimed it. */
  claimed: boolean
  name: string | null
  tags: readonly string[]
  firstSeen: number
  lastSeen: number
  lastReading: number | null
  rssi: number | null
  stored: number
  rejected: number
  duplicates: number
  nullValues: number
  ignoredKeys: number
  /** The latest status as it came, goodbyes and wills included. */
  status: Status | null
  /** The latest status with online:true: what it says of itself outlives its will. */
  described: Status | null
  presence: Presence
  /** The newest value of each sensor, by the readings' own time. */
  readonly last: Map<string, Slot>

  // Of this run only.
  spokeAt: number | null
  heardBatch: number
  shape: readonly string[] | null
  slots: readonly (Slot | null)[]
  rssiAt: number
}

/** What people gave it. */
export type Labels = Readonly<Pick<Node, 'name' | 'tags'>>

export interface Slot {
  value: number
  time: number
}

/** What is kept of a node; names and tags are kept apart, because people change them between two checkpoints. */
export interface NodeRecord {
  readonly id: string
  readonly exists: boolean
  readonly waiting?: true
  readonly first_seen: number
  readonly last_seen: number
  readonly last_reading: number | null
  readonly rssi: number | null
  readonly stored: number
  readonly rejected: number
  readonly duplicates: number
  readonly null_values: number
  readonly ignored_keys: number
  readonly status: Status | null
  readonly described: Status | null
  readonly declared: Presence['declared']
  /** Absent: no birth is known. */
  readonly birth_boot?: number | null
  readonly last: readonly (readonly [name: string, value: number, time: number])[]
}

export const blankNode = (id: string, arrived: number): Node => ({
  id,
  exists: false,
  waiting: false,
  claimed: false,
  name: null,
  tags: [],
  firstSeen: arrived,
  lastSeen: arrived,
  lastReading: null,
  rssi: null,
  stored: 0,
  rejected: 0,
  duplicates: 0,
  nullValues: 0,
  ignoredKeys: 0,
  status: null,
  described: null,
  presence: neverHeard,
  last: new Map(),
  spokeAt: null,
  heardBatch: -1,
  shape: null,
  slots: [],
  rssiAt: -1,
})

export function nodeToRecord(node: Node): NodeRecord {
  const { birthBoot } = node.presence
  return {
    id: node.id,
    exists: node.exists,
    ...(node.waiting && { waiting: true as const }),
    first_seen: node.firstSeen,
    last_seen: node.lastSeen,
    last_reading: node.lastReading,
    rssi: node.rssi,
    stored: node.stored,
    rejected: node.rejected,
    duplicates: node.duplicates,
    null_values: node.nullValues,
    ignored_keys: node.ignoredKeys,
    status: node.status,
    described: node.described,
    declared: node.presence.declared,
    ...(birthBoot === undefined ? {} : { birth_boot: birthBoot }),
    last: [...node.last].map(([name, { value, time }]) => [name, value, time] as const),
  }
}

export function nodeFromRecord(record: NodeRecord): Node {
  const node = blankNode(record.id, record.first_seen)
  const interval = record.described?.interval
  return Object.assign(node, {
    exists: record.exists,
    waiting: record.waiting === true,
    lastSeen: record.last_seen,
    lastReading: record.last_reading,
    rssi: record.rssi,
    stored: record.stored,
    rejected: record.rejected,
    duplicates: record.duplicates,
    nullValues: record.null_values,
    ignoredKeys: record.ignored_keys,
    status: record.status,
    described: record.described,
    presence: {
      ...neverHeard,
      declared: record.declared,
      birthBoot: record.birth_boot,
      intervalMs: typeof interval === 'number' ? interval * 1000 : null,
    },
    last: new Map(record.last.map(([name, value, time]) => [name, { value, time }])),
  })
}

export const isVirtual = (node: Node): boolean => node.described?.virtual === true

export const viewOf = (node: Node): NodeView => ({
  id: node.id,
  name: node.name,
  state: node.presence.state,
  claimed: node.claimed || isVirtual(node),
  virtual: isVirtual(node),
  first_seen: node.firstSeen,
  last_seen: node.lastSeen,
  last_reading: node.lastReading,
  interval: node.described?.interval ?? null,
  firmware: node.described?.firmware?.version ?? null,
  board: node.described?.board ?? null,
  ip: node.described?.ip ?? null,
  rssi: node.rssi,
  tags: [...node.tags],
  stored: node.stored,
  rejected: node.rejected,
  duplicates: node.duplicates,
  null_values: node.nullValues,
  ignored_keys: node.ignoredKeys,
  last: Object.fromEntries([...node.last].map(([name, slot]) => [name, slot.value])),
})
