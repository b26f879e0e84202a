/** The known name a person most likely meant, undefined when none is close: two slips of the finger, or a third of a short word. The
 *  last part of a dotted name counts as the name too: `sim` is near `up.sim`. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const far = Math.min(distance(name, candidate), distance(last(name), last(candidate)))
    if (far < least) [best, least] = [candidate, far]
  }
  return least <= Math.min(2, Math.ceil(last(name).length / 3)) ? best : undefined
}

const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/** Insertions, deletions, replacements and swapped neighbours between two words (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
