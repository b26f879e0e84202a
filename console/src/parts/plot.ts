import uPlot from 'uplot'
import { clockTime } from '../format.ts'
import { ink } from '../state/theme.ts'
import { drawLost, type LostSpan } from './lost-spans.ts'

export interface PlotOptions {
  readonly colour: string
  readonly unit: string
  readonly lost: () => readonly LostSpan[]
  /** The moment under the mouse, in Unix ms; null when it left. */
  readonly onCursor: (ms: number | null) => void
  /** A stretch was drawn with the mouse, in Unix ms. */
  readonly onZoom: (from: number, to: number) => void
  readonly onBack: () => void
}

// The same for all, so that the charts of a stack stand under each other.
const axisWidth = 72

/** A uPlot with the house's look: mean as a line, min to max as a pale band, hairlines, 24 h clock. */
export function makePlot(host: HTMLElement, options: PlotOptions): uPlot {
  const line = ink(options.colour)
  const font = `12px ${getComputedStyle(host).fontFamily}`
  const hatch = { line: ink('--hatch'), text: ink('--text'), ground: ink('--surface'), font }
  const axis = {
    stroke: ink('--dim'),
    grid: { stroke: ink('--line'), width: 1 },
    ticks: { stroke: ink('--line'), width: 1, size: 4 },
    font,
  }
  return new uPlot(
    {
      width: host.clientWidth,
      height: host.clientHeight,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: {
          dblclick: () => () => {
            options.onBack()
            return null
          },
        },
      },
      scales: { x: { time: true }, y: { range: roomy } },
      series: [
        {},
        { show: true, stroke: 'transparent', points: { show: false } },
        { show: true, stroke: 'transparent', points: { show: false } },
        { stroke: line, width: 1.75, points: { size: 5, fill: line } },
      ],
      bands: [{ series: [2, 1], fill: pale(line) }],
      axes: [
        { ...axis, space: 76, size: 28, values: (_, splits, __, ___, step) => splits.map(s => timeLabel(s * 1000, step)) },
        {
          ...axis,
          size: axisWidth,
          space: 28,
          values: (_, splits) => splits.map((v, i) => valueLabel(v, splits, i === splits.length - 1 ? options.unit : '')),
        },
      ],
      hooks: {
        draw: [u => drawLost(u, options.lost(), hatch)],
        setCursor: [u => options.onCursor(momentUnder(u))],
        setSelect: [u => zoom(u, options)],
      },
    },
    [[], [], [], []],
    host,
  )
}

/** Puts the cursor on a moment without telling anybody. */
export function pointAt(u: uPlot, ms: number | null): void {
  const left = ms === null ? -10 : u.valToPos(ms / 1000, 'x')
  const top = ms === null ? -10 : Math.max(0, u.cursor.top ?? 0)
  u.setCursor({ left: left >= 0 && left <= u.over.clientWidth ? left : -10, top }, false)
}

function momentUnder(u: uPlot): number | null {
  const left = u.cursor.left ?? -10
  return left < 0 ? null : u.posToVal(left, 'x') * 1000
}

/** Room above and below, and a flat line in the middle: the last digit's noise must not look like a storm. */
function roomy(_: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low)) return [0, 1]
  const span = Math.max(high - low, Math.abs(high) * 0.002, 0.01)
  const middle = (low + high) / 2
  return [middle - span * 0.6, middle + span * 0.6]
}

const pale = (colour: string): string =>
  colour.replace(/rgba?\(([^)]+)\)/, (_, parts) => `rgba(${String(parts).split(',').slice(0, 3).join(',')}, 0.2)`)

function timeLabel(ms: number, stepS: number | null): string {
  const time = clockTime(ms)
  if ((stepS ?? 60) < 60) return time
  const midnight = new Date(ms).getHours() === 0 && new Date(ms).getMinutes() === 0
  return midnight ? new Date(ms).toLocaleDateString([], { day: 'numeric', month: 'short' }) : time.slice(0, 5)
}

function valueLabel(value: number, splits: readonly number[], unit: string): string {
  const step = splits.length > 1 ? Math.abs(splits[1]! - splits[0]!) : 1
  // As many as the step itself needs: 0.025 wants three, or neighbours are rounded apart.
  const decimals = [0, 1, 2, 3].find(n => Math.abs(step - Number(step.toFixed(n))) < step / 1e6) ?? 4
  return `${value.toFixed(decimals).replace('-', '−')}${unit && ` ${unit}`}`
}

function zoom(u: uPlot, options: PlotOptions): void {
  if (u.select.width < 8) return
  const from = u.posToVal(u.select.left, 'x') * 1000
  const to = u.posToVal(u.select.left + u.select.width, 'x') * 1000
  u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
  options.onZoom(Math.floor(from), Math.ceil(to))
}
