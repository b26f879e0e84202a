import { isObject } from './decode-json.ts'
import type { Reading } from './decode-reading.ts'
import { shown } from './fault.ts'
import { limits } from './limits.ts'
import { type Refused, refused } from './refused.ts'

/** What surrounds the readings of a telemetry message. It is judged as a whole, in this order: `readings`, then boot, seq, oldest. */
export interface Envelope {
  readonly ok: true
  /** The entries of `readings`; null for the single form. */
  readonly batch: readonly Reading[] | null
  readonly boot: number | null
  /** Of the first reading; null without boot. */
  readonly firstSeq: number | null
  readonly oldest: BootSeq | null
}

export interface BootSeq {
  readonly boot: number
  readonly seq: number
}

export function judgeEnvelope(object: Reading): Envelope | Refused {
  const form = judgeForm(object)
  if (!form.ok) return form
  const numbering = judgeNumbering(object, form.batch?.length ?? 1)
  return numbering.ok ? { ...numbering, batch: form.batch } : numbering
}

function judgeForm(object: Reading): { ok: true; batch: readonly Reading[] | null } | Refused {
  if (!Object.hasOwn(object, 'readings')) return { ok: true, batch: null }
  const { readings } = object
  if (Object.hasOwn(object, 'timestamp')) return refused('bad_envelope', 'readings stands beside timestamp')
  if (Object.hasOwn(object, 'sensors')) return refused('bad_envelope', 'readings stands beside sensors')
  if (!Array.isArray(readings)) return refused('bad_envelope', `readings is ${shown(readings)}`)
  if (readings.length === 0) return refused('bad_envelope', 'readings is empty')
  if (readings.length > limits.readings) return refused('too_many_readings', `readings has ${readings.length} entries`)
  const stray = readings.findIndex(entry => !isObject(entry))
  return stray < 0 ? { ok: true, batch: readings } : refused('bad_envelope', `readings[${stray}] is ${shown(readings[stray])}`)
}

type Numbering = Omit<Envelope, 'batch'>

/** boot and seq, both or neither; a key that holds null is there. */
function judgeNumbering(object: Reading, count: number): Numbering | Refused {
  const { boot, seq } = object
  if (boot === undefined && seq === undefined) {
    if (Object.hasOwn(object, 'oldest')) return refused('bad_boot_seq', 'oldest is there without boot and seq')
    return { ok: true, boot: null, firstSeq: null, oldest: null }
  }
  if (!isUint32(boot)) return refused('bad_boot_seq', `boot is ${shown(boot)}`)
  if (!isUint32(seq)) return refused('bad_boot_seq', `seq is ${shown(seq)}`)
  if (seq + count - 1 > limits.uint32Max) return refused('bad_boot_seq', `seq is ${seq} for ${count} readings`)
  const own = { boot: boot + 0, seq: seq + 0 } // −0 becomes 0
  if (!Object.hasOwn(object, 'oldest')) return { ok: true, boot: own.boot, firstSeq: own.seq, oldest: null }
  return judgeOldest(object['oldest'], own)
}

function judgeOldest(oldest: unknown, own: BootSeq): Numbering | Refused {
  if (!isObject(oldest)) return refused('bad_boot_seq', `oldest is ${shown(oldest)}`)
  const { boot, seq } = oldest
  if (!isUint32(boot)) return refused('bad_boot_seq', `oldest.boot is ${shown(boot)}`)
  if (!isUint32(seq)) return refused('bad_boot_seq', `oldest.seq is ${shown(seq)}`)
  if (boot === own.boot && seq > own.seq)
    return refused('bad_boot_seq', `oldest.seq is ${seq}, ahead of the message's own ${own.seq}`)
  return { ok: true, boot: own.boot, firstSeq: own.seq, oldest: { boot: boot + 0, seq: seq + 0 } }
}

const isUint32 = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limits.uint32Max
