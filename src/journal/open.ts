import { mkdir } from 'node:fs/promises'
import { comparePositions, type DurableBatch, type JournalEvent, type Position } from '../contract/events.ts'
import { systemClock } from '../kit/clock.ts'
import { syncFolder } from '../kit/durable-file.ts'
import { JournalClosed } from './closed.ts'
import { cutOf } from './cut.ts'
import { createEncoder } from './encode.ts'
import { headerBytes } from './frame.ts'
import type { JournalHealth, JournalOnDisk, JournalOptions, ReplayReport } from './journal.ts'
import { createPool } from './pool.ts'
import { replaySegments } from './replay.ts'
import { listSegments } from './segment-files.ts'
import { survey } from './survey.ts'
import { confirmInPlace, createWriter } from './writer.ts'

const defaultSegmentBytes = 4 * 1024 * 1024
const defaultBoundBytes = 256 * 1024 * 1024

/** Opens the journal of a folder, made when it is not there. Reads the newest segments only; `replay` reads the rest. Throws when
 *  the folder can't be made or read. One journal a folder: nothing here keeps a second process out. */
export async function openJournal(options: JournalOptions): Promise<JournalOnDisk> {
  const { dir, segmentBytes = defaultSegmentBytes, boundBytes = defaultBoundBytes, clock = systemClock } = options
  await mkdir(dir, { recursive: true })
  const files = await listSegments(dir)
  await syncFolder(dir)
  const found = await survey(dir, files, segmentBytes)
  const pool = createPool({ dir, segmentBytes, boundBytes, ...found, onTrouble: () => tellHealth() })
  const writer = createWriter({ pool, lastBatch: found.lastBatch, onTrouble: () => tellHealth() })
  const encoder = createEncoder(headerBytes)

  let end = found.end
  let appended = 0
  let started = false
  let closed = false
  let queue: Promise<unknown> = Promise.resolve()
  let told = ''

  // A sync that failed before a crash may have left the last batch in the page cache alone, where it reads as if it were durable.
  // One batch is in flight at most, so only the last one can be such; it is written again, at the latest with the first append.
  let unproved = found.lastFrame
  if (unproved !== undefined && (await confirmInPlace(dir, unproved))) unproved = undefined

  function health(): JournalHealth {
    const detail = closed ? 'the journal is closed' : writer.trouble || pool.trouble
    const { bytes, count: segments } = pool
    return { ok: detail === '', detail, bytes, boundBytes, segments, appended, failures: writer.failures }
  }

  function tellHealth(): void {
    const now = health()
    if (now.detail === told) return
    told = now.detail
    options.onHealth?.(now)
  }

  async function commit(events: readonly JournalEvent[]): Promise<Position> {
    if (closed) throw new JournalClosed()
    if (events.length === 0) return end
    const startMs = clock.monoMs()
    if (unproved !== undefined) {
      end = await writer.writeAgain(unproved)
      unproved = undefined
    }
    end = await writer.write(encoder.encode(events), events.length)
    appended++
    tellHealth()
    options.onCommit?.((clock.monoMs() - startMs) / 1000)
    return end
  }

  /** A watermark behind our end: batches that were durable once are gone. New ones must not get positions below it, or appliers
   *  would take them for applied. Two watermarks are never further apart than the bound. */
  async function goBeyond(from: Position): Promise<ReplayReport['damaged'][number]> {
    const lost = { ...end, bytes: from.segment === end.segment ? from.offset - end.offset : 0, what: 'rot' as const }
    await pool.skipTo(from.segment + Math.ceil(boundBytes / segmentBytes) + 2)
    end = from
    return lost
  }

  return {
    append(events) {
      started = true
      const result = queue.then(() => commit(events))
      queue = result.catch(() => {})
      return result
    },
    async replay(from: Position, apply: (batch: DurableBatch) => void) {
      if (started) throw new Error('replay comes before the first append')
      if (comparePositions(from, end) <= 0) return replaySegments(dir, files, segmentBytes, from, apply)
      return { batches: 0, events: 0, damaged: [await goBeyond(from)] }
    },
    trim: upTo => pool.trim(Math.min(upTo.segment, end.segment)),
    end: () => end,
    cut: () => cutOf(dir, pool.files(), end),
    health,
    async close() {
      closed = true
      await pool.close(() => queue)
    },
  }
}
