import type { Row } from '../store/readings.ts'

/** A reading's fields against those of the row at its time. */
export type Comparison =
  | { readonly kind: 'equal' }
  /** Fields that are not there yet; all others are equal. */
  | { readonly kind: 'fresh'; readonly names: readonly string[]; readonly values: readonly number[] }
  | { readonly kind: 'differs'; readonly name: string; readonly value: number; readonly stored: number }

const equal: Comparison = { kind: 'equal' }

export function compare(row: Row, names: readonly string[], values: readonly number[]): Comparison {
  const freshNames: string[] = []
  const freshValues: number[] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const value = values[i]!
    const at = row.names[i] === name ? i : row.names.indexOf(name)
    if (at === -1) {
      freshNames.push(name)
      freshValues.push(value)
    } else if (row.values[at] !== value) {
      return { kind: 'differs', name, value, stored: row.values[at]! }
    }
  }
  return freshNames.length === 0 ? equal : { kind: 'fresh', names: freshNames, values: freshValues }
}
