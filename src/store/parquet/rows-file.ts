import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import type { Row } from '../readings.ts'
import { breathe } from './breathe.ts'
import { type Engine, quoted, text } from './engine.ts'

/** Rows as one Parquet file for other programs, as bytes: time TIMESTAMP(ms, UTC), node VARCHAR, boot and seq UINTEGER, then the given
 *  columns as DOUBLE, in this order; absent = NULL. `numbered` false: without boot and seq. Memory stays bounded however many rows come: they are written in pieces of
 *  `pieceRows`, which DuckDB then joins by streaming. The pieces lie in a folder of their own below `scratch` and are gone when the
 *  reading ends, also early. */
export async function* rowsFile(
  engine: Engine,
  scratch: string,
  rows: AsyncIterable<readonly Row[]>,
  columns: readonly string[],
  numbered = true,
): AsyncGenerator<Uint8Array> {
  await mkdir(scratch, { recursive: true })
  const folder = await mkdtemp(join(scratch, 'export-'))
  try {
    const pieces: string[] = []
    let piece: Row[] = []
    const write = async (): Promise<void> => {
      const path = join(folder, `piece-${pieces.length}.parquet`)
      await engine.write(memoryMb(columns), connection => writePiece(connection, piece, columns, path))
      pieces.push(path)
      piece = []
    }
    for await (const chunk of rows)
      for (const row of chunk) {
        piece.push(row)
        if (piece.length === pieceRows) await write()
      }
    if (piece.length > 0 || pieces.length === 0) await write()
    const whole = join(folder, 'whole.parquet')
    const list = pieces.map(text).join(', ')
    await engine.write(memoryMb(columns), async connection => {
      await connection.run(
        `COPY (SELECT *${numbered ? '' : ' EXCLUDE (boot, seq)'} REPLACE (time::TIMESTAMP_MS AS time) FROM read_parquet([${list}])) TO ${text(whole)} (${format}, ROW_GROUP_SIZE ${pieceRows})`,
      )
    })
    await sayUtc(whole)
    yield* createReadStream(whole, { highWaterMark: 256 * 1024 })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const pieceRows = 32_768
const chunkRows = 1_024
const format = 'FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V1'
/** As for the store's own files (writer.ts): a column of the table and of the COPY takes about 1 MB. */
const memoryMb = (columns: readonly string[]): number => 24 + columns.length

async function writePiece(
  connection: DuckDBConnection,
  piece: readonly Row[],
  columns: readonly string[],
  path: string,
): Promise<void> {
  const fields = columns.map(column => `, ${quoted(column)} DOUBLE`).join('')
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE piece (time TIMESTAMP_MS, node VARCHAR, boot UINTEGER, seq UINTEGER, "#known" UTINYINT${fields})`,
  )
  try {
    await fill(connection, piece, columns)
    const known = (column: string) => `CASE WHEN "#known" = 1 THEN ${column} END AS ${column}`
    const values = columns.map(c => `, CASE WHEN isnan(${quoted(c)}) THEN NULL ELSE ${quoted(c)} END AS ${quoted(c)}`).join('')
    await connection.run(
      `COPY (SELECT time, node, ${known('boot')}, ${known('seq')}${values} FROM piece) TO ${text(path)} (${format})`,
    )
  } finally {
    await connection.run('DROP TABLE IF EXISTS piece')
  }
}

/** See writer.ts: the array behind a vector, private in node-api; writer.test.ts fails if this changes. */
const items = <T>(vector: DuckDBVector): T => (vector as unknown as { items: T }).items

async function fill(connection: DuckDBConnection, piece: readonly Row[], columns: readonly string[]): Promise<void> {
  const { DuckDBDataChunk, DOUBLE, TIMESTAMP_MS, UINTEGER, UTINYINT, VARCHAR } = await import('@duckdb/node-api')
  const types = [TIMESTAMP_MS, VARCHAR, UINTEGER, UINTEGER, UTINYINT, ...columns.map(() => DOUBLE)]
  const place = new Map(columns.map((column, i) => [column, 5 + i]))
  const appender = await connection.createAppender('piece')
  for (let from = 0; from < piece.length; from += chunkRows) {
    const part = piece.slice(from, from + chunkRows)
    const chunk = DuckDBDataChunk.create(types, part.length)
    const vectors = types.map((_, i) => chunk.getColumnVector(i))
    const times = items<BigInt64Array>(vectors[0]!)
    const boots = items<Uint32Array>(vectors[2]!)
    const seqs = items<Uint32Array>(vectors[3]!)
    const known = items<Uint8Array>(vectors[4]!)
    const values = vectors.slice(5).map(vector => items<Float64Array>(vector).fill(Number.NaN, 0, part.length))
    for (const [i, row] of part.entries()) {
      times[i] = BigInt(row.time)
      vectors[1]!.setItem(i, row.node as never)
      boots[i] = row.boot ?? 0
      seqs[i] = row.seq ?? 0
      known[i] = row.boot === null ? 0 : 1
      for (const [k, name] of row.names.entries()) values[place.get(name)! - 5]![i] = row.values[k]!
    }
    for (const vector of vectors) vector.flush()
    appender.appendDataChunk(chunk)
    appender.flushSync()
    await breathe()
  }
  appender.closeSync()
}

/** DuckDB has no type that it writes as TIMESTAMP(ms, UTC): milliseconds are always "local", UTC always microseconds. The values are
 *  UTC, so the one flag is set in the footer: in Thrift's compact protocol the field `isAdjustedToUTC` (1) of a TimestampType is the
 *  byte 0x11 for true and 0x12 for false, before the empty MILLIS unit (parquet.thrift, LogicalType; thrift-compact-protocol.md). */
async function sayUtc(path: string): Promise<void> {
  const local = Buffer.from([0x12, 0x1c, 0x1c, 0x00, 0x00, 0x00])
  const file = await open(path, 'r+')
  try {
    const { size } = await stat(path)
    const tail = Buffer.alloc(8)
    await file.read(tail, 0, 8, size - 8)
    const footer = Buffer.alloc(tail.readUInt32LE(0))
    await file.read(footer, 0, footer.length, size - 8 - footer.length)
    const at = footer.indexOf(local)
    // The schema comes first in the footer and `time` first in the schema; anything else is another DuckDB than the pinned one.
    if (at < 0) throw new Error('the Parquet footer has no timestamp in milliseconds')
    await file.write(Buffer.from([0x11]), 0, 1, size - 8 - footer.length + at)
  } finally {
    await file.close()
  }
}
