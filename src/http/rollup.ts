import type { Row } from '../store/readings.ts'

/** Rows in order of (time, node) in, one row a (bucket, node) out, in the same order: the mean of each field, boot and seq of the
 *  bucket's first row, the bucket's start as time. Holds one bucket at a time. */
export async function* rollUp(chunks: AsyncIterable<readonly Row[]>, bucketMs: number): AsyncGenerator<readonly Row[], void> {
  let bucket = Number.NEGATIVE_INFINITY
  let nodes = new Map<string, Sums>()
  for await (const rows of chunks) {
    const done: Row[] = []
    for (const row of rows) {
      const start = Math.floor(row.time / bucketMs) * bucketMs
      if (start !== bucket) {
        done.push(...closed(nodes, bucket))
        nodes = new Map()
        bucket = start
      }
      add(nodes, row)
    }
    if (done.length > 0) yield done
  }
  if (nodes.size > 0) yield closed(nodes, bucket)
}

interface Sums {
  readonly boot: number | null
  readonly seq: number | null
  readonly fields: Map<string, { sum: number; count: number }>
}

function add(nodes: Map<string, Sums>, row: Row): void {
  let sums = nodes.get(row.node)
  if (!sums) nodes.set(row.node, (sums = { boot: row.boot, seq: row.seq, fields: new Map() }))
  for (let i = 0; i < row.names.length; i++) {
    const field = sums.fields.get(row.names[i]!)
    if (!field) sums.fields.set(row.names[i]!, { sum: row.values[i]!, count: 1 })
    else {
      field.sum += row.values[i]!
      field.count++
    }
  }
}

function closed(nodes: ReadonlyMap<string, Sums>, time: number): Row[] {
  return [...nodes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, sums]) => ({
      node,
      time,
      boot: sums.boot,
      seq: sums.seq,
      names: [...sums.fields.keys()],
      values: [...sums.fields.values()].map(field => field.sum / field.count),
    }))
}
