import type { RejectReason } from '../../contract/codes.ts'
import { type JsonPlaces, jsonPlaces, type Place } from './json-places.ts'

/** Where in the raw text of a reject the trouble stands. The text is the whole message or, of a batch, the reading's own. */
export function faultPlace(reason: RejectReason, detail: string, raw: string): Place | null {
  const places = jsonPlaces(raw)
  switch (reason) {
    case 'bad_json':
      return places.broken
    case 'node_id_missing':
    case 'node_id_mismatch':
      return places.value(['node_id']) ?? null
    case 'timestamp_type':
    case 'timestamp_in_ms':
    case 'timestamp_too_old':
    case 'timestamp_in_future':
      return places.value(['timestamp']) ?? null
    case 'bad_sensor_name':
    case 'reserved_name':
      return sensorCalled(detail, places)
    case 'too_many_readings':
      return places.key(['readings']) ?? null
    case 'too_many_sensors':
      return places.key(['sensors']) ?? null
    case 'no_sensors':
      return places.value(['sensors']) ?? null
    case 'unknown_command_id':
      return places.value(['id']) ?? places.value(['command']) ?? null
    default:
      return places.broken ?? named(detail, places)
  }
}

function sensorCalled(detail: string, places: JsonPlaces): Place | null {
  const name = /^(?:readings\[\d+\]: )?a sensor is called ("(?:[^"\\]|\\.)*")/.exec(detail)?.[1]
  return (name && places.key(['sensors', JSON.parse(name) as string])) || null
}

/** A reject's sentence begins with the place it speaks of: `boot is "x"`, `firmware.version is 3`, `sensors[2].name is nothing`. */
function named(detail: string, places: JsonPlaces): Place | null {
  const path = /^(?:readings\[\d+\]: )?([\w.[\]]+) (?:is|has|stands) /.exec(detail)?.[1]
  if (path === undefined) return null
  const steps = path.split(/[.[\]]+/).flatMap(step => (step === '' ? [] : /^\d+$/.test(step) ? Number(step) : step))
  // A value of `sensors` is called by its own name.
  return places.value(['sensors', ...steps]) ?? places.value(steps) ?? null
}
