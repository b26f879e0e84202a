import { limits } from '../contract/limits.ts'
import type { ReadingsStore } from '../store/readings.ts'

/** What the lane remembers of a node between its messages. All of it is bounded by the contract's limits; a restart rebuilds it. */
export class NodeMemory {
  /** Sensor names of its life. */
  private readonly names: Set<string>
  /** The last names array that was all known: nodes send the same shape, and equal shapes share their array. */
  private knownShape: readonly string[] | null = null
  /** The run of milliseconds taken by arrival-dated readings, without a hole. */
  private arrivalFrom = 0
  private arrivalTo = -1
  /** Tokens of the rate limit, and when they were counted (monotonic ms). */
  private tokens = Number.POSITIVE_INFINITY
  private countedAt = 0

  constructor(names: Iterable<string>) {
    this.names = new Set([...names].filter(isSensor))
  }

  /** Takes the names into its life; false, and nothing taken, when they would be more than the limit. */
  admit(names: readonly string[]): boolean {
    if (names === this.knownShape) return true
    let fresh = 0
    for (const name of names) if (isSensor(name) && !this.names.has(name)) fresh++
    if (fresh > 0) {
      if (this.names.size + fresh > limits.sensorNamesPerNode) return false
      for (const name of names) if (isSensor(name)) this.names.add(name)
    }
    this.knownShape = names
    return true
  }

  /** The first millisecond from `arrived` on that no arrival-dated reading of this run has. Call `took` with the one used. */
  freeArrival(arrived: number): number {
    return arrived >= this.arrivalFrom && arrived <= this.arrivalTo ? this.arrivalTo + 1 : arrived
  }

  took(time: number): void {
    if (time === this.arrivalTo + 1) this.arrivalTo = time
    else this.arrivalFrom = this.arrivalTo = time
  }

  /** One reading of the rate limit; false: over it. */
  spend(rate: RateLimit, monoMs: number): boolean {
    const refill = ((monoMs - this.countedAt) / 1000) * rate.readingsPerS
    this.tokens = Math.min(rate.burst, this.tokens + Math.max(0, refill))
    this.countedAt = monoMs
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}

/** Readings a node may bring on the long run, and at once. */
export interface RateLimit {
  readonly readingsPerS: number
  readonly burst: number
}

const isSensor = (field: string): boolean => field !== 'wifi_rssi' && field !== 'uptime'

export class NodeMemories {
  private readonly nodes = new Map<string, NodeMemory>()
  private readonly store: Pick<ReadingsStore, 'fieldNames'>

  constructor(store: Pick<ReadingsStore, 'fieldNames'>) {
    this.store = store
  }

  of(node: string): NodeMemory {
    let memory = this.nodes.get(node)
    if (!memory) this.nodes.set(node, (memory = new NodeMemory(this.store.fieldNames(node))))
    return memory
  }

  forget(node: string): void {
    this.nodes.delete(node)
  }
}
