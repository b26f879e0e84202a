import type { SeriesView } from '../../../src/api/readings.ts'

const width = 240
const height = 32

/** The last day in a line of text's height: shape, no numbers. A gap stays a gap. */
export function Sparkline({ series, colour }: { series: SeriesView | null; colour: string }) {
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {series && series.time.length > 1 && <path d={pathOf(series)} style={{ stroke: `var(${colour})` }} />}
    </svg>
  )
}

function pathOf({ time, mean }: SeriesView): string {
  const [from, to] = [time[0]!, time.at(-1)!]
  const low = Math.min(...mean)
  const high = Math.max(...mean)
  // A flat line belongs in the middle, and noise in the last digit must not look like a storm.
  const span = Math.max(high - low, Math.abs(high) * 0.002, 1e-9)
  const middle = (low + high) / 2
  const holeMs = 4 * ((to - from) / (time.length - 1))
  let path = ''
  for (let i = 0; i < time.length; i++) {
    const x = ((time[i]! - from) / (to - from || 1)) * width
    const y = height / 2 - ((mean[i]! - middle) / span) * (height - 4)
    const joined = i > 0 && time[i]! - time[i - 1]! <= holeMs
    path += `${joined ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
  }
  return path
}
