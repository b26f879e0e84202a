import { type Applier, comparePositions, type DurableBatch, type Position, type RejectEvent } from '../contract/events.ts'
import { limits } from '../contract/limits.ts'
import type { Change, Records } from '../store/records.ts'
import { type KeptEntry, type KeptReject, keptEntry, keptReject, noMarks, type RejectMarks, rejectId } from './kept.ts'

/** The kept rejects: an applier that holds what was not stored, newest 10,000 or 64 MiB, with counters that are never reset.
 *  Nothing here is durable before a `checkpoint({ sync: true })`; until then the journal has it, and `watermark()` says so. Between
 *  checkpoints it writes in the background, unsynced, each time rejects, removals, counters and watermark in one atomic write: a
 *  crash leaves a state that was once true. Memory is bounded by the same two bounds even if the records are slow. */
export interface Rejects extends Applier {
  /** Newest first. `since`: Unix ms, inclusive. `cursor`: the `next` of the page before. */
  list(query: RejectQuery): Promise<{ items: KeptReject[]; next: string | null }>
  /** Since the beginning of the data directory; `by_node` names at most `nodesCounted` nodes, the rest count as `_other`. */
  counts(): { total: number; by_reason: Record<string, number>; by_node: Record<string, number> }
  kept(): { rejects: number; bytes: number }
  /** Called for every live reject, after it is durable in the journal. Returns the way to stop. */
  on(listener: (reject: KeptReject) => void): () => void
  /** Writes what changed, and the watermark. Only with `sync` does `watermark()` move. */
  checkpoint(options: { sync: boolean }): Promise<void>
  /** Waits for the write under way. Does not sync. */
  close(): Promise<void>
}

export interface RejectQuery {
  readonly node?: string
  readonly reason?: string
  readonly since?: number
  readonly cursor?: string
  readonly limit: number
}

export interface RejectLimits {
  readonly kept: number
  readonly keptBytes: number
}

/** `_` starts no node id. A stranger may invent ids for ever; their rejects must not grow the counters for ever. */
const others = '_other'
const nodesCounted = 10_000

const collection = 'rejects'
/** Beside the rejects, so that a start does not read 64 MiB of raw bytes to know what is kept. */
const indexCollection = 'reject_index'
const byNodeCollection = 'reject_counts_by_node'
const marksCollection = 'reject_marks'

const defaultLimits: RejectLimits = { kept: limits.rejectsKept, keptBytes: limits.rejectsKeptBytes }

/** Reads the index of the kept rejects, the counters and the watermark back. Rejects when the records do. */
export async function openRejects(records: Records, bounds: RejectLimits = defaultLimits): Promise<Rejects> {
  const marks = (await records.get<RejectMarks>(marksCollection, 'marks')) ?? noMarks
  const byNode = new Map<string, number>()
  for await (const [node, count] of records.list<number>(byNodeCollection)) byNode.set(node, count)
  const index: KeptEntry[] = []
  for await (const [, entry] of records.list<KeptEntry>(indexCollection)) index.push(entry)
  return new RecordedRejects(records, bounds, marks, byNode, index)
}

class RecordedRejects implements Rejects {
  /** Oldest first, from `first` on: dropping the oldest costs no shift. */
  private readonly index: KeptEntry[]
  private first = 0
  private bytes: number
  private total: number
  private readonly byReason: Map<string, number>
  private applied: Position
  private durable: Position

  /** Not yet handed to the records; a reject whose turn to go comes before that is never written. */
  private readonly unwritten = new Map<string, KeptReject>()
  private removals: string[] = []
  private readonly changedNodes = new Set<string>()
  private writing: Promise<void> | null = null
  private failure: unknown = null
  private readonly listeners = new Set<(reject: KeptReject) => void>()

  private readonly records: Records
  private readonly bounds: RejectLimits
  private readonly byNode: Map<string, number>

  constructor(records: Records, bounds: RejectLimits, marks: RejectMarks, byNode: Map<string, number>, index: KeptEntry[]) {
    this.records = records
    this.bounds = bounds
    this.byNode = byNode
    this.index = index
    this.bytes = index.reduce((sum, entry) => sum + entry.bytes, 0)
    this.total = marks.total
    this.byReason = new Map(Object.entries(marks.byReason))
    this.applied = marks.watermark
    this.durable = marks.watermark
    this.dropOldest()
  }

