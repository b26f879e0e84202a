import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { RollupKind } from '../readings.ts'
import { breathe } from './breathe.ts'
import { checksum, publish, syncFile } from './disk.ts'
import { type Engine, text } from './engine.ts'
import type { RollupEntry, RollupFacts } from './manifest.ts'
import { type Folders, raw, writeMicroseconds } from './writer.ts'

/** The buckets of one sensor of one node, in order: parallel lists. */
export interface SensorBuckets {
  readonly node: string
  readonly sensor: string
  readonly time: number[]
  readonly min: number[]
  readonly max: number[]
  readonly sum: number[]
  readonly count: number[]
}

/** What a file of roll-ups is besides its rows. */
export interface RollupHead {
  readonly kind: RollupKind
  readonly weeks: RollupEntry['weeks']
  readonly sources: RollupEntry['sources']
  readonly sets: readonly number[]
  readonly nodes: Readonly<Record<string, RollupFacts>>
}

const chunkRows = 2_048
const chunksAtOnce = 4
/** Seven narrow columns, however many sensors there are. */
const memoryMb = 40
export const rollupFormat = 'FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE 32768'

/** Writes roll-ups as a Parquet file under its final name, durably, and describes it. A failure leaves nothing behind. One row a
 *  (node, sensor, bucket): a table of seven columns whatever the sensors are called and however many they are. */
export function writeRollups(
  engine: Engine,
  folders: Folders,
  name: string,
  head: RollupHead,
  buckets: readonly SensorBuckets[],
): Promise<RollupEntry> {
  return published(folders, name, head, path => engine.write(memoryMb, connection => copyOut(connection, buckets, path)))
}

/** Whatever `make` writes at the path it gets (and tells the rows of) becomes the file. */
export async function published(
  folders: Folders,
  name: string,
  head: RollupHead,
  make: (path: string) => Promise<number>,
): Promise<RollupEntry> {
  const temporary = join(folders.temporary, name)
  try {
    const rows = await make(temporary)
    await syncFile(temporary)
    const sum = await checksum(temporary)
    if (!sum) throw new Error(`${temporary} vanished while it was written`)
    await publish(temporary, join(folders.final, name))
    const facts = Object.values(head.nodes)
    const from = facts.reduce((low, node) => Math.min(low, node.from), Number.POSITIVE_INFINITY)
    const to = facts.reduce((high, node) => Math.max(high, node.to), Number.NEGATIVE_INFINITY)
    return { name, ...head, rows, from, to, ...sum }
  } catch (error) {
    await rm(temporary, { force: true })
    await rm(join(folders.final, name), { force: true })
    throw error
  }
}

async function copyOut(connection: DuckDBConnection, buckets: readonly SensorBuckets[], path: string): Promise<number> {
  const nodes = [...new Set(buckets.map(part => part.node))]
  const sensors = [...new Set(buckets.map(part => part.sensor))]
  const words = (list: readonly string[]): string => list.map(text).join(', ')
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE rollup (node ENUM (${words(nodes)}), sensor ENUM (${words(sensors)}), time TIMESTAMPTZ,
      min DOUBLE, max DOUBLE, sum DOUBLE, count UINTEGER)`,
  )
  try {
    const rows = await fill(connection, buckets, nodes, sensors)
    await connection.run(
      `COPY (SELECT node::VARCHAR AS node, sensor::VARCHAR AS sensor, time, min, max, sum, count FROM rollup) TO ${text(path)} (${rollupFormat})`,
    )
    return rows
  } finally {
    await connection.run('DROP TABLE IF EXISTS rollup')
  }
}

async function fill(
  connection: DuckDBConnection,
  buckets: readonly SensorBuckets[],
  nodes: readonly string[],
  sensors: readonly string[],
): Promise<number> {
  const { DuckDBDataChunk, DOUBLE, ENUM, TIMESTAMPTZ, UINTEGER } = await import('@duckdb/node-api')
  const appender = await connection.createAppender('rollup')
  const chunk = DuckDBDataChunk.create([ENUM(nodes), ENUM(sensors), TIMESTAMPTZ, DOUBLE, DOUBLE, DOUBLE, UINTEGER])
  const nodeAt = new Map(nodes.map((node, i) => [node, i]))
  const sensorAt = new Map(sensors.map((sensor, i) => [sensor, i]))
  const total = buckets.reduce((sum, part) => sum + part.time.length, 0)
  let part = 0
  let row = 0
  for (let written = 0, chunks = 1; written < total; chunks++) {
    const size = Math.min(chunkRows, total - written)
    if (chunk.rowCount !== size) chunk.rowCount = size
    const column = <T>(i: number) => raw<T>(chunk.getColumnVector(i))
    const [node, sensor] = [column<Uint8Array>(0), column<Uint8Array>(1)]
    const time = column<BigInt64Array>(2)
    const [min, max, sum] = [column<Float64Array>(3), column<Float64Array>(4), column<Float64Array>(5)]
    const count = column<Uint32Array>(6)
    for (let at = 0; at < size; ) {
      const from = buckets[part]!
      const n = Math.min(size - at, from.time.length - row)
      node.items.fill(nodeAt.get(from.node)!, at, at + n)
      sensor.items.fill(sensorAt.get(from.sensor)!, at, at + n)
      writeMicroseconds(time.items, at, from.time, row, n)
      for (let i = 0; i < n; i++) {
        min.items[at + i] = from.min[row + i]!
        max.items[at + i] = from.max[row + i]!
        sum.items[at + i] = from.sum[row + i]!
        count.items[at + i] = from.count[row + i]!
      }
      at += n
      row += n
      if (row < from.time.length) continue
      part++
      row = 0
    }
    for (const vector of [node, sensor, time, min, max, sum, count]) vector.flush()
    appender.appendDataChunk(chunk)
    written += size
    if (chunks % chunksAtOnce !== 0) continue
    appender.flushSync()
    await breathe()
  }
  appender.closeSync()
  return total
}
