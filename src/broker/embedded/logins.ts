import type { Clock } from '../../kit/clock.ts'

/** Failed log-ins by address. A wrong password is answered late, later with each one; right ones are never slowed. Only
 *  so many answers of one address wait at once: beyond it the refusal goes out without a wait, and holds nothing. */
export class Logins {
  private readonly byAddress = new Map<string, { failures: number; lastMs: number; late: number }>()
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Is there room for one more late answer? */
  mayWait(address: string): boolean {
    return (this.byAddress.get(address)?.late ?? 0) < lateAtOnce
  }

  /** Counts a failure; answers with the milliseconds its answer has to wait. Call `answered` after them. */
  failed(address: string): number {
    const now = this.clock.monoMs()
    let entry = this.byAddress.get(address)
    if (entry === undefined || now - entry.lastMs > forgetMs) {
      if (this.byAddress.size >= addressesKept) this.forgetOld(now)
      entry = { failures: 0, lastMs: now, late: entry?.late ?? 0 }
      this.byAddress.set(address, entry)
    }
    entry.failures++
    entry.lastMs = now
    entry.late++
    return entry.failures <= freeFailures ? 0 : Math.min(latestMs, firstLateMs * 2 ** (entry.failures - freeFailures - 1))
  }

  answered(address: string): void {
    const entry = this.byAddress.get(address)
    if (entry !== undefined && entry.late > 0) entry.late--
  }

  private forgetOld(now: number): void {
    for (const [address, entry] of this.byAddress) {
      if (entry.late === 0 && (now - entry.lastMs > forgetMs || this.byAddress.size >= addressesKept))
        this.byAddress.delete(address)
    }
  }
}

const freeFailures = 3
const firstLateMs = 100
const latestMs = 3_000
const lateAtOnce = 16
const forgetMs = 60_000
const addressesKept = 10_000