  apply(batch: DurableBatch, live: boolean): void {
    if (comparePositions(batch.end, this.applied) <= 0) return
    this.applied = batch.end
    const { events } = batch
    let any = false
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!
      if (event.kind !== 'reject') continue
      this.keep(event, rejectId(batch, i), live)
      any = true
    }
    if (any) this.writeSoon()
  }

  watermark(): Position {
    return this.durable
  }

  async list(query: RejectQuery): Promise<{ items: KeptReject[]; next: string | null }> {
    const found: string[] = []
    for (let i = this.index.length - 1; i >= this.first && found.length <= query.limit; i--) {
      const entry = this.index[i]!
      if (query.cursor !== undefined && entry.id >= query.cursor) continue
      if (matches(entry, query)) found.push(entry.id)
    }
    const more = found.length > query.limit
    if (more) found.pop()
    const items: KeptReject[] = []
    for (const id of found) {
      // One that was dropped while the page was read is gone from the page too.
      const reject = this.unwritten.get(id) ?? (await this.records.get<KeptReject>(collection, id))
      if (reject) items.push(reject)
    }
    return { items, next: more ? (found.at(-1) ?? null) : null }
  }

  counts(): { total: number; by_reason: Record<string, number>; by_node: Record<string, number> } {
    return { total: this.total, by_reason: Object.fromEntries(this.byReason), by_node: Object.fromEntries(this.byNode) }
  }

  kept(): { rejects: number; bytes: number } {
    return { rejects: this.index.length - this.first, bytes: this.bytes }
  }

  on(listener: (reject: KeptReject) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async checkpoint(options: { sync: boolean }): Promise<void> {
    while (this.writing) await this.writing.catch(() => {})
    await (this.writing = this.write(options.sync).finally(() => {
      this.writing = null
    }))
  }

  async close(): Promise<void> {
    while (this.writing) await this.writing.catch(() => {})
  }

  private keep(event: RejectEvent, id: string, live: boolean): void {
    const reject = keptReject(id, event)
    this.total += event.count
    this.byReason.set(event.reason, (this.byReason.get(event.reason) ?? 0) + event.count)
    if (event.node !== null) this.countNode(event.node, event.count)
    const entry = keptEntry(reject)
    this.index.push(entry)
    this.bytes += entry.bytes
    this.unwritten.set(id, reject)
    this.dropOldest()
    if (live) for (const listener of this.listeners) listener(reject)
  }

  private countNode(node: string, count: number): void {
    const known = this.byNode.has(node) || this.byNode.size < nodesCounted
    const key = known ? node : others
    this.byNode.set(key, (this.byNode.get(key) ?? 0) + count)
    this.changedNodes.add(key)
  }

  private dropOldest(): void {
    while (
      this.index.length - this.first > this.bounds.kept ||
      (this.bytes > this.bounds.keptBytes && this.first < this.index.length)
    ) {
      const { id, bytes } = this.index[this.first++]!
      this.bytes -= bytes
      // The removal is written even when the reject itself may never have been: a write under way may hold it.
      this.unwritten.delete(id)
      this.removals.push(id)
    }
    if (this.first > 1024 && this.first * 2 > this.index.length) {
      this.index.splice(0, this.first)
      this.first = 0
    }
  }

  /** At most one write at a time; what comes meanwhile goes with the next. */
  private writeSoon(): void {
    if (this.writing) return
    this.writing = this.write(false)
      .then(
        () => {
          this.failure = null
        },
        error => {
          // The journal still has it and the next write tries again; a checkpoint tells its caller.
          this.failure = error
        },
      )
      .finally(() => {
        this.writing = null
        if (!this.failure && (this.unwritten.size > 0 || this.removals.length > 0)) this.writeSoon()
      })
  }

  private async write(sync: boolean): Promise<void> {
    const upTo = this.applied
    const written = [...this.unwritten]
    const removed = this.removals
    const nodes = [...this.changedNodes]
    const marks: RejectMarks = { watermark: upTo, total: this.total, byReason: Object.fromEntries(this.byReason) }
    this.removals = []
    this.changedNodes.clear()
    const changes: Change[] = [
      ...[collection, indexCollection].flatMap(from => removed.map(key => ({ collection: from, key, remove: true as const }))),
      ...written.map(([key, value]) => ({ collection, key, value })),
      ...written.map(([key, value]) => ({ collection: indexCollection, key, value: keptEntry(value) })),
      ...nodes.map(key => ({ collection: byNodeCollection, key, value: this.byNode.get(key) })),
      { collection: marksCollection, key: 'marks', value: marks },
    ]
    try {
      await this.records.write(changes, { sync })
    } catch (error) {
      this.removals = [...removed, ...this.removals]
      for (const node of nodes) this.changedNodes.add(node)
      throw error
    }
    for (const [id] of written) this.unwritten.delete(id)
    if (sync) this.durable = upTo
  }
}

function matches(entry: KeptEntry, query: RejectQuery): boolean {
  if (query.node !== undefined && entry.node !== query.node) return false
  if (query.reason !== undefined && entry.reason !== query.reason) return false
  return query.since === undefined || entry.time >= query.since
}
