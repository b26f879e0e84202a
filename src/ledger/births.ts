import type { Status } from '../contract/schemas.ts'

/** How old a status is, in the node's own words. */
export interface Said {
  readonly uptime: number | null
  readonly timestamp: number | null
}

/** As JSON in a snapshot; absent in what earlier versions wrote. */
export interface BirthsSnapshot {
  readonly said: Said
  readonly earlier: readonly number[]
}

/** Far more boots than a broker's queue can hold statuses of. */
const rememberedBoots = 64

/** Which boot a node is in, by its live statuses. A broker that lost our PUBACK, or comes up with what it had saved last, brings old ones
 *  again: those say nothing of the moment. A boot is drawn at random (wire contract §3), so one that another followed is over. */
export class Births {
  /** The boot of the last one that was news. */
  latest: number | null = null
  private said: Said = { uptime: null, timestamp: null }
  private readonly earlier = new Set<number>()

  /** true: it was said after all that was heard so far. A node that tells no time at all is taken at its word. */
  isNews(boot: number, status: Pick<Status, 'uptime' | 'timestamp'>): boolean {
    const uptime = status.uptime ?? null
    const timestamp = status.timestamp ?? null
    const dated = uptime !== null || timestamp !== null
    if (dated && this.earlier.has(boot)) return false
    if (dated && boot === this.latest && !later(uptime, this.said.uptime) && !later(timestamp, this.said.timestamp)) return false
    if (this.latest !== null && boot !== this.latest) this.over(this.latest)
    this.latest = boot
    this.earlier.delete(boot)
    this.said = { uptime, timestamp }
    return true
  }

  snapshot(): BirthsSnapshot {
    return { said: this.said, earlier: [...this.earlier] }
  }

  restore(latest: number | null, snapshot: BirthsSnapshot | undefined): void {
    this.latest = latest
    if (snapshot === undefined) return
    this.said = snapshot.said
    for (const boot of snapshot.earlier) this.earlier.add(boot)
  }

  private over(boot: number): void {
    this.earlier.delete(boot)
    this.earlier.add(boot)
    if (this.earlier.size > rememberedBoots) for (const first of this.earlier) return void this.earlier.delete(first)
  }
}

/** One of both is enough: an uptime may wrap, and a wrong clock may be put back. */
const later = (now: number | null, before: number | null): boolean => now !== null && (before === null || now > before)
