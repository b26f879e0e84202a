import type { RollupLine } from '../api/export.ts'
import { formatTime } from '../api/times.ts'
import type { RollupRow, Row } from '../store/readings.ts'
import { quote, type TextEncoder } from './export-text.ts'

/** Roll-ups as CSV, JSON lines, or rows for Parquet. Pure, like export-text.ts. */
const sums = ['min', 'mean', 'max', 'count'] as const

/** The columns of the sensors, in their order: `t_min, t_mean, t_max, t_count`. */
export const rollupColumns = (sensors: readonly string[]): string[] =>
  sensors.flatMap(sensor => sums.map(sum => `${sensor}_${sum}`))

/** Min, mean, max and count of one sensor, `rollupColumns` in values. */
const valuesOf = (row: RollupRow, i: number): [number, number, number, number] => [
  row.min[i]!,
  row.sum[i]! / row.count[i]!,
  row.max[i]!,
  row.count[i]!,
]

/** Four cells a sensor; an absent sensor's are empty. */
export function rollupCsv(sensors: readonly string[]): TextEncoder<RollupRow> {
  const place = new Map(sensors.map((name, i) => [name, i]))
  const encodeRow = (row: RollupRow): string => {
    const cells = new Array<string>(sensors.length).fill(',,,')
    for (const [i, name] of row.names.entries()) {
      const at = place.get(name)
      if (at !== undefined) cells[at] = valuesOf(row, i).join(',')
    }
    return `${[formatTime(row.time), quote(row.node), ...cells].join(',')}\n`
  }
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    header: `${['time', 'node', ...rollupColumns(sensors)].map(quote).join(',')}\n`,
    encode: rows => rows.map(encodeRow).join(''),
  }
}

export function rollupJsonl(): TextEncoder<RollupRow> {
  return {
    contentType: 'application/jsonl; charset=utf-8',
    header: '',
    encode: rows => rows.map(row => `${JSON.stringify(lineOf(row))}\n`).join(''),
  }
}

function lineOf(row: RollupRow): RollupLine {
  const fields = row.names.map((name, i) => {
    const [min, mean, max, count] = valuesOf(row, i)
    return [name, { min, mean, max, count }] as const
  })
  return { time: row.time, node: row.node, fields: Object.fromEntries(fields) }
}

/** Each as a row whose fields are `rollupColumns`. */
export async function* rollupsAsRows(chunks: AsyncIterable<readonly RollupRow[]>): AsyncGenerator<readonly Row[], void> {
  for await (const rows of chunks)
    yield rows.map(row => ({
      node: row.node,
      time: row.time,
      boot: null,
      seq: null,
      names: rollupColumns(row.names),
      values: row.names.flatMap((_, i) => valuesOf(row, i)),
    }))
}
