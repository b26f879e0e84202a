/** A seeded generator (mulberry32): the same seed gives the same run. Not for secrets; those come from node:crypto. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform integer in [0, n). */
  below(n: number): number
  /** Uniform uint32. */
  uint32(): number
  /** Standard normal (Box-Muller). */
  normal(): number
  /** A generator of its own, decided by this one and `label`: adding a consumer does not shift the others. */
  fork(label: string): Random
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const next = (): number => uint32() / 4294967296
  return {
    next,
    uint32,
    below: n => Math.floor(next() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    fork: label => {
      let hash = 2166136261
      for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 16777619)
      return seeded((seed ^ hash) >>> 0)
    },
  }
}
