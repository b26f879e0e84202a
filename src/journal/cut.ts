import * as fs from 'node:fs'
import { promisify } from 'node:util'
import type { Position } from '../contract/events.ts'
import { openingBytes } from './frame.ts'
import type { JournalCut } from './journal.ts'
import { closeFile, nameOf, type SegmentFile, segmentPath } from './segment-files.ts'

const read = promisify(fs.read)
const pieceBytes = 64 * 1024

/** Opens every segment up to `end`, all in one moment: an open file outlives its deletion, and what is behind `end` is nobody's yet, so
 *  the journal need not wait for whoever copies. A segment that no batch reached is no more than its opening frame. */
export function cutOf(dir: string, files: readonly SegmentFile[], end: Position): JournalCut {
  const taken = files.filter(file => file.number <= end.segment)
  const opened: number[] = []
  const close = async (): Promise<void> => {
    for (const fd of opened.splice(0)) await closeFile(fd).catch(() => undefined)
  }
  const segments: JournalCut['segments'][number][] = []
  try {
    for (const { number, size } of taken.length > 0 ? taken : files.slice(0, 1)) {
      const fd = openUnlessGone(segmentPath(dir, number))
      if (fd === undefined) continue
      opened.push(fd)
      const used = number < end.segment ? size : Math.min(size, Math.max(openingBytes, number === end.segment ? end.offset : 0))
      segments.push({ name: nameOf(number), bytes: size, pieces: () => piecesOf(fd, used, size) })
    }
  } catch (error) {
    void close()
    throw error
  }
  return { end, segments, close }
}

/** A trim deletes a file a moment before it forgets it; nobody needs that one. */
function openUnlessGone(path: string): number | undefined {
  try {
    return fs.openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function* piecesOf(fd: number, used: number, size: number): AsyncGenerator<Uint8Array | number> {
  const piece = Buffer.allocUnsafe(pieceBytes)
  for (let at = 0; at < used; ) {
    const { bytesRead } = await read(fd, piece, 0, Math.min(piece.length, used - at), at)
    if (bytesRead === 0) throw new Error('a segment of the journal is shorter than it was')
    yield piece.subarray(0, bytesRead)
    at += bytesRead
  }
  if (size > used) yield size - used
}
