/** Versions of firmware: SemVer 2.0.0 (semver.org). */
const version =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

export const isVersion = (text: string): boolean => version.test(text)

/** Below zero: `a` is lower. Build metadata does not count (§10), so two texts may be equal in order. Both must be versions. */
export function compareVersions(a: string, b: string): number {
  const [, ...left] = version.exec(a)!
  const [, ...right] = version.exec(b)!
  for (let i = 0; i < 3; i++) {
    const order = compareNumbers(left[i]!, right[i]!)
    if (order !== 0) return order
  }
  return comparePrereleases(left[3], right[3])
}

/** Digits without a leading zero, of any length: a node has no bigger numbers than we, and ours end at 2^53. */
const compareNumbers = (a: string, b: string): number => a.length - b.length || compareText(a, b)

/** By byte: all characters are ASCII. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** §11: with one it is lower than without; the first identifier that differs decides, numbers are below words, fewer below more. */
function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareIdentifiers(left[i]!, right[i]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareIdentifiers(a: string, b: string): number {
  const numbers = [a, b].map(text => /^\d+$/.test(text))
  if (numbers[0] && numbers[1]) return compareNumbers(a, b)
  return numbers[0] === numbers[1] ? compareText(a, b) : numbers[0] ? -1 : 1
}
