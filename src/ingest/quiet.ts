/** Finds the moments between two batches for work that must see ledger and appliers exactly at what is durable, and holds the next
 *  apply back while such work runs. The work waits for the batch under way, but not for one that hangs: until its append answers,
 *  nothing of it is applied, so that moment is as good. */
export class Quiet {
  private open = false
  private readonly waiting = new Set<() => void>()
  /** Works run one after the other; null when there is none. */
  private works: Promise<void> | null = null

  /** The first event of a batch was judged. */
  batchBegins(): void {
    this.open = true
  }

  /** The batch is applied: what waited for that begins now. */
  batchEnds(): void {
    this.open = false
    for (const start of this.waiting) start()
  }

  run<T>(work: () => T | Promise<T>): Promise<T> {
    if (!this.open) return this.queue(work)
    return new Promise<T>((resolve, reject) => {
      const start = (): void => {
        clearTimeout(stuck)
        this.waiting.delete(start)
        this.queue(work).then(resolve, reject)
      }
      const stuck = setTimeout(start, hangsAfterMs)
      this.waiting.add(start)
    })
  }

  /** Resolves when no work runs. */
  async workDone(): Promise<void> {
    while (this.works) await this.works
  }

  private queue<T>(work: () => T | Promise<T>): Promise<T> {
    const done = (this.works ?? Promise.resolve()).then(work)
    const over: Promise<void> = done
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (this.works === over) this.works = null
      })
    this.works = over
    return done
  }
}

/** A thousand times the commit of an idle disk, and short beside the keeper's minute. */
const hangsAfterMs = 500
