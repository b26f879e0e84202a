import { firstPosition, type Position } from '../contract/events.ts'
import { openingBytes } from './frame.ts'
import { type Frame, type SegmentSummary, scan } from './scan.ts'
import { readSegment, reopenSegment, type Segment, type SegmentFile } from './segment-files.ts'

/** What an earlier run left: where its last batch ends, the segment that may be written on, the untouched ones behind it. Reads
 *  from the back and stops at the first segment with a batch, so that opening does not read the whole journal. */
export interface Survey {
  /** Behind the last good batch. */
  readonly end: Position
  /** Of the last good batch, 0 for none. */
  readonly lastBatch: number
  /** The last good batch as it lies in its segment; its sync may never have succeeded. */
  readonly lastFrame:
    | { readonly bytes: Buffer; readonly count: number; readonly segment: number; readonly offset: number }
    | undefined
  readonly current: Segment | undefined
  readonly ready: Segment[]
  /** All other files. */
  readonly kept: SegmentFile[]
  readonly nextNumber: number
}

export async function survey(dir: string, files: readonly SegmentFile[], segmentBytes: number): Promise<Survey> {
  const nextNumber = (files.at(-1)?.number ?? 0) + 1
  const ready: Segment[] = []
  const kept: SegmentFile[] = []
  for (let i = files.length - 1; i >= 0; i--) {
    const file = files[i]!
    const data = await readSegment(dir, file.number)
    const { last, summary } = lastFrameOf(data, file.number, segmentBytes)
    const writable = summary.opened && summary.clean
    if (last === undefined) {
      if (writable) ready.unshift(reopenSegment(dir, file.number, file.size, summary.salt!, openingBytes))
      else kept.unshift(file)
      continue
    }
    const current = writable ? reopenSegment(dir, file.number, file.size, summary.salt!, last.end) : undefined
    kept.unshift(...files.slice(0, current ? i : i + 1))
    const lastFrame = {
      bytes: data.subarray(last.offset, last.end),
      count: last.header.count,
      segment: file.number,
      offset: last.offset,
    }
    const end = { segment: file.number, offset: last.end }
    return { end, lastBatch: last.header.batch, lastFrame, current, ready, kept, nextNumber }
  }
  // Without a batch, still not before what a trim may have left behind.
  const end = ready[0] ? { segment: ready[0].number, offset: 0 } : firstPosition
  return { end, lastBatch: 0, lastFrame: undefined, current: undefined, ready, kept, nextNumber }
}

function lastFrameOf(data: Buffer, number: number, segmentBytes: number): { last: Frame | undefined; summary: SegmentSummary } {
  const findings = scan(data, number, segmentBytes)
  let last: Frame | undefined
  for (;;) {
    const step = findings.next()
    if (step.done) return { last, summary: step.value }
    if (step.value.kind === 'frame') last = step.value
  }
}
