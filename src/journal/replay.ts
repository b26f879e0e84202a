import { comparePositions, type DurableBatch, firstPosition, type JournalEvent, type Position } from '../contract/events.ts'
import { decode } from './decode.ts'
import type { ReplayReport } from './journal.ts'
import { type Damage, type Frame, scan } from './scan.ts'
import { readSegment, type SegmentFile } from './segment-files.ts'

/** Reads the segments from `from` on and gives each batch once, in order. What is damaged is judged by the batch numbers around
 *  it: nothing missing between them means an unfinished write that nobody was promised (`tail`); a good frame behind it in the same
 *  segment, a number that is missing, or at the journal's end a file that is not as it was made, means rot. */
export async function replaySegments(
  dir: string,
  files: readonly SegmentFile[],
  segmentBytes: number,
  from: Position,
  apply: (batch: DurableBatch) => void,
): Promise<ReplayReport> {
  const judge = createJudge(from, apply)
  let expected = comparePositions(from, firstPosition) > 0 ? from.segment : undefined
  for (const file of files) {
    if (file.number < from.segment) continue
    if (expected !== undefined && expected < file.number) judge.missing(expected, (file.number - expected) * segmentBytes)
    expected = file.number + 1
    const data = await readSegment(dir, file.number)
    for (const finding of scan(data, file.number, segmentBytes)) {
      if (finding.kind === 'frame') judge.frame(file.number, finding)
      else judge.damage(file.number, finding)
    }
  }
  return judge.report()
}

type Place = { readonly segment: number; readonly offset: number; readonly bytes: number; what: 'tail' | 'rot' }

function createJudge(from: Position, apply: (batch: DurableBatch) => void) {
  const damaged: Place[] = []
  /** Ends of segments and whole files of which the next good frame tells whether a batch was lost there. */
  let ends: Place[] = []
  let files: Place[] = []
  /** Of the ends those that no crash leaves: without a next good frame nobody can tell. */
  let doubtful: Place[] = []
  let before: { readonly frame: Frame; readonly end: Position } | undefined
  let damageSince = false
  let batches = 0
  let events = 0

  function settle(nothingLost: boolean): void {
    if (!nothingLost) {
      for (const place of ends) place.what = 'rot'
      damaged.push(...files)
    }
    ends = []
    files = []
    doubtful = []
    damageSince = false
  }

  function give(frame: Frame, end: Position): void {
    const list = readable(frame)
    if (list === undefined) {
      damaged.push({ segment: end.segment, offset: frame.offset, bytes: frame.end - frame.offset, what: 'rot' })
      return
    }
    apply({ events: list, end })
    batches++
    events += list.length
  }

  return {
    missing(segment: number, bytes: number): void {
      files.push({ segment, offset: 0, bytes, what: 'rot' })
      damageSince = true
    },
    damage(segment: number, found: Damage): void {
      if (segment === from.segment && found.offset + found.bytes <= from.offset) {
        before = undefined // behind the watermark: no longer needed, and no measure for what follows
        return
      }
      const place: Place = { segment, offset: found.offset, bytes: found.bytes, what: found.last ? 'tail' : 'rot' }
      damaged.push(place)
      if (found.last) ends.push(place)
      if (found.afterwards) doubtful.push(place)
      damageSince = true
    },
    frame(segment: number, frame: Frame): void {
      const end = { segment, offset: frame.end }
      const previous = before
      before = { frame, end }
      const copy = previous !== undefined && isCopy(previous.frame, frame)
      if (copy || comparePositions(end, from) <= 0) {
        settle(true)
        return
      }
      const follows = previous === undefined ? !damageSince : frame.header.batch === previous.frame.header.batch + 1
      if (!follows && !damageSince) damaged.push({ ...previous!.end, bytes: 0, what: 'rot' })
      settle(follows)
      give(frame, end)
    },
    report(): ReplayReport {
      for (const place of doubtful) place.what = 'rot'
      settle(files.length === 0)
      return { batches, events, damaged: damaged.sort(comparePositions) }
    },
  }
}

/** The events of a frame; undefined for one whose checksum holds although its content is none of ours. */
function readable(frame: Frame): JournalEvent[] | undefined {
  try {
    return decode(frame.payload)
  } catch {
    return undefined
  }
}

/** A batch written again after a failed sync: the same number and the same payload. */
function isCopy(a: Frame, b: Frame): boolean {
  return a.header.batch === b.header.batch && a.header.payloadCrc === b.header.payloadCrc && a.header.length === b.header.length
}
