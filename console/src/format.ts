/** Numbers and times as people read them. Pure. */

/** Digits behind the point that a sensor is worth: few where the number is large. */
function worthDecimals(value: number): number {
  const size = Math.abs(value)
  if (size >= 1000) return 0
  if (size >= 10) return 1
  return size >= 0.1 || size === 0 ? 2 : 4
}

const decimalsOf = (value: number): number => {
  const [mantissa = '', exponent] = String(value).split('e')
  return exponent === undefined ? (mantissa.split('.')[1]?.length ?? 0) : 4
}

/** A formatter that keeps as many decimals as the sensor has shown so far, so that 22.5 → 22.0 does not make the number jump.
 *  `more`: decimals beyond what a card shows, for reading a chart. */
export function steadyFormatter(more = 0): (sensor: string, value: number) => string {
  const seen = new Map<string, number>()
  return (sensor, value) => {
    const worth = worthDecimals(value) + more
    const own = Math.min(decimalsOf(value), worth)
    const kept = Math.max(own, Math.min(seen.get(sensor) ?? 0, worth))
    seen.set(sensor, Math.max(own, seen.get(sensor) ?? 0))
    return grouped(value.toFixed(kept)).replace('-', '−')
  }
}

/** Five digits and more in groups of three, with a narrow space that does not break. */
const grouped = (text: string): string =>
  text.replace(/^(-?)(\d{5,})/, (_, sign, digits) => sign + digits.replace(/\B(?=(\d{3})+$)/g, '\u202f'))

/** How long ago, in one unit: `3 s`, `4 min`, `2 h`, `5 d`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 172_800) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86_400)} d`
}

/** `just now`, `3 s ago`. */
export const ago = (ms: number): string => (ms < 2000 ? 'just now' : `${age(ms)} ago`)

/** Time between two steps: `+40 ms`, `+1.3 s`, `+2 min`. */
export function delta(ms: number): string {
  if (ms < 1000) return `+${ms} ms`
  if (ms < 60_000) return `+${(ms / 1000).toFixed(1)} s`
  return `+${age(ms)}`
}

export const clockTime = (ms: number): string =>
  new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })

export const fullTime = (ms: number): string => new Date(ms).toLocaleString([], { dateStyle: 'medium', timeStyle: 'long' })

/** `1 node`, `2 nodes`. */
export const counted = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`

/** `soil_moisture` → `soil moisture`. */
export const spoken = (name: string): string => name.replaceAll('_', ' ')
