/** The two clocks of the house. Ages, intervals and deadlines inside a run use `monoMs`; `wallMs` only dates things
 *  (wire contract §8). Handed in wherever time matters, so that a test can own it. */
export interface Clock {
  /** Unix milliseconds, integer. May jump in both directions. */
  wallMs(): number
  /** Milliseconds since some moment of this run, fraction allowed. Never goes back. */
  monoMs(): number
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
}

/** A clock that moves only when told to: tests and the seeded world. */
export class ManualClock implements Clock {
  wall: number
  mono: number
  constructor(wallMs = 1_704_844_900_000, monoMs = 0) {
    this.wall = wallMs
    this.mono = monoMs
  }
  wallMs(): number {
    return this.wall
  }
  monoMs(): number {
    return this.mono
  }
  /** Moves both clocks forward by `ms`. */
  advance(ms: number): void {
    this.wall += ms
    this.mono += ms
  }
}
