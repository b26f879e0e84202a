import { join } from 'node:path'
import { comparePositions, type DurableBatch, type Position } from '../../contract/events.ts'
import { Ballast } from './disk.ts'
import { Newest, type NewestValues } from './newest.ts'
import type { ParquetOptions } from './options.ts'
import { type Premises, writeFiles } from './premises.ts'
import { RowSet } from './row-set.ts'

/** What was cut off for a seal, still asked until its files stand. */
interface Sealing {
  readonly rows: RowSet
  readonly end: Position
  readonly newest: NewestValues
  /** Unix ms: none of its readings arrived later. */
  readonly arrived: number
}

/** Rows of a seal's row group: smaller ones cost little and keep its memory down (208 against 307 MB RSS at 500,000 rows). */
const rowGroup = 32_768

/** Holds what came from the journal and is not in files yet, and makes it files: when there are enough rows, with the first batch of a new
 *  UTC day, or when asked. A seal that fails loses nothing (memory and journal have it) and is tried again; when rows pile up meanwhile
 *  there is no room for more. */
export class Sealer {
  readonly newest: Newest
  hot = new RowSet()
  /** Why the last seal failed; null = it did not. */
  failure: string | null = null
  private readonly premises: Premises
  private readonly sealRows: number
  private readonly retryMs: number
  private readonly ballast: Ballast
  private readonly onSealed: () => void
  private hotDay = 0
  private firstArrived = 0
  private lastArrived = 0
  private sealing: Sealing | null = null
  private applied: Position
  /** A turn is under way: no cut is made by itself, it would meet the turn's own. */
  private busy = false
  private turn: Promise<unknown> = Promise.resolve()
  private retry: NodeJS.Timeout | null = null
  private readonly waiting: (() => void)[] = []

  constructor(premises: Premises, options: ParquetOptions, onSealed: () => void) {
    this.premises = premises
    this.sealRows = options.sealRows ?? 250_000
    this.retryMs = options.retryMs ?? 5_000
    this.ballast = new Ballast(join(options.dir, 'ballast'), options.ballastBytes ?? 8 * 1024 * 1024)
    this.onSealed = onSealed
    this.applied = premises.manifest.state.watermark
    this.newest = new Newest(premises.manifest.state.newest)
  }

  async start(): Promise<void> {
    await this.ballast.load()
  }

  apply(batch: DurableBatch): void {
    if (this.hot.count === 0) {
      this.hotDay = this.premises.today()
      this.firstArrived = Number.POSITIVE_INFINITY
    }
    for (const event of batch.events) {
      if (event.kind !== 'reading') continue
      this.hot.add(event)
      if (event.arrived < this.firstArrived) this.firstArrived = event.arrived
      if (event.arrived > this.lastArrived) this.lastArrived = event.arrived
      this.newest.add(event)
    }
    this.applied = batch.end
    this.sealWhenDue()
  }

  /** Rows in memory, in the order in which they came. */
  memory(): RowSet[] {
    return this.sealing === null ? [this.hot] : [this.sealing.rows, this.hot]
  }

  room(): Promise<void> | undefined {
    return this.full() ? new Promise(resolve => this.waiting.push(resolve)) : undefined
  }

  seal(): Promise<void> {
    return this.inTurn(() => this.sealAll())
  }

  /** When something in memory arrived so long ago: nothing comes any more, or it would have been sealed with a new day. */
  async sealArrivedBefore(time: number): Promise<void> {
    if (this.hot.count > 0 && this.firstArrived <= time) await this.seal()
  }

  /** Seals everything but the rows of a node; then, before any other seal, `work`. */
  sealWithout(node: string, work: () => Promise<void>): Promise<void> {
    return this.inTurn(async () => {
      await this.write()
      this.hot.delete(node)
      this.newest.delete(node)
      this.cut()
      await this.write()
      await work()
    })
  }

  /** Waits for the seal under way. What is in memory stays the journal's. */
  async close(): Promise<void> {
    if (this.retry) clearTimeout(this.retry)
    await this.turn
  }

  private full(): boolean {
    return this.memory().reduce((sum, rows) => sum + rows.count, 0) > 2 * this.sealRows
  }

  /** Behind a batch, never within: the cut lies between two of them. */
  private sealWhenDue(): void {
    if (this.busy || this.sealing !== null || this.premises.closed || this.hot.count === 0) return
    if (this.hot.count < this.sealRows && this.hotDay === this.premises.today()) return
    this.cut()
    this.inTurn(() => this.write()).catch(() => undefined) // `failure` and an alarm tell, and it is tried again
  }

  private cut(): void {
    if (this.sealing !== null) throw new Error('a second cut before the first one is written would lose its rows')
    this.sealing = { rows: this.hot, end: this.applied, newest: this.newest.values(), arrived: this.lastArrived }
    this.hot = new RowSet()
  }

  private async sealAll(): Promise<void> {
    await this.write()
    if (this.hot.count === 0 && comparePositions(this.applied, this.premises.manifest.state.watermark) === 0) return
    this.cut()
    await this.write()
  }

  /** Seals and removals go one after the other. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(async () => {
      this.busy = true
      try {
        return await work()
      } finally {
        this.busy = false
        this.sealWhenDue()
      }
    })
    this.turn = done.catch(() => undefined)
    return done
  }

  /** Makes what was cut off durable. */
  private async write(): Promise<void> {
    const { sealing } = this
    if (sealing === null) return
    try {
      await this.withBallast(() => this.writeOut(sealing))
    } catch (error) {
      this.failed((error as Error).message)
      throw error
    }
    if (this.failure !== null) this.premises.alarm({ what: 'seal_recovered' })
    this.failure = null
    if (!this.full()) for (const resolve of this.waiting.splice(0)) resolve()
    await this.ballast.load()
    this.onSealed()
  }

  /** Gives up the reserve when the disk is full, for work that frees more than it takes. */
  async withBallast<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(async (error: Error) => {
      if (!isFull(error) || !(await this.ballast.drop())) throw error
      return work()
    })
  }

  private async writeOut({ rows, end, newest, arrived }: Sealing): Promise<void> {
    const { manifest, nextNumber } = this.premises
    await writeFiles(
      this.premises,
      { set: nextNumber(), rowGroup, arrived },
      write => write(rows.slices(null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)),
      written =>
        manifest.change(
          state => ({ ...state, watermark: end, next: nextNumber(), files: [...state.files, ...written], newest }),
          () => {
            this.sealing = null
          },
        ),
    )
  }

  private failed(detail: string): void {
    if (this.failure === null) this.premises.alarm({ what: 'seal_failed', detail })
    this.failure = detail
    if (this.premises.closed || this.retry !== null) return
    this.retry = setTimeout(() => {
      this.retry = null
      if (!this.premises.closed) this.inTurn(() => this.write()).catch(() => undefined)
    }, this.retryMs).unref()
  }
}

const isFull = (error: Error): boolean => /ENOSPC|No space left on device/.test(error.message)
