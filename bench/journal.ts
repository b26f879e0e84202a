import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JournalEvent } from '../src/contract/events.ts'
import { decode } from '../src/journal/decode.ts'
import { createEncoder } from '../src/journal/encode.ts'
import { openJournal } from '../src/journal/open.ts'

/** Commits of batches as big as the lane makes them, beside the limit: the same bytes with bare write + fdatasync into a file of
 *  zeros. Readings of 100 nodes with seven fields; ESPALIER_BENCH_DIR chooses the disk. */
const nodes = Array.from({ length: 100 }, (_, i) => `node-${i}`)
const names = ['temperature', 'humidity', 'pressure', 'light', 'battery', 'wifi_rssi', 'uptime']

function batchOf(rows: number, from: number): JournalEvent[] {
  return Array.from({ length: rows }, (_, j) => {
    const i = from + j
    const time = 1_704_844_800_000 + i
    const values = names.map((_, field) => Math.sin(i + field) * 100)
    return {
      kind: 'reading',
      node: nodes[i % 100]!,
      arrived: time + 3,
      time,
      boot: 1000 + (i % 100),
      seq: Math.floor(i / 100),
      names,
      values,
    }
  })
}

export async function bench(): Promise<void> {
  codec()
  const dir = await mkdtemp(join(process.env.ESPALIER_BENCH_DIR ?? tmpdir(), 'bench-journal-'))
  try {
    const table = []
    for (const rows of [1, 20, 100, 1000, 5000]) table.push(await commits(join(dir, String(rows)), rows))
    console.table(table)
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Encoding and decoding alone. */
function codec(): void {
  const encoder = createEncoder(36)
  const table = [20, 1000, 5000].map(rows => {
    const batch = batchOf(rows, 0)
    const times = Math.ceil(1_000_000 / rows)
    let start = performance.now()
    for (let i = 0; i < times; i++) encoder.encode(batch)
    const encodeS = (performance.now() - start) / 1000
    const payload = Buffer.from(encoder.encode(batch).subarray(36))
    start = performance.now()
    for (let i = 0; i < times; i++) decode(payload)
    const decodeS = (performance.now() - start) / 1000
    return {
      rows,
      'encode M rows/s': round((times * rows) / encodeS / 1e6),
      'decode M rows/s': round((times * rows) / decodeS / 1e6),
      'bytes/row': round(payload.length / rows),
    }
  })
  console.table(table)
}

async function commits(dir: string, rows: number) {
  const seconds: number[] = []
  const journal = await openJournal({ dir, boundBytes: 64 * 1024 * 1024, onCommit: s => seconds.push(s) })
  const count = Math.max(200, Math.min(3000, Math.floor(400_000 / rows)))
  const batches = Array.from({ length: Math.min(count, 50) }, (_, i) => batchOf(rows, i * rows))
  const before = process.cpuUsage()
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    const end = await journal.append(batches[i % batches.length]!)
    if (i % 20 === 0) await journal.trim(end)
  }
  const wallS = (performance.now() - start) / 1000
  const cpu = process.cpuUsage(before)
  await journal.close()
  const bytes = createEncoder(36).encode(batches[0]!).length
  const bare = bareCommits(`${dir}.bare`, bytes, Math.min(count, 500))
  return {
    rows,
    'rows/s': Math.round((rows * count) / wallS),
    'cpu µs/row': round((cpu.user + cpu.system) / (rows * count)),
    'bytes/row': round(bytes / rows),
    'p50 ms': round(percentile(seconds, 0.5) * 1000),
    'p99 ms': round(percentile(seconds, 0.99) * 1000),
    'bare p50 ms': round(percentile(bare, 0.5) * 1000),
    'bare p99 ms': round(percentile(bare, 0.99) * 1000),
  }
}

/** The limit: what the disk itself takes for the same bytes. */
function bareCommits(path: string, bytes: number, count: number): number[] {
  const fd = openSync(path, 'w')
  const size = 64 * 1024 * 1024
  for (let at = 0; at < size; at += 1024 * 1024) writeSync(fd, Buffer.alloc(1024 * 1024), 0, 1024 * 1024, at)
  fsyncSync(fd)
  const data = Buffer.alloc(bytes, 1)
  const seconds: number[] = []
  for (let i = 0, at = 0; i < count; i++, at = (at + bytes) % (size - bytes)) {
    const start = performance.now()
    writeSync(fd, data, 0, bytes, at)
    fdatasyncSync(fd)
    seconds.push((performance.now() - start) / 1000)
  }
  closeSync(fd)
  return seconds
}

const percentile = (list: number[], p: number): number => [...list].sort((a, b) => a - b)[Math.floor(list.length * p)]!

const round = (n: number): number => Number(n.toPrecision(3))
