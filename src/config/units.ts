const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_536_000_000 }

/** "250ms", "1.5s", "10m", "24h", "7d", "2y" (of 365 days) → milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text.trim())
  return match ? Number(match[1]) * unitsMs[match[2]!]! : undefined
}

/** Milliseconds in the largest unit that divides them: 604800000 → "7d". */
export const spanText = (ms: number): string => inLargest(ms, unitsMs, 'ms')

const unitsBytes: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
const decimalBytes: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }
const byUpperCase = new Map(
  Object.entries({ ...unitsBytes, ...decimalBytes, '': 1 }).map(([unit, factor]) => [unit.toUpperCase(), factor]),
)

/** "512MiB", "2 GiB", "10GB", "1048576" → bytes. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim())
  const factor = byUpperCase.get(match?.[2]?.toUpperCase() ?? '')
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : undefined
}

/** Bytes in the largest unit that divides them: 2147483648 → "2GiB". */
export const sizeText = (n: number): string => inLargest(n, unitsBytes, 'B')

export const onOffText = (on: boolean): string => (on ? 'on' : 'off')

function inLargest(n: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const [unit, length] = Object.entries(units).findLast(([, length]) => n >= length && n % length === 0) ?? [smallest, 1]
  return `${n / length}${unit}`
}
