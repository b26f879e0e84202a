import type uPlot from 'uplot'
import type { Gap } from '../../../src/api/ledger.ts'
import { clockTime } from '../format.ts'

/** A stretch where readings are known to be missing, as it is drawn and said. */
export interface LostSpan {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** From the ledger's gaps; one without times can't be drawn. */
export function lostSpans(gaps: readonly Gap[]): LostSpan[] {
  return gaps.flatMap(gap => {
    const [from, to] = [gap.first_ms ?? gap.last_ms, gap.last_ms ?? gap.first_ms]
    if (from === null || to === null) return []
    const n = gap.to - gap.from + 1
    const what = `${n.toLocaleString('en')} ${n === 1 ? 'reading' : 'readings'} ${gap.state === 'lost' ? 'lost' : 'missing, may still come'}`
    return [{ from, to, text: `${what}, ${hours(from)}–${hours(to)}` }]
  })
}

const hours = (ms: number): string => clockTime(ms).slice(0, 5)

export interface HatchInk {
  readonly line: string
  readonly text: string
  readonly ground: string
  readonly font: string
}

/** Hatches the spans over a plot; the sentence stands where there is room for it. */
export function drawLost(u: uPlot, spans: readonly LostSpan[], ink: HatchInk): void {
  const { ctx, bbox } = u
  const dpr = devicePixelRatio
  let free = bbox.left
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  for (const span of spans) {
    const left = u.valToPos(span.from / 1000, 'x', true)
    const right = Math.max(left + 3 * dpr, u.valToPos(span.to / 1000, 'x', true))
    if (right < bbox.left || left > bbox.left + bbox.width) continue
    hatch(ctx, left, right, bbox, ink.line, dpr)
    free = label(ctx, span.text, left, right, free, bbox, ink, dpr)
  }
  ctx.restore()
}

function hatch(ctx: CanvasRenderingContext2D, left: number, right: number, box: uPlot.BBox, line: string, dpr: number): void {
  const step = 7 * dpr
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, box.top, right - left, box.height)
  ctx.clip()
  ctx.strokeStyle = line
  ctx.lineWidth = dpr
  ctx.beginPath()
  for (let x = left - box.height; x < right; x += step) {
    ctx.moveTo(x, box.top + box.height)
    ctx.lineTo(x + box.height, box.top)
  }
  ctx.stroke()
  ctx.restore()
}

/** Answers with where the next sentence may begin. */
function label(
  ctx: CanvasRenderingContext2D,
  text: string,
  left: number,
  right: number,
  free: number,
  box: uPlot.BBox,
  ink: HatchInk,
  dpr: number,
): number {
  ctx.font = ink.font.replace(/(\d+)px/, (_, px) => `${Number(px) * dpr}px`)
  const width = ctx.measureText(text).width + 8 * dpr
  const wanted = Math.max((left + right - width) / 2, box.left)
  const at = Math.min(wanted, box.left + box.width - width)
  if (at < free || width > box.width) return free
  ctx.fillStyle = ink.ground
  ctx.fillRect(at, box.top + 2 * dpr, width, 17 * dpr)
  ctx.fillStyle = ink.text
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  ctx.fillText(text, at + 4 * dpr, box.top + 11 * dpr)
  return at + width
}
