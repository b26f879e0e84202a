/** The stretch of time that charts show: the last so many milliseconds, moving; or a fixed one that was drawn. Pure. */
export type Span = { readonly lastMs: number } | { readonly from: number; readonly to: number }

const minute = 60_000
export const spans: readonly (readonly [label: string, key: string, lastMs: number])[] = [
  ['15 min', '15m', 15 * minute],
  ['1 h', '1h', 60 * minute],
  ['6 h', '6h', 360 * minute],
  ['24 h', '24h', 1440 * minute],
  ['7 d', '7d', 10_080 * minute],
  ['30 d', '30d', 43_200 * minute],
  ['1 y', '365d', 525_600 * minute],
]
const usual: Span = { lastMs: spans[0]![2] }
const leastMs = 1000

/** From what stands in the address (`last=6h`, or `from` and `to` in Unix ms); the usual span where that says nothing. */
export function spanOf(query: URLSearchParams): Span {
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))]
  if (from > 0 && to > from) return { from, to }
  const named = spans.find(([, key]) => key === query.get('last'))
  return named ? { lastMs: named[2] } : usual
}

/** For the address; null takes a name out of it. */
export function queryOf(span: Span): Record<'from' | 'to' | 'last', string | null> {
  if ('from' in span) return { from: String(Math.floor(span.from)), to: String(Math.ceil(span.to)), last: null }
  const key = spans.find(([, , lastMs]) => lastMs === span.lastMs)?.[1]
  return { from: null, to: null, last: key === undefined || span.lastMs === spans[0]![2] ? null : key }
}

export interface Window {
  readonly from: number
  readonly to: number
}

/** Part of a window's width to the left (negative) or right. */
export const moved = ({ from, to }: Window, part: number): Window => ({
  from: from + (to - from) * part,
  to: to + (to - from) * part,
})

/** Around `at`, `factor` times as wide. */
export function scaled({ from, to }: Window, factor: number, at: number): Window {
  const wide = Math.max(leastMs, (to - from) * factor)
  const share = Math.min(1, Math.max(0, (at - from) / (to - from)))
  return { from: at - wide * share, to: at + wide * (1 - share) }
}
