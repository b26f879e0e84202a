import { isObject } from './decode-json.ts'
import { shown } from './fault.ts'
import { limits } from './limits.ts'
import { reservedNames } from './reserved-names.ts'

/** What one reading is judged against. `now` is the wall clock in Unix ms. */
export interface ReadingContext {
  readonly now: number
  /** Then nothing is too far ahead (§8). */
  readonly clockSuspect: boolean
  /** The message has boot, seq or readings: then its readings need a time of their own (§2). */
  readonly needsTime: boolean
}

export type ReadingReason =
  | 'no_time'
  | 'timestamp_type'
  | 'timestamp_in_ms'
  | 'timestamp_too_old'
  | 'timestamp_in_future'
  | 'no_sensors'
  | 'too_many_sensors'
  | 'bad_sensor_name'
  | 'reserved_name'
  | 'bad_sensor_value'

/** Unix ms; null: it takes the time of its arrival. `names` and `values` run in parallel: sensors in the order of the JSON, then
 *  wifi_rssi, uptime; both empty when every sensor was null. */
export interface JudgedReading {
  readonly ok: true
  readonly time: number | null
  readonly names: readonly string[]
  readonly values: readonly number[]
  readonly nullValues: number
}

export interface ReadingFault {
  readonly ok: false
  readonly reason: ReadingReason
  /** What was there. */
  readonly got: string
}

export type Reading = Readonly<Record<string, unknown>>

const namePattern = /^[a-z][a-z0-9_]{0,31}$/
const reserved: ReadonlySet<string> = new Set(reservedNames)

/** Judges one reading by itself (§2): its time first, then its sensors: their number, names, reserved names, values, at last
 *  wifi_rssi and uptime. In that order over all entries, so that the reason does not depend on the order of keys. */
export function judgeReading(reading: Reading, context: ReadingContext): JudgedReading | ReadingFault {
  const time = judgeTime(reading, context)
  if (typeof time === 'object' && time !== null) return time
  const { sensors } = reading
  if (!isObject(sensors))
    return fault('no_sensors', sensors === undefined ? 'there is no sensors' : `sensors is ${shown(sensors)}`)
  const keys = Object.keys(sensors)
  const badKeys = judgeNames(keys)
  if (badKeys) return badKeys
  return judgeValues(time, keys, sensors, reading)
}

/** Rounded to the millisecond first, so that a border is one of whole milliseconds; only "is it milliseconds?" asks the raw number. */
function judgeTime(reading: Reading, context: ReadingContext): number | null | ReadingFault {
  if (!Object.hasOwn(reading, 'timestamp')) {
    return context.needsTime ? fault('no_time', 'a reading of a message with boot, seq or readings has no timestamp') : null
  }
  const { timestamp } = reading
  if (typeof timestamp !== 'number') return fault('timestamp_type', `timestamp is ${shown(timestamp)}`)
  if (timestamp >= limits.timestampMsFrom) return fault('timestamp_in_ms', `timestamp is ${timestamp}`)
  const time = Math.round(timestamp * 1000)
  if (time < limits.oldestTimestampS * 1000) return fault('timestamp_too_old', `timestamp is ${timestamp}`)
  const aheadMs = time - context.now
  if (aheadMs > limits.futureS * 1000 && !context.clockSuspect) {
    return fault('timestamp_in_future', `timestamp is ${timestamp}, ${Math.round(aheadMs / 1000)} s ahead`)
  }
  return time
}

function judgeNames(keys: readonly string[]): ReadingFault | null {
  if (keys.length === 0) return fault('no_sensors', 'sensors is empty')
  if (keys.length > limits.sensors) return fault('too_many_sensors', `sensors has ${keys.length} entries`)
  for (const key of keys) if (!namePattern.test(key)) return fault('bad_sensor_name', `a sensor is called ${shown(key)}`)
  for (const key of keys) if (reserved.has(key)) return fault('reserved_name', `a sensor is called ${shown(key)}`)
  return null
}

function judgeValues(
  time: number | null,
  keys: readonly string[],
  sensors: Reading,
  reading: Reading,
): JudgedReading | ReadingFault {
  const names: string[] = []
  const values: number[] = []
  let nullValues = 0
  for (const key of keys) {
    const value = sensors[key]
    if (value === null) nullValues++
    else if (!pushValue(key, typeof value === 'boolean' ? Number(value) : value, names, values)) return badValue(key, value)
  }
  for (const key of ['wifi_rssi', 'uptime']) {
    const value = reading[key]
    if (value === undefined || value === null) continue
    if (!pushValue(key, value, names, values)) return badValue(key, value)
  }
  return { ok: true, time, names, values, nullValues }
}

function pushValue(name: string, value: unknown, names: string[], values: number[]): boolean {
  // JSON.parse makes Infinity of 1e400.
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  names.push(name)
  values.push(value + 0) // −0 becomes 0
  return true
}

const badValue = (key: string, value: unknown): ReadingFault => fault('bad_sensor_value', `${key} is ${shown(value)}`)

const fault = (reason: ReadingReason, got: string): ReadingFault => ({ ok: false, reason, got })

const readingKeys: ReadonlySet<string> = new Set(['timestamp', 'sensors', 'wifi_rssi', 'uptime'])

/** Keys of a batch's reading that nobody knows. */
export function countUnknownReadingKeys(reading: Reading): number {
  let unknown = 0
  for (const key in reading) if (!readingKeys.has(key)) unknown++
  return unknown
}
