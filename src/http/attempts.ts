/** Refusals of an address in the last minute: beyond `free` it is told to wait. A right token is never made to: it was checked
 *  before. A token of 256 bits can't be guessed; what is bounded is the work and the noise. */
export class Attempts {
  private readonly byAddress = new Map<string, { count: number; sinceMs: number }>()
  private readonly free: number

  constructor(free = 300) {
    this.free = free
  }

  /** Counts one; true: it was one too many. */
  tooMany(address: string, nowMs: number): boolean {
    const entry = this.byAddress.get(address)
    if (entry && Math.abs(nowMs - entry.sinceMs) < 60_000) return ++entry.count > this.free
    if (this.byAddress.size >= addressesKept) this.byAddress.clear()
    this.byAddress.set(address, { count: 1, sinceMs: nowMs })
    return false
  }
}

const addressesKept = 5_000
