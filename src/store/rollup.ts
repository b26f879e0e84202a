import type { RollupKind, RollupRow, Row } from './readings.ts'

export const rollupMs: Readonly<Record<RollupKind, number>> = { '1m': 60_000, '1h': 3_600_000 }

/** Faster than one reading in 5 s: then minutes are kept beside hours. At one in 10 s they would take 42 % of the readings' own size. */
export const isFast = (rows: number, from: number, to: number): boolean => rows * 5_000 > Math.max(to - from, 60_000)

interface Part {
  min: number
  max: number
  sum: number
  count: number
}

/** Sums of one (node, bucket) while it is open. */
class OpenBucket {
  private readonly parts = new Map<string, Part>()

  add(name: string, min: number, max: number, sum: number, count: number): void {
    const part = this.parts.get(name)
    if (!part) {
      this.parts.set(name, { min, max, sum, count })
      return
    }
    part.min = Math.min(part.min, min)
    part.max = Math.max(part.max, max)
    part.sum += sum
    part.count += count
  }

  row(node: string, time: number): RollupRow {
    const sorted = [...this.parts].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      node,
      time,
      names: sorted.map(([name]) => name),
      min: sorted.map(([, part]) => part.min),
      max: sorted.map(([, part]) => part.max),
      sum: sorted.map(([, part]) => part.sum),
      count: sorted.map(([, part]) => part.count),
    }
  }
}

/** Rows by (time, node) in, roll-ups by (time, node) out. Holds one bucket of all nodes at a time. */
export async function* rollUp(
  chunks: AsyncIterable<readonly Row[]>,
  bucketMs: number,
): AsyncGenerator<readonly RollupRow[], void> {
  let bucket = Number.NEGATIVE_INFINITY
  let nodes = new Map<string, OpenBucket>()
  for await (const rows of chunks) {
    const done: RollupRow[] = []
    for (const row of rows) {
      const start = Math.floor(row.time / bucketMs) * bucketMs
      if (start !== bucket) {
        done.push(...closed(nodes, bucket))
        nodes = new Map()
        bucket = start
      }
      let open = nodes.get(row.node)
      if (!open) nodes.set(row.node, (open = new OpenBucket()))
      for (let i = 0; i < row.names.length; i++) open.add(row.names[i]!, row.values[i]!, row.values[i]!, row.values[i]!, 1)
    }
    if (done.length > 0) yield done
  }
  if (nodes.size > 0) yield closed(nodes, bucket)
}

const closed = (nodes: ReadonlyMap<string, OpenBucket>, time: number): RollupRow[] =>
  [...nodes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([node, open]) => open.row(node, time))

/** Two streams by (time, node) as one; where both have a bucket of a node it is put together. */
export async function* joined(
  a: AsyncIterable<readonly RollupRow[]>,
  b: AsyncIterable<readonly RollupRow[]>,
): AsyncGenerator<readonly RollupRow[], void> {
  const left = new Reader(a)
  const right = new Reader(b)
  const chunkRows = 1_000
  let chunk: RollupRow[] = []
  try {
    for (;;) {
      const x = left.ready() ? left.peek() : await left.next()
      const y = right.ready() ? right.peek() : await right.next()
      if (x === null && y === null) break
      const order = x === null ? 1 : y === null ? -1 : compare(x, y)
      if (order <= 0) left.drop()
      if (order >= 0) right.drop()
      chunk.push(order < 0 ? x! : order > 0 ? y! : together(x!, y!))
      if (chunk.length < chunkRows) continue
      yield chunk
      chunk = []
    }
    if (chunk.length > 0) yield chunk
  } finally {
    await left.close()
    await right.close()
  }
}

const compare = (a: RollupRow, b: RollupRow): number => a.time - b.time || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0)

function together(a: RollupRow, b: RollupRow): RollupRow {
  const open = new OpenBucket()
  for (const row of [a, b])
    for (const [i, name] of row.names.entries()) open.add(name, row.min[i]!, row.max[i]!, row.sum[i]!, row.count[i]!)
  return open.row(a.node, a.time)
}

/** A stream of chunks, one row at a time, without a promise a row. */
class Reader {
  private readonly chunks: AsyncIterator<readonly RollupRow[]>
  private rows: readonly RollupRow[] = []
  private at = 0
  private ended = false

  constructor(chunks: AsyncIterable<readonly RollupRow[]>) {
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  ready(): boolean {
    return this.ended || this.at < this.rows.length
  }

  peek(): RollupRow | null {
    return this.rows[this.at] ?? null
  }

  drop(): void {
    this.at++
  }

  async next(): Promise<RollupRow | null> {
    while (!this.ready()) {
      const { done, value } = await this.chunks.next()
      this.ended = done === true
      this.rows = done ? [] : value
      this.at = 0
    }
    return this.peek()
  }

  async close(): Promise<void> {
    await this.chunks.return?.()
  }
}
