import { periodOf } from './calendar.ts'
import { anyValue } from './node-rows.ts'
import type { Slice } from './row-set.ts'

/** One file to be written: rows of one period, by (node, time), with the columns that have a value. */
export interface Part {
  readonly period: string
  readonly slices: Slice[]
  readonly columns: Set<string>
  rows: number
}

/** Columns of a file, but for a single node that has more: one file with 300 names doesn't fit DuckDB's 64 MB, ten of ≤ 33 do. */
const columnsAtMost = 48
/** Values of a file: what it takes in DuckDB's memory before it is written, 24 MB of the 64. */
const cellsAtMost = 3_000_000

/** Cuts rows into the files they belong to: by period of their time, then by groups of nodes so that no file is too wide or too big.
 *  `slices` come by node. */
export function partsOf(slices: readonly Slice[], today: number): Part[] {
  const byPeriod = new Map<string, Part[]>()
  for (const slice of slices)
    for (const [period, piece] of byPeriods(slice, today)) {
      let parts = byPeriod.get(period)
      if (!parts) byPeriod.set(period, (parts = []))
      place(parts, period, piece)
    }
  return [...byPeriod.values()].flat()
}

function* byPeriods({ rows, from, to }: Slice, today: number): Generator<[period: string, piece: Slice]> {
  for (let start = from; start < to; ) {
    const period = periodOf(rows.times[start]!, today)
    const end = Math.min(to, rows.lowerBound(period.to))
    yield [period.name, { rows, from: start, to: end }]
    start = end
  }
}

/** Into the first part where it fits; a piece too big for any is cut by time. */
function place(parts: Part[], period: string, piece: Slice): void {
  const names = piece.rows.columns.filter(column => anyValue(column.values, piece.from, piece.to)).map(column => column.name)
  const rowsAtMost = Math.max(1, Math.floor(cellsAtMost / Math.max(1, names.length)))
  for (let from = piece.from; from < piece.to; from += rowsAtMost) {
    const slice = { rows: piece.rows, from, to: Math.min(piece.to, from + rowsAtMost) }
    const count = slice.to - slice.from
    let part = parts.find(part => {
      const columns = part.columns.size + names.filter(name => !part.columns.has(name)).length
      return columns <= columnsAtMost && (part.rows + count) * columns <= cellsAtMost
    })
    if (!part) parts.push((part = { period, slices: [], columns: new Set(), rows: 0 }))
    part.slices.push(slice)
    part.rows += count
    for (const name of names) part.columns.add(name)
  }
}
