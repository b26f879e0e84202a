import { crc32 } from 'node:zlib'

/** A batch as it lies in a segment: a header of 36 bytes, then the payload. The header has a checksum of its own, so that its
 *  length may be believed when only the payload is damaged. `salt` is drawn for each segment and known to nobody outside:
 *  bytes that a sender smuggles into a reject can't pass for a frame, nor can what an older file left on the disk. The payload's
 *  checksum does not cover the place, so copies of one batch are known by batch, length and checksum. */
export interface FrameHeader {
  readonly salt: number
  readonly segment: number
  /** Counts up over all segments; 0 is the opening frame of a segment. */
  readonly batch: number
  /** Events in the payload. */
  readonly count: number
  /** Bytes of the payload. */
  readonly length: number
  readonly payloadCrc: number
}

/** "EJ", version 1, and a byte that no text contains. */
const magic = Buffer.from([0x45, 0x4a, 0x01, 0xf5])

export const headerBytes = 36

/** Writes the header into the free bytes in front of the payload. `frame` is header and payload. */
export function stamp(frame: Buffer, place: Pick<FrameHeader, 'salt' | 'segment' | 'batch' | 'count'>): void {
  magic.copy(frame, 0)
  frame.writeUInt32LE(place.salt, 4)
  frame.writeUInt32LE(place.segment, 8)
  frame.writeUInt32LE(place.batch % 2 ** 32, 12)
  frame.writeUInt32LE(Math.floor(place.batch / 2 ** 32), 16)
  frame.writeUInt32LE(place.count, 20)
  frame.writeUInt32LE(frame.length - headerBytes, 24)
  frame.writeUInt32LE(crc32(frame.subarray(headerBytes)), 28)
  frame.writeUInt32LE(crc32(frame.subarray(0, 32)), 32)
}

/** The first frame of a segment: it proves the number, holds the salt and tells the full size, so that a cut is noticed. */
export const openingBytes = headerBytes + 8

export function openingFrame(segment: number, salt: number, size: number): Buffer {
  const frame = Buffer.alloc(openingBytes)
  frame.writeDoubleLE(size, headerBytes)
  stamp(frame, { salt, segment, batch: 0, count: 0 })
  return frame
}

/** The size an opening frame tells. */
export const openingSize = (payload: Buffer): number => payload.readDoubleLE(0)

/** The header at `at`, or undefined when there is none that can be believed. */
export function readHeader(data: Buffer, at: number, segment: number, salt: number | undefined): FrameHeader | undefined {
  if (at + headerBytes > data.length || data.compare(magic, 0, 4, at, at + 4) !== 0) return undefined
  if (data.readUInt32LE(at + 32) !== crc32(data.subarray(at, at + 32))) return undefined
  const header: FrameHeader = {
    salt: data.readUInt32LE(at + 4),
    segment: data.readUInt32LE(at + 8),
    batch: data.readUInt32LE(at + 12) + data.readUInt32LE(at + 16) * 2 ** 32,
    count: data.readUInt32LE(at + 20),
    length: data.readUInt32LE(at + 24),
    payloadCrc: data.readUInt32LE(at + 28),
  }
  if (header.segment !== segment || (salt !== undefined && header.salt !== salt)) return undefined
  return header
}

/** The payload behind `header` at `at`, or undefined when it is cut or its checksum is wrong. */
export function readPayload(data: Buffer, at: number, header: FrameHeader): Buffer | undefined {
  const from = at + headerBytes
  if (from + header.length > data.length) return undefined
  const payload = data.subarray(from, from + header.length)
  return crc32(payload) === header.payloadCrc ? payload : undefined
}

/** Where the next magic lies, at `from` or behind; -1 for none. */
export const findMagic = (data: Buffer, from: number): number => data.indexOf(magic, from)
