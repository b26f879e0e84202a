import type { Clock } from '../../kit/clock.ts'
import type { Incoming } from '../broker.ts'
import { Fifo } from './fifo.ts'
import type { KeepOp } from './keep.ts'

/** One step of the broker: a publish, a subscription, a session's begin or end. In its turn it is prepared (memory changes, what
 *  has to be durable is put into the batch), and after the batch's commit it is finished (delivered, acknowledged). */
export interface Entry {
  /** What it holds of the queue's byte bounds. */
  readonly bytes: number
  prepare(batch: Batch): void
  finish(): void
}

/** What a group has to make durable. */
export interface Batch {
  readonly ingested: Incoming[]
  readonly ops: KeepOp[]
  /** Open QoS 2 ids. A restart that knows one takes a repeat for what is durable, so they are written once ingest has the group. */
  readonly opsBehind: KeepOp[]
  /** Among the operations there are some that an acknowledgement depends on. */
  sync: boolean
}

/** The waiting steps of one client, old and new connection alike, in their order. */
export class Inbox {
  readonly entries = new Fifo<Entry>()
  /** Waiting or in the group under way. */
  open = 0
  openBytes = 0
  inRing = false
  /** Called when a step is finished and less is open than before. */
  onRoom: (() => void) | null = null
}

export interface QueueBounds {
  readonly groupMessages: number
  readonly groupBytes: number
  readonly pendingMessages: number
  readonly pendingBytes: number
}

export interface Commit {
  accept(group: readonly Incoming[]): Promise<void>
  write(ops: readonly KeepOp[], sync: boolean): Promise<void>
  /** The group was routed: what waits for whom has changed. */
  routed(): void
}

/** One inbox gives so many steps before it is another's turn: a flood costs the others little. */
const quantum = 64
/** A group that has less than this when its turn comes is committed at once: a lone message never waits. */
const worthWaitingFor = 16

/** The one ordered way through the broker. Steps of a client keep their order; clients take turns. Steps form groups: while one
 *  commits, the next gathers; under load a group waits for stragglers as long as each turn of the event loop brings some, at most
 *  the commit window. Each group is prepared, made durable (one accept and one keep write, side by side unless there are QoS 2 ids in it), then finished in order. */
export class CommitQueue {
  private ring: Inbox[] = []
  private readonly commit: Commit
  private readonly bounds: QueueBounds
  private readonly windowMs: number
  private readonly clock: Clock
  /** Deletions in the keep that may ride along with the next group. */
  private lazy: KeepOp[] = []
  private pending = 0
  private pendingBytes = 0
  private running = false
  private firstAt = 0
  private lookedAt = 0
  private pushed = 0
  private idle: (() => void)[] = []

  private parked = false
  private readonly room: () => number
  private readonly failed: (failure: unknown) => void

  /** `room`: how many messages the next group may have without a loss; 0 parks the queue until `wake`.
   *  `failed`: a commit was given up by whoever should have made it; the queue stands still. */
  constructor(
    commit: Commit,
    failed: (failure: unknown) => void,
    room: () => number,
    bounds: QueueBounds,
    windowMs: number,
    clock: Clock,
  ) {
    this.commit = commit
    this.room = room
    this.failed = failed
    this.bounds = bounds
    this.windowMs = windowMs
    this.clock = clock
  }

  push(inbox: Inbox, entry: Entry): void {
    inbox.entries.push(entry)
    inbox.open++
    inbox.openBytes += entry.bytes
    this.pending++
    this.pendingBytes += entry.bytes
    this.pushed++
    if (!inbox.inRing) {
      inbox.inRing = true
      this.ring.push(inbox)
    }
    if (this.running) return
    this.running = true
    this.firstAt = this.clock.monoMs()
    this.lookedAt = 0
    setImmediate(this.turn)
  }

  /** Beyond what all clients together may leave uncommitted: who has something open waits. */
  get full(): boolean {
    return this.pending >= this.bounds.pendingMessages || this.pendingBytes >= this.bounds.pendingBytes
  }

