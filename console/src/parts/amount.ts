/** Sizes and shares as people read them. Pure. */
const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Number and unit apart: a unit is smaller and dimmer than its value. */
export function bytes(n: number): readonly [number: string, unit: string] {
  let [value, step] = [n, 0]
  while (value >= 1024 && step < steps.length - 1) {
    value /= 1024
    step++
  }
  return [value >= 100 || step === 0 ? value.toFixed(0) : value.toFixed(1), steps[step]!]
}

export const bytesText = (n: number): string => bytes(n).join(' ')
