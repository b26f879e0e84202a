import type { Status } from './schemas.ts'

/** Points as a time series database gets them (wire contract §2, §7), and line protocol. Numbers are always floats: a field that is
 *  once an integer and once a float loses its whole point in InfluxDB (`field type conflict`). */
export interface Point {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, number | string>>
  /** Unix ms. */
  readonly timeMs: number
}

export interface StoredReading {
  readonly node: string
  readonly time: number
  readonly names: readonly string[]
  readonly values: readonly number[]
}

/** null: a reading without any value makes no point. */
export function readingPoint(reading: StoredReading, site?: string): Point | null {
  if (reading.names.length === 0) return null
  const fields: Record<string, number> = {}
  for (let i = 0; i < reading.names.length; i++) fields[reading.names[i]!] = reading.values[i]!
  return { measurement: 'telemetry', tags: nodeTags(reading.node, site), fields, timeMs: reading.time }
}

/** The time of a status is its arrival. */
export function statusPoint(node: string, status: Status, arrivedMs: number, site?: string): Point {
  const fields: Record<string, number | string> = { online: Number(status.online) }
  for (const key of ['uptime', 'wifi_rssi', 'free_heap', 'backlog', 'dropped', 'interval'] as const) {
    const value = status[key]
    if (value !== undefined) fields[key] = value
  }
  if (status.firmware?.confirmed !== undefined) fields['confirmed'] = Number(status.firmware.confirmed)
  if (status.firmware?.version !== undefined) fields['firmware'] = status.firmware.version
  if (status.reset_reason !== undefined) fields['reset_reason'] = status.reset_reason
  return { measurement: 'status', tags: nodeTags(node, site), fields, timeMs: arrivedMs }
}

const nodeTags = (node: string, site: string | undefined): Record<string, string> =>
  site === undefined ? { node } : { node, site }

export type Precision = 'ms' | 'ns'

/** One line without its newline. Tags in name order, as InfluxDB prefers; an empty tag is left out, it would be a syntax error. */
export function line(point: Point, precision: Precision = 'ms'): string {
  let head = measurementText(point.measurement)
  for (const [key, value] of Object.entries(point.tags).sort(byKey)) {
    if (value !== '') head += `,${keyText(key)}=${keyText(value)}`
  }
  const fields = Object.entries(point.fields).map(([key, value]) => `${keyText(key)}=${fieldText(value)}`)
  return `${head} ${fields.join(',')} ${timeText(point.timeMs, precision)}`
}

const byKey = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : a > b ? 1 : 0)

const measurementText = (text: string): string => bare(text).replace(/[, ]/g, '\\$&')

/** Keys of tags and fields, and values of tags. */
const keyText = (text: string): string => bare(text).replace(/[,= ]/g, '\\$&')

/** A number without the suffix `i` is a float. */
const fieldText = (value: number | string): string =>
  typeof value === 'number' ? String(value) : `"${oneLine(value).replace(/["\\]/g, '\\$&')}"`

/** Line protocol has no escape for a line break. */
const oneLine = (text: string): string => text.replace(/[\r\n]/g, ' ')

/** Outside of quotes a backslash has no escape either: at the end it would eat the separator. */
const bare = (text: string): string => oneLine(text).replace(/\\+$/, '')

/** Nanoseconds don't fit a double, so the zeros are text. */
const timeText = (timeMs: number, precision: Precision): string =>
  precision === 'ms' || timeMs === 0 ? String(timeMs) : `${timeMs}000000`
