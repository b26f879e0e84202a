import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { syncFolder } from '../kit/durable-file.ts'
import { openingBytes, openingFrame } from './frame.ts'

/** The files of the journal: `NNNNNNNN.log`, full of zeros from the start, opened by openingFrame. A file under its final name is
 *  complete and on the disk; what ends in `.new` is not and goes at the next start. */
export interface Segment {
  readonly number: number
  readonly path: string
  readonly fd: number
  readonly size: number
  readonly salt: number
  /** Where the next frame goes. */
  offset: number
}

export const nameOf = (number: number): string => `${String(number).padStart(8, '0')}.log`
const namePattern = /^(\d{8,10})\.log$/

export const segmentPath = (dir: string, number: number): string => join(dir, nameOf(number))

export interface SegmentFile {
  readonly number: number
  readonly size: number
}

/** The segments of a folder by number. Half-made ones are removed. */
export async function listSegments(dir: string): Promise<SegmentFile[]> {
  const files: SegmentFile[] = []
  for (const name of await readdir(dir)) {
    const match = namePattern.exec(name)
    if (match) files.push({ number: Number(match[1]), size: fs.statSync(join(dir, name)).size })
    else if (name.endsWith('.log.new')) await rm(join(dir, name), { force: true })
  }
  return files.sort((a, b) => a.number - b.number)
}

export const readSegment = (dir: string, number: number): Promise<Buffer> => readFile(segmentPath(dir, number))

const write = promisify(fs.write)
const fsync = promisify(fs.fsync)
export const dataSync = promisify(fs.fdatasync)
export const closeFile = promisify(fs.close)

/** Writes all of `bytes`. A short write goes on where it stopped, so that a full disk shows itself as ENOSPC; one that writes
 *  nothing is an error. */
export async function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await write(fd, bytes, done, bytes.length - done, position + done)
    if (bytesWritten <= 0) throw new Error('the disk took none of the bytes')
    done += bytesWritten
  }
}

/** 256 KiB at a time: a commit beside it does not queue behind 4 MiB. */
const zeros = Buffer.alloc(256 * 1024)

/** Makes a segment: zeros all over, synced, renamed, the folder synced. A growing file would cost four times the device bytes. */
export async function createSegment(dir: string, number: number, size: number): Promise<Segment> {
  const salt = randomBytes(4).readUInt32LE()
  const path = segmentPath(dir, number)
  const half = `${path}.new`
  const fd = fs.openSync(half, 'w')
  try {
    for (let at = 0; at < size; at += zeros.length) await writeAll(fd, zeros.subarray(0, Math.min(zeros.length, size - at)), at)
    await writeAll(fd, openingFrame(number, salt, size), 0)
    await fsync(fd)
    await rename(half, path)
    await syncFolder(dir)
  } catch (error) {
    // The half-made file would hold the very space that is missing. The renamed one must not stay either: its number comes again.
    await closeFile(fd).catch(() => {})
    await rm(half, { force: true }).catch(() => {})
    await rm(path, { force: true }).catch(() => {})
    throw error
  }
  return { number, path, fd, size, salt, offset: openingBytes }
}

/** Opens a segment that is to be written on. */
export function reopenSegment(dir: string, number: number, size: number, salt: number, offset: number): Segment {
  const path = segmentPath(dir, number)
  return { number, path, fd: fs.openSync(path, 'r+'), size, salt, offset }
}
