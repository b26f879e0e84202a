import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { breathe } from './breathe.ts'
import { checksum, publish, syncFile } from './disk.ts'
import { type Engine, quoted, text } from './engine.ts'
import type { FileEntry, NodeFacts } from './manifest.ts'
import type { Part } from './parts.ts'

/** Where files are made and where they go. */
export interface Folders {
  readonly temporary: string
  readonly final: string
}

/** What the rows of a file have in common. */
export interface FileKind {
  readonly set: number
  readonly rowGroup: number
  readonly arrived: number
}

const chunkRows = 2_048
/** A column of the table takes at least two blocks of 256 KiB, however few rows, and the COPY its own: 48 fit in 64 MB, a node with 128
 *  names (more it can't have) gets more for as long as it is written. */
const columnMb = 1
const baseMb = 16
/** The appender would keep 204,800 rows beside the table; flushed each 4 chunks (about 1 ms) it doesn't double the memory. */
const chunksAtOnce = 4
/** Rows looked at between two breaths. */
const factsAtOnce = 50_000
/** Values of a row group: what the COPY holds until it is compressed. */
const rowGroupCells = 1_200_000

/** Writes one part as a Parquet file under its final name, durably, and describes it. A failure leaves nothing behind.
 *  The way: typed arrays → one reused DuckDB chunk → temporary table → COPY. Absent values travel as NaN and `known` as 0 or 1, and
 *  become NULL in the COPY: so no validity mask is filled value by value. */
export async function writePart(
  engine: Engine,
  part: Part,
  name: string,
  { set, rowGroup, arrived }: FileKind,
  folders: Folders,
): Promise<FileEntry> {
  const columns = [...part.columns].sort()
  const temporary = join(folders.temporary, name)
  try {
    await engine.write(baseMb + columns.length * columnMb, connection => copyOut(connection, part, columns, temporary, rowGroup))
    await syncFile(temporary)
    const sum = await checksum(temporary)
    if (!sum) throw new Error(`${temporary} vanished while it was written`)
    await publish(temporary, join(folders.final, name))
    return { name, period: part.period, set, columns, arrived, ...sum, ...(await factsOf(part)) }
  } catch (error) {
    await rm(temporary, { force: true })
    await rm(join(folders.final, name), { force: true })
    throw error
  }
}

