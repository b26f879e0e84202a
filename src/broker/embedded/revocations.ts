/** Whose rights were taken, in order. A connection remembers how many revocations there were when it was asked for its credentials:
 *  if its user is among the later ones, nothing of it counts any more, however far it was on its way then: a CONNECT that is being
 *  judged, a session about to begin, a publish or a will that waits for its turn. A later connection of the same user is another
 *  matter. */
export class Revocations {
  /** How many there were so far. */
  count = 0
  private readonly last = new Map<string, number>()

  add(user: string): void {
    this.last.set(user, ++this.count)
  }

  /** On the way of every message: one comparison, mostly. */
  since(count: number, user: string | null): boolean {
    return count < this.count && user !== null && (this.last.get(user) ?? 0) > count
  }
}
