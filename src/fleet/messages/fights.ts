/** Take-overs of a client id that are more than a board coming back: `atLeast` within `withinMs`. A sketch that waits 5 s before it
 *  connects again makes three in 10 s and a little. */
const atLeast = 3
const withinMs = 15_000
const namesKept = 1_000

export class Fights {
  private readonly byName = new Map<string, { times: number[]; total: number }>()

  /** How many take-overs this fight has seen so far; 0 while it is none. */
  takeover(name: string, monoMs: number): number {
    const fight = this.byName.get(name) ?? { times: [], total: 0 }
    this.byName.delete(name)
    this.byName.set(name, fight)
    if (this.byName.size > namesKept) this.byName.delete(this.byName.keys().next().value as string)
    if (monoMs - (fight.times.at(-1) ?? monoMs) > withinMs) fight.total = 0
    fight.total++
    fight.times.push(monoMs)
    while (fight.times.length > atLeast) fight.times.shift()
    return fight.times.length === atLeast && monoMs - fight.times[0]! <= withinMs ? fight.total : 0
  }
}