async function copyOut(
  connection: DuckDBConnection,
  part: Part,
  columns: readonly string[],
  path: string,
  rowGroup: number,
): Promise<void> {
  const nodes = [...new Set(part.slices.map(slice => slice.rows.node))]
  const fields = columns.map(column => `${quoted(column)} DOUBLE`).join(', ')
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE part (node ENUM (${nodes.map(text).join(', ')}), time TIMESTAMPTZ, boot UINTEGER, seq UINTEGER, "#known" UTINYINT, ${fields})`,
  )
  try {
    await fill(connection, part, columns, nodes)
    const known = (column: string) => `CASE WHEN "#known" = 1 THEN ${column} END AS ${column}`
    const values = columns.map(c => `CASE WHEN isnan(${quoted(c)}) THEN NULL ELSE ${quoted(c)} END AS ${quoted(c)}`)
    await connection.run(
      `COPY (SELECT node::VARCHAR AS node, time, ${known('boot')}, ${known('seq')}, ${values.join(', ')} FROM part) TO ${text(path)}
       (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE ${Math.min(rowGroup, Math.max(chunkRows, Math.floor(rowGroupCells / columns.length)))})`,
    )
  } finally {
    await connection.run('DROP TABLE IF EXISTS part')
  }
}

/** What node-api keeps private: the array behind a vector. Filling it whole is 20 times faster than setColumns; the version is pinned and
 *  writer.test.ts fails if this changes. */
interface RawVector<T> {
  readonly items: T
  flush(): void
}
export const raw = <T>(vector: DuckDBVector): RawVector<T> => vector as unknown as RawVector<T>

async function fill(
  connection: DuckDBConnection,
  part: Part,
  columns: readonly string[],
  nodes: readonly string[],
): Promise<void> {
  const { DuckDBDataChunk, DOUBLE, ENUM, TIMESTAMPTZ, UINTEGER, UTINYINT } = await import('@duckdb/node-api')
  const types = [ENUM(nodes), TIMESTAMPTZ, UINTEGER, UINTEGER, UTINYINT, ...columns.map(() => DOUBLE)]
  const chunk = DuckDBDataChunk.create(types)
  const appender = await connection.createAppender('part')
  let slice = 0
  let row = part.slices[0]?.from ?? 0
  let node = 0
  for (let written = 0, chunks = 1; written < part.rows; chunks++) {
    const size = Math.min(chunkRows, part.rows - written)
    if (chunk.rowCount !== size) chunk.rowCount = size
    const ids = raw<Uint8Array | Uint16Array | Uint32Array>(chunk.getColumnVector(0))
    const times = raw<BigInt64Array>(chunk.getColumnVector(1))
    const boots = raw<Uint32Array>(chunk.getColumnVector(2))
    const seqs = raw<Uint32Array>(chunk.getColumnVector(3))
    const known = raw<Uint8Array>(chunk.getColumnVector(4))
    const values = columns.map((_, i) => raw<Float64Array>(chunk.getColumnVector(5 + i)))
    for (let at = 0; at < size; ) {
      const { rows, to } = part.slices[slice]!
      const count = Math.min(size - at, to - row)
      if (nodes[node] !== rows.node) node = nodes.indexOf(rows.node)
      ids.items.fill(node, at, at + count)
      writeMicroseconds(times.items, at, rows.times, row, count)
      boots.items.set(rows.boots.subarray(row, row + count), at)
      seqs.items.set(rows.seqs.subarray(row, row + count), at)
      known.items.set(rows.known.subarray(row, row + count), at)
      for (const [i, column] of columns.entries()) {
        const source = rows.column(column)?.values
        if (source) values[i]!.items.set(source.subarray(row, row + count), at)
        else values[i]!.items.fill(Number.NaN, at, at + count)
      }
      at += count
      row += count
      if (row === to) row = part.slices[++slice]?.from ?? 0
    }
    for (const vector of [ids, times, boots, seqs, known, ...values]) vector.flush()
    appender.appendDataChunk(chunk)
    written += size
    if (chunks % chunksAtOnce !== 0) continue
    appender.flushSync()
    await breathe()
  }
  appender.closeSync()
}

/** Milliseconds into 64-bit microseconds, without a BigInt a value. Little-endian, as every machine Node runs on here. */
export function writeMicroseconds(
  target: BigInt64Array,
  at: number,
  times: ArrayLike<number>,
  from: number,
  count: number,
): void {
  const halves = new Int32Array(target.buffer, target.byteOffset, target.length * 2)
  for (let i = 0; i < count; i++) {
    const micros = times[from + i]! * 1_000
    const high = Math.floor(micros / 4_294_967_296)
    halves[2 * (at + i)] = micros - high * 4_294_967_296
    halves[2 * (at + i) + 1] = high
  }
}

async function factsOf(part: Part): Promise<Pick<FileEntry, 'rows' | 'from' | 'to' | 'nodes'>> {
  const nodes: Record<string, { rows: number; from: number; to: number; boots: [number, number, number][] }> = Object.create(null)
  let seen = 0
  for (const { rows, from, to } of part.slices) {
    const facts = (nodes[rows.node] ??= { rows: 0, from: rows.times[from]!, to: 0, boots: [] })
    facts.rows += to - from
    facts.to = rows.times[to - 1]!
    let boot: [number, number, number] | undefined
    for (let row = from; row < to; row++) {
      if (++seen % factsAtOnce === 0) await breathe()
      if (rows.known[row] === 0) continue
      if (boot?.[0] !== rows.boots[row]!) {
        boot = facts.boots.find(known => known[0] === rows.boots[row]!)
        if (!boot) facts.boots.push((boot = [rows.boots[row]!, rows.seqs[row]!, rows.seqs[row]!]))
      }
      boot[1] = Math.min(boot[1], rows.seqs[row]!)
      boot[2] = Math.max(boot[2], rows.seqs[row]!)
    }
  }
  const all: NodeFacts[] = Object.values(nodes)
  return {
    rows: part.rows,
    from: all.reduce((low, facts) => Math.min(low, facts.from), Number.POSITIVE_INFINITY),
    to: all.reduce((high, facts) => Math.max(high, facts.to), Number.NEGATIVE_INFINITY),
    nodes,
  }
}