  /** Written with the next group, or by `flushLazy`. */
  later(op: KeepOp): void {
    this.lazy.push(op)
  }

  flushLazy(): void {
    if (this.lazy.length === 0) return
    void this.commit.write(this.takeLazy(), false)
  }

  /** Resolves when nothing waits and nothing is under way. */
  drained(): Promise<void> {
    return this.running ? new Promise(resolve => this.idle.push(resolve)) : Promise.resolve()
  }

  private readonly turn = (): void => {
    const quiet = this.pushed === this.lookedAt
    this.lookedAt = this.pushed
    const large = this.pending >= this.bounds.groupMessages || this.pendingBytes >= this.bounds.groupBytes
    const patient = this.pending >= worthWaitingFor && !quiet && !large
    if (patient && this.clock.monoMs() - this.firstAt < this.windowMs) setImmediate(this.turn)
    else this.group()
  }

  /** There may be room again. */
  wake(): void {
    if (!this.parked) return
    this.parked = false
    setImmediate(this.turn)
  }

  private group(): void {
    const room = this.room()
    if (room <= 0) {
      this.parked = true
      return
    }
    const taken: Entry[] = []
    const from: Inbox[] = []
    const batch: Batch = { ingested: [], ops: this.takeLazy(), opsBehind: [], sync: false }
    this.take(taken, from, batch, Math.min(room, this.bounds.groupMessages))
    const durable = this.makeDurable(batch)
    if (durable === null) this.finish(taken, from)
    else
      durable.then(
        () => this.finish(taken, from),
        // A group that never becomes durable is never acknowledged, and nothing overtakes it.
        failure => this.failed(failure),
      )
  }

  private take(taken: Entry[], from: Inbox[], batch: Batch, groupMessages: number): void {
    const { groupBytes } = this.bounds
    let bytes = 0
    while (this.ring.length > 0 && taken.length < groupMessages && bytes < groupBytes) {
      const round = this.ring
      this.ring = []
      for (let r = 0; r < round.length; r++) {
        const inbox = round[r]!
        for (let i = 0; i < quantum && taken.length < groupMessages && bytes < groupBytes; i++) {
          const entry = inbox.entries.shift()
          if (entry === undefined) break
          entry.prepare(batch)
          taken.push(entry)
          from.push(inbox)
          bytes += entry.bytes
        }
        if (inbox.entries.length > 0) this.ring.push(inbox)
        else inbox.inRing = false
      }
    }
  }

  /** null: nobody has to wait for it. */
  private makeDurable(batch: Batch): Promise<unknown> | null {
    const accepted = batch.ingested.length > 0 ? this.commit.accept(batch.ingested) : null
    if (batch.opsBehind.length > 0) {
      // With the ids go the deliveries, in one write: a kill before it leaves a repeat to be taken as new, once for everybody; a kill
      // behind it finds the repeat known. Apart, the repeat would be lost to ingest or delivered twice.
      const write = (): Promise<void> => this.commit.write([...batch.ops, ...batch.opsBehind], true)
      return accepted === null ? write() : accepted.then(write)
    }
    if (batch.ops.length === 0) return accepted
    const written = this.commit.write(batch.ops, batch.sync)
    if (!batch.sync) return accepted
    return accepted === null ? written : Promise.all([accepted, written])
  }

  private finish(taken: readonly Entry[], from: readonly Inbox[]): void {
    for (let i = 0; i < taken.length; i++) {
      const entry = taken[i]!
      const inbox = from[i]!
      inbox.open--
      inbox.openBytes -= entry.bytes
      this.pending--
      this.pendingBytes -= entry.bytes
      entry.finish()
    }
    this.commit.routed()
    for (const inbox of new Set(from)) inbox.onRoom?.()
    if (this.ring.length === 0) {
      this.running = false
      const idle = this.idle
      this.idle = []
      for (const resolve of idle) resolve()
      return
    }
    this.firstAt = this.clock.monoMs()
    setImmediate(this.turn)
  }

  private takeLazy(): KeepOp[] {
    const ops = this.lazy
    this.lazy = []
    return ops
  }
}
