/** How long what is kept. */
export interface KeepLimits {
  /** Readings: older than this they go. */
  readonly rawAgeMs: number
  /** Readings: when their files take more, the oldest go, whatever their age. */
  readonly rawBytes: number
  readonly minuteAgeMs: number
  readonly hourAgeMs: number
}

export const keepAll: KeepLimits = {
  rawAgeMs: Number.POSITIVE_INFINITY,
  rawBytes: Number.POSITIVE_INFINITY,
  minuteAgeMs: Number.POSITIVE_INFINITY,
  hourAgeMs: Number.POSITIVE_INFINITY,
}
