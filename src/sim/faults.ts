import type { Random } from '../kit/random.ts'

/** What goes wrong on purpose between a node and the broker. Chances are 0 to 1 a message. */
export interface Faults {
  /** A telemetry message is acknowledged to the node and lost: what a broker may do that loses its memory. */
  readonly drop: number
  /** A telemetry message goes out twice. */
  readonly dup: number
  /** A telemetry message goes out behind the next one. */
  readonly reorder: number
  /** A broken message goes along with a good one. */
  readonly badjson: number
  /** Seconds added to the nodes' clocks. */
  readonly clockS: number
  /** One node that takes so many readings a second. */
  readonly flood: { readonly id: string; readonly rate: number } | null
}

export const noFaults: Faults = { drop: 0, dup: 0, reorder: 0, badjson: 0, clockS: 0, flood: null }

export type ParsedFaults =
  | { readonly ok: true; readonly faults: Faults }
  | { readonly ok: false; readonly what: string; readonly allowed: string }

const allowed = 'drop=P, dup=P, reorder=P, badjson=P with P from 0 to 1, clock=SECONDS, flood=ID:RATE, joined by commas'

/** "drop=0.1,dup=0.05,clock=-30,flood=sim-2:100" → faults, or the part that can't be used. */
export function parseFaults(text: string): ParsedFaults {
  let faults = noFaults
  for (const part of text.split(',')) {
    const [key, value] = splitOnce(part.trim(), '=')
    const next = withFault(faults, key, value)
    if (!next) return { ok: false, what: `"${part}" is no fault`, allowed }
    faults = next
  }
  return { ok: true, faults }
}

function withFault(faults: Faults, key: string, value: string): Faults | undefined {
  const n = value.trim() === '' ? Number.NaN : Number(value)
  switch (key) {
    case 'drop':
    case 'dup':
    case 'reorder':
    case 'badjson':
      return n >= 0 && n <= 1 ? { ...faults, [key]: n } : undefined
    case 'clock':
      return Number.isFinite(n) ? { ...faults, clockS: n } : undefined
    case 'flood': {
      const [id, rate] = splitOnce(value, ':')
      return id !== '' && Number(rate) > 0 && Number(rate) <= 10_000
        ? { ...faults, flood: { id, rate: Number(rate) } }
        : undefined
    }
    default:
      return undefined
  }
}

function splitOnce(text: string, at: string): [string, string] {
  const i = text.indexOf(at)
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)]
}

export interface Sendable {
  readonly topic: string
  readonly payload: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

/** What stands between one node and its link. */
export interface FaultyLine {
  /** `acknowledged(lost)` may come at once, later, or never. */
  publish(message: Sendable, acknowledged: (lost: boolean) => void): void
  /** Lets go what is held back to be out of order: no message may follow it. */
  flush(): void
}

export function faultyLine(send: (message: Sendable, done: () => void) => void, faults: Faults, random: Random): FaultyLine {
  let heldBack: (() => void) | null = null
  const flush = (): void => {
    const late = heldBack
    heldBack = null
    late?.()
  }
  return {
    flush,
    publish(message, acknowledged) {
      const go = (): void => send(message, () => acknowledged(false))
      if (random.next() < faults.badjson)
        send({ ...message, payload: message.payload.slice(0, Math.floor(message.payload.length / 2)) }, () => {})
      if (random.next() < faults.drop) return acknowledged(true)
      if (random.next() < faults.dup) send(message, () => {})
      if (heldBack === null && random.next() < faults.reorder) {
        heldBack = go
        return
      }
      go()
      flush()
    },
  }
}
