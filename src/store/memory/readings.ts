import { type DurableBatch, firstPosition, type Position, type ReadingEvent } from '../../contract/events.ts'
import { addRaw, Buckets, emptySeries, gridOver } from '../buckets.ts'
import type { ExportQuery, RangeQuery, RangeResult, ReadingsStore, Row, Series } from '../readings.ts'
import { rollUp, rollupMs } from '../rollup.ts'

type Stored = { boot: number | null; seq: number | null; fields: Map<string, number> }

const exportChunkRows = 1_000

/** The readings store at its plainest: maps, sorted when asked. It forgets all at exit and so never moves its watermark. It is what
 *  the other implementations are compared with, and what tests of other rooms run on. */
export function createMemoryReadings(): ReadingsStore {
  const nodes = new Map<string, Map<number, Stored>>()
  const latest = new Map<string, Map<string, { value: number; time: number }>>()

  const add = (reading: ReadingEvent): void => {
    if (reading.names.length === 0) return
    let rows = nodes.get(reading.node)
    if (!rows) nodes.set(reading.node, (rows = new Map()))
    let row = rows.get(reading.time)
    if (!row) rows.set(reading.time, (row = { boot: reading.boot, seq: reading.seq, fields: new Map() }))
    let newest = latest.get(reading.node)
    if (!newest) latest.set(reading.node, (newest = new Map()))
    for (const [i, name] of reading.names.entries()) {
      if (row.fields.has(name)) continue // the first value stays
      row.fields.set(name, reading.values[i]!)
      if (reading.time > (newest.get(name)?.time ?? Number.NEGATIVE_INFINITY))
        newest.set(name, { value: reading.values[i]!, time: reading.time })
    }
  }

  const toRow = (node: string, time: number, stored: Stored): Row => ({
    node,
    time,
    boot: stored.boot,
    seq: stored.seq,
    names: [...stored.fields.keys()],
    values: [...stored.fields.values()],
  })

  const rowsOf = (node: string, from: number, to: number): Row[] =>
    [...(nodes.get(node) ?? [])]
      .filter(([time]) => time >= from && time < to)
      .sort(([a], [b]) => a - b)
      .map(([time, stored]) => toRow(node, time, stored))

  return {
    apply(batch: DurableBatch): void {
      for (const event of batch.events) if (event.kind === 'reading') add(event)
    },
    watermark: (): Position => firstPosition,
    rowAt(node, time) {
      const stored = nodes.get(node)?.get(time)
      return stored ? toRow(node, time, stored) : null
    },
    rows: async (node, from, to) => rowsOf(node, from, to),
    latest: node => latest.get(node) ?? new Map(),
    lastTime(node) {
      const rows = nodes.get(node)
      return rows ? [...rows.keys()].reduce((a, b) => Math.max(a, b)) : null
    },
    oldest() {
      const times = [...nodes.values()].flatMap(rows => [...rows.keys()])
      return times.length > 0 ? times.reduce((a, b) => Math.min(a, b)) : null
    },
    nodes: () => [...nodes.keys()],
    fieldNames: node => [...(latest.get(node)?.keys() ?? [])].sort(),
    async range(query) {
      // Over what is there, not over what was asked: "all since 1970" of an hour's data still shows the hour.
      const times = [...(nodes.get(query.node)?.keys() ?? [])]
      const from = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
      const to = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) + 1
      return downsample(rowsOf(query.node, query.from, query.to), query, Math.max(query.from, from), Math.min(query.to, to))
    },
    async *export(query) {
      const rows = [...nodes.keys()]
        .filter(node => query.nodes === null || query.nodes.includes(node))
        .flatMap(node => rowsOf(node, query.from ?? Number.NEGATIVE_INFINITY, query.to ?? Number.POSITIVE_INFINITY))
        .map(row => onlySensors(row, query))
        .filter(row => row.names.length > 0)
        .sort((a, b) => a.time - b.time || (a.node < b.node ? -1 : 1))
      for (let i = 0; i < rows.length; i += exportChunkRows) yield rows.slice(i, i + exportChunkRows)
    },
    exportRollups(query, kind) {
      return rollUp(this.export(query), rollupMs[kind])
    },
    goneBefore: () => 0,
    room: () => undefined,
    seal: async () => {},
    async remove(node) {
      nodes.delete(node)
      latest.delete(node)
    },
    stats() {
      const rows = [...nodes.values()].reduce((sum, rows) => sum + rows.size, 0)
      return { rows, hotRows: rows, files: 0, bytes: 0, rollups: { files: 0, bytes: 0 }, quarantined: [], ok: true, detail: '' }
    },
    close: async () => {},
  }
}

function onlySensors(row: Row, query: ExportQuery): Row {
  if (query.sensors === null) return row
  const kept = row.names.map((name, i) => [name, row.values[i]!] as const).filter(([name]) => query.sensors!.includes(name))
  return { ...row, names: kept.map(([name]) => name), values: kept.map(([, value]) => value) }
}

function downsample(all: readonly Row[], query: RangeQuery, from: number, to: number): RangeResult {
  const wanted = query.sensors
  const rows = all.filter(row => wanted === null || row.names.some(name => wanted.includes(name)))
  const asked = (name: string): boolean => wanted === null || wanted.includes(name)
  // A map, because a sensor may be called `constructor`.
  const series = new Map<string, Series>((wanted ?? []).map(name => [name, emptySeries()]))
  if (rows.length <= query.points) {
    for (const row of rows)
      for (const [i, name] of row.names.entries()) {
        if (!asked(name)) continue
        if (!series.has(name)) series.set(name, emptySeries())
        addRaw(series.get(name)!, row.time, row.values[i]!)
      }
    return { bucketMs: 0, series: Object.fromEntries(series) }
  }
  const grid = gridOver(from, to, query.points)
  const buckets = new Map<string, Buckets>()
  for (const row of rows)
    for (const [i, name] of row.names.entries()) {
      if (!asked(name)) continue
      let filled = buckets.get(name)
      if (!filled) buckets.set(name, (filled = new Buckets(grid)))
      filled.add(row.time, row.values[i]!)
    }
  for (const [name, filled] of buckets) series.set(name, filled.series())
  return { bucketMs: grid.bucketMs, series: Object.fromEntries(series) }
}
