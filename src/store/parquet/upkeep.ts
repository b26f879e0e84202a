import type { Clock } from '../../kit/clock.ts'
import { merge, nextMerge } from './compaction.ts'
import type { Premises } from './premises.ts'

const weekMs = 7 * 86_400_000
const hourMs = 3_600_000

/** What is done to files while nobody asks: checksums after the start and each week, merges behind each seal. One of each at a time. */
export class Upkeep {
  private readonly premises: Premises
  private readonly timers: NodeJS.Timeout[] = []
  private scrubbing: Promise<void> | null = null
  private tidying: Promise<void> | null = null

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
    this.tidying ??= this.mergeAll().finally(() => {
      this.tidying = null
    })
    return this.tidying
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer)
    await this.scrubbing
    await this.tidying
  }

  private async checkAll(): Promise<void> {
    const { shelf, manifest } = this.premises
    for (const file of manifest.state.files) {
      if (this.premises.closed) return
      const release = shelf.hold([file])
      await shelf.check([file])
      await release()
    }
  }

  private async mergeAll(): Promise<void> {
    const { premises } = this
    try {
      while (!premises.closed) {
        const files = nextMerge(premises.manifest.state.files, premises.today())
        if (files === null) return
        await merge(premises, files)
      }
    } catch (error) {
      if (!premises.closed) premises.alarm({ what: 'merge_failed', detail: (error as Error).message })
    }
  }
}
