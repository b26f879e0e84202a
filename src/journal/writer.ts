import * as fs from 'node:fs'
import type { Position } from '../contract/events.ts'
import { openingBytes, stamp } from './frame.ts'
import type { Pool } from './pool.ts'
import { closeFile, dataSync, type Segment, segmentPath, writeAll } from './segment-files.ts'

/** Writes one frame after the other and answers when the disk has it. What fails is tried again in another segment, never in the
 *  same one: after a failed sync the kernel may take its dirty pages for clean, and a second sync would lie. */
export interface Writer {
  /** `frame` has free bytes for its header in front. Returns the position behind it. Rejects only at close. */
  write(frame: Buffer, count: number): Promise<Position>
  /** Makes a copy of the last batch of an earlier run, under the number it has. */
  writeAgain(last: { readonly bytes: Buffer; readonly count: number }): Promise<Position>
  readonly failures: number
  /** Why a batch is not durable yet; empty when nothing is wrong. */
  readonly trouble: string
}

export function createWriter(options: { pool: Pool; lastBatch: number; onTrouble: () => void }): Writer {
  const { pool, onTrouble } = options
  let batch = options.lastBatch
  let failures = 0
  let trouble = ''

  async function put(segment: Segment, frame: Buffer): Promise<Error | undefined> {
    try {
      await writeAll(segment.fd, frame, segment.offset)
      await dataSync(segment.fd)
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  async function commit(frame: Buffer, number: number, count: number): Promise<Position> {
    for (let attempt = 0; ; attempt++) {
      const segment = await pool.room(frame.length)
      stamp(frame, { salt: segment.salt, segment: segment.number, batch: number, count })
      const error = await put(segment, frame)
      if (error === undefined) {
        trouble = ''
        segment.offset += frame.length
        return { segment: segment.number, offset: segment.offset }
      }
      failures++
      trouble = `a batch is not durable yet (${error.message}): nothing is acknowledged until it is`
      onTrouble()
      await pool.abandon(segment, segment.offset === openingBytes)
      await pool.pause(Math.min(1000, 25 * 2 ** attempt))
    }
  }

  return {
    async write(frame, count) {
      const position = await commit(frame, batch + 1, count)
      batch++
      return position
    },
    writeAgain: last => commit(Buffer.from(last.bytes), batch, last.count),
    get failures() {
      return failures
    },
    get trouble() {
      return trouble
    },
  }
}

/** Writes a frame over itself and syncs: the pages become dirty once more, and what a lost sync left in memory reaches the disk.
 *  False when that failed. */
export async function confirmInPlace(
  dir: string,
  last: { readonly bytes: Buffer; readonly segment: number; readonly offset: number },
): Promise<boolean> {
  let fd: number | undefined
  try {
    fd = fs.openSync(segmentPath(dir, last.segment), 'r+')
    await writeAll(fd, last.bytes, last.offset)
    await dataSync(fd)
    return true
  } catch {
    return false
  } finally {
    if (fd !== undefined) await closeFile(fd).catch(() => {})
  }
}
