import { join } from 'node:path'
import type { DuckDBDataChunk } from '@duckdb/node-api'
import { type Engine, moment, quoted, text } from './engine.ts'
import type { FileEntry } from './manifest.ts'
import type { Block } from './node-rows.ts'
import type { RowSet } from './row-set.ts'

export interface RowsWanted {
  /** null = all. */
  readonly nodes: readonly string[] | null
  /** null = all; otherwise only these columns are read. */
  readonly sensors: readonly string[] | null
  readonly from: number
  readonly to: number
  /** Leave out rows without any of `sensors`: cheap for a rare one, but the boot and seq of a merged row may then be its second's. */
  readonly onlyWithSensors?: boolean
}

/** Adds the wanted rows of one file to `into`. Answers false, and stops, when that holds more than `rowsAtMost`. */
export async function readRows(
  engine: Engine,
  folder: string,
  file: FileEntry,
  wanted: RowsWanted,
  into: RowSet,
  rowsAtMost: number,
): Promise<boolean> {
  const columns = columnsOf(file, wanted.sensors)
  const fields = columns.map(column => `, coalesce(${quoted(column)}, 'NaN'::DOUBLE)`)
  if (wanted.onlyWithSensors && columns.length === 0) return true
  const present = wanted.onlyWithSensors ? ` AND (${anyOf(columns)})` : ''
  const sql = `SELECT node, epoch_ms(time)::DOUBLE, coalesce(boot, 0::UINTEGER), coalesce(seq, 0::UINTEGER), (boot IS NOT NULL)::UTINYINT
    ${fields.join('')} FROM read_parquet(${text(join(folder, file.name))}) WHERE ${whereOf(wanted)}${present}`
  return engine.read(async connection => {
    const result = await connection.stream(sql)
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return true
      addChunk(chunk, columns, into)
      if (into.count > rowsAtMost) return false
    }
  })
}

export const columnsOf = (file: FileEntry, sensors: readonly string[] | null): readonly string[] =>
  sensors === null ? file.columns : file.columns.filter(column => sensors.includes(column))

export const anyOf = (columns: readonly string[]): string => columns.map(column => `${quoted(column)} IS NOT NULL`).join(' OR ')

export function whereOf({ nodes, from, to }: Pick<RowsWanted, 'nodes' | 'from' | 'to'>): string {
  const time = `time >= ${moment(from)} AND time < ${moment(to)}`
  if (nodes === null) return time
  return nodes.length === 1 ? `node = ${text(nodes[0]!)} AND ${time}` : `node IN (${nodes.map(text).join(', ')}) AND ${time}`
}

/** A chunk's rows come by node: each run of one node is added as a block. */
function addChunk(chunk: DuckDBDataChunk, columns: readonly string[], into: RowSet): void {
  const size = chunk.rowCount
  const items = <T>(column: number): T => (chunk.getColumnVector(column) as unknown as { items: T }).items
  const block: Block = {
    times: items(1),
    boots: items(2),
    seqs: items(3),
    known: items(4),
    columns: columns.map((name, i) => ({ name, values: items<Float64Array>(5 + i) })),
  }
  const nodes = chunk.getColumnVector(0)
  for (let from = 0; from < size; ) {
    const node = nodes.getItem(from) as string
    let to = size // the whole rest is one node's most of the time, otherwise the end of its run is searched
    if (nodes.getItem(size - 1) !== node) {
      let low = from
      while (to - low > 1) {
        const middle = (low + to) >>> 1
        if (nodes.getItem(middle) === node) low = middle
        else to = middle
      }
    }
    into.count += into.of(node).addBlock(block, from, to)
    from = to
  }
}
