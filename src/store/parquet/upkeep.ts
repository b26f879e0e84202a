import type { Clock } from '../../kit/clock.ts'
import { weekMs } from './calendar.ts'
import { merge, nextMerge } from './compaction.ts'
import type { KeepLimits } from './keep-limits.ts'
import type { Premises } from './premises.ts'
import { tidyRollups } from './rollup-upkeep.ts'
import type { Shelf, Stored } from './shelf.ts'
import { sweepAll } from './sweep.ts'

const hourMs = 3_600_000

/** What is done to files while nobody asks: checksums after the start and each week, merges behind each seal. One of each at a time. */
export class Upkeep {
  private readonly premises: Premises
  private readonly timers: NodeJS.Timeout[] = []
  private scrubbing: Promise<void> | null = null
  private tidying: Promise<void> | null = null
  private turn: Promise<void> = Promise.resolve()

  constructor(premises: Premises) {
    this.premises = premises
  }

  start(clock: Clock, afterMs: number): void {
    let lookedAt = clock.monoMs()
    const look = (): void => {
      lookedAt = clock.monoMs()
      void this.scrub().then(() => this.tidy())
    }
    this.timers.push(setTimeout(look, afterMs).unref())
    this.timers.push(setInterval(() => clock.monoMs() - lookedAt >= weekMs && look(), hourMs).unref())
  }

  scrub(): Promise<void> {
    this.scrubbing ??= this.checkAll().finally(() => {
      this.scrubbing = null
    })
    return this.scrubbing
  }

  tidy(): Promise<void> {
    this.tidying ??= this.inTurn(() => this.mergeAll()).finally(() => {
      this.tidying = null
    })
    return this.tidying
  }

  /** Merges and sweeps go one after the other: both want memory, and the same files. */
  sweep(limits: KeepLimits, now: number): Promise<void> {
    return this.inTurn(() => sweepAll(this.premises, limits, now))
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => undefined)
    return done
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer)
    await this.scrubbing
    await this.turn
  }

  private async checkAll(): Promise<void> {
    const { shelf, rollupShelf, manifest } = this.premises
    for (const file of manifest.state.files) await this.checkOne(shelf, file)
    for (const file of manifest.state.rollups) await this.checkOne(rollupShelf, file)
  }

  private async checkOne<T extends Stored>(shelf: Shelf<T>, file: T): Promise<void> {
    if (this.premises.closed) return
    const release = shelf.hold([file])
    await shelf.check([file])
    await release()
  }

  private async mergeAll(): Promise<void> {
    const { premises } = this
    try {
      while (!premises.closed) {
        const files = nextMerge(premises.manifest.state.files, premises.today())
        if (files === null) break
        await merge(premises, files)
      }
      await tidyRollups(premises)
    } catch (error) {
      if (!premises.closed) premises.alarm({ what: 'merge_failed', detail: (error as Error).message })
    }
  }
}
