import { type FrameHeader, findMagic, headerBytes, openingSize, readHeader, readPayload } from './frame.ts'

/** Reads the content of one segment from front to back and tells what is there: good frames, and damaged places between or
 *  behind them. After a damaged place it goes on at the next frame whose header and payload both hold. */
export type Finding = Frame | Damage

export interface Frame {
  readonly kind: 'frame'
  readonly offset: number
  readonly end: number
  readonly header: FrameHeader
  readonly payload: Buffer
}

export interface Damage {
  readonly kind: 'damage'
  readonly offset: number
  readonly bytes: number
  /** True: no good frame follows in this segment. */
  readonly last: boolean
  /** The file is shorter than it was made, or its opening frame is gone. No crash leaves that: both were synced before its first batch. */
  readonly afterwards: boolean
}

/** `expectedBytes`: the size such a file should have, believed when its opening frame can't tell. Opening frames are checked and
 *  not reported; a segment without a good one is damaged. */
export function* scan(data: Buffer, segment: number, expectedBytes: number): Generator<Finding, SegmentSummary> {
  let at = 0
  let salt: number | undefined
  let size = expectedBytes
  let opened = false
  for (;;) {
    const frame = frameAt(data, at, segment, salt)
    if (frame !== undefined) {
      salt = frame.header.salt
      if (frame.header.batch === 0) {
        opened = true
        size = openingSize(frame.payload)
      } else {
        yield frame
      }
      at = frame.end
      continue
    }
    if (at > 0 && data.length >= size && isZero(data, at)) return { salt, opened, clean: true, size }
    const next = nextFrame(data, at, segment, salt)
    if (next === undefined) break
    yield { kind: 'damage', offset: at, bytes: next - at, last: false, afterwards: false }
    at = next
  }
  const end = data.length < size || at === 0 ? size : usedEnd(data, at)
  yield { kind: 'damage', offset: at, bytes: end - at, last: true, afterwards: data.length < size || at === 0 }
  return { salt, opened, clean: false, size }
}

export interface SegmentSummary {
  readonly salt: number | undefined
  /** Its opening frame is good. */
  readonly opened: boolean
  /** Behind the last good frame there are zeros up to the full size: it may be written on. */
  readonly clean: boolean
  readonly size: number
}

function frameAt(data: Buffer, at: number, segment: number, salt: number | undefined): Frame | undefined {
  const header = readHeader(data, at, segment, salt)
  if (header === undefined) return undefined
  const payload = readPayload(data, at, header)
  return payload && { kind: 'frame', offset: at, end: at + headerBytes + header.length, header, payload }
}

/** The offset of the next good frame behind the bad place at `at`. */
function nextFrame(data: Buffer, at: number, segment: number, salt: number | undefined): number | undefined {
  // With a good header only the payload is damaged: what lies in it is no frame, whatever it looks like.
  const header = readHeader(data, at, segment, salt)
  let from = header === undefined ? at + 1 : at + headerBytes + header.length
  while ((from = findMagic(data, from)) >= 0) {
    if (frameAt(data, from, segment, salt) !== undefined) return from
    from++
  }
  return undefined
}

const zeros = Buffer.alloc(64 * 1024)

function isZero(data: Buffer, from: number): boolean {
  for (let at = from; at < data.length; at += zeros.length) {
    const end = Math.min(data.length, at + zeros.length)
    if (data.compare(zeros, 0, end - at, at, end) !== 0) return false
  }
  return true
}

/** Where the last byte that is not zero ends. */
function usedEnd(data: Buffer, from: number): number {
  let end = data.length
  while (end > from && data[end - 1] === 0) end--
  return end
}
