import type { Random } from './random.ts'

/** Full jitter: the n-th wait is uniform in [floor, min(ceiling, first · 2ⁿ)], so that a fleet does not come back in step. */
export function backoffMs(
  attempt: number,
  options: { firstMs: number; ceilingMs: number; floorMs?: number },
  random: Random,
): number {
  const floor = options.floorMs ?? 0
  const top = Math.min(options.ceilingMs, options.firstMs * 2 ** Math.min(attempt, 30))
  return floor + Math.floor(random.next() * Math.max(0, top - floor))
}
