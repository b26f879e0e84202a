/** What the parameters of a built-in command may be. Unknown, missing and ill-typed ones are named with what is allowed. */
export interface Param {
  readonly required: boolean
  readonly allowed: string
  fits(value: unknown): boolean
}

export const required = (allowed: string, fits: (value: unknown) => boolean): Param => ({ required: true, allowed, fits })
export const optional = (allowed: string, fits: (value: unknown) => boolean): Param => ({ required: false, allowed, fits })

export const within =
  (low: number, high: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value >= low && value <= high

export const integerWithin =
  (low: number, high: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && within(low, high)(value)

export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

export const text = (value: unknown): boolean => typeof value === 'string' && value.length > 0

/** The first thing that is wrong, as a sentence, or undefined. */
export function wrongParam(
  params: Readonly<Record<string, unknown>>,
  specs: Readonly<Record<string, Param>>,
): string | undefined {
  for (const name of Object.keys(params)) {
    if (Object.hasOwn(specs, name)) continue
    const known = Object.keys(specs)
    return `${name} is not a parameter, allowed: ${known.length > 0 ? known.join(', ') : 'none'}`
  }
  for (const [name, spec] of Object.entries(specs)) {
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    if (value === undefined) {
      if (spec.required) return `${name} is missing, allowed: ${spec.allowed}`
    } else if (!spec.fits(value)) return `${name} is ${JSON.stringify(value)}, allowed: ${spec.allowed}`
  }
  return undefined
}
