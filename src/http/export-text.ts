import type { ExportLine } from '../api/export.ts'
import { formatTime } from '../api/times.ts'
import type { Row } from '../store/readings.ts'

/** Rows as CSV or JSON lines. Pure: chunks of rows in, text out. Numbers are written in their shortest form that reads back the same. */
export interface TextEncoder<T> {
  readonly contentType: string
  /** '' when the format has none. */
  readonly header: string
  encode(rows: readonly T[]): string
}

/** One column a field, in the order of `fields`; an absent value is empty. */
export function csvEncoder(fields: readonly string[]): TextEncoder<Row> {
  const column = new Map(fields.map((name, index) => [name, index]))
  const encodeRow = (row: Row): string => {
    const cells = new Array<string>(fields.length).fill('')
    for (let i = 0; i < row.names.length; i++) {
      const at = column.get(row.names[i]!)
      if (at !== undefined) cells[at] = String(row.values[i])
    }
    return `${[formatTime(row.time), quote(row.node), row.boot ?? '', row.seq ?? '', ...cells].join(',')}\n`
  }
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    header: `${['time', 'node', 'boot', 'seq', ...fields].map(quote).join(',')}\n`,
    encode: rows => rows.map(encodeRow).join(''),
  }
}

export function jsonlEncoder(): TextEncoder<Row> {
  return {
    contentType: 'application/jsonl; charset=utf-8',
    header: '',
    encode: rows => rows.map(row => `${JSON.stringify(lineOf(row))}\n`).join(''),
  }
}

function lineOf(row: Row): ExportLine {
  const fields: Record<string, number> = {}
  for (let i = 0; i < row.names.length; i++) fields[row.names[i]!] = row.values[i]!
  return { time: row.time, node: row.node, boot: row.boot, seq: row.seq, fields }
}

/** RFC 4180: only what needs quotes gets them. */
export const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
