import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  type Contents,
  type Entry,
  type FrameType,
  format,
  frameCrc,
  frameHeadBytes,
  frameTailBytes,
  frameTypes,
  magic,
  pieceBytes,
  preambleBytes,
} from './format.ts'

/** An entry with its bytes. A number among the pieces means that many zeros. */
export interface Source extends Entry {
  pieces(): AsyncIterable<Uint8Array | number>
}

/** What is to be saved is not what was written once. */
export class SourceDamaged extends Error {
  readonly path: string
  constructor(path: string, why: string) {
    super(`${path} ${why}`)
    this.name = 'SourceDamaged'
    this.path = path
  }
}

/** The whole backup, piece by piece. Throws SourceDamaged, or the error of a source; what came until then is no backup. */
export async function* writeBackup(about: Omit<Contents, 'entries'>, sources: readonly Source[]): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256')
  let place = 0
  const frame = (type: FrameType, payload: Uint8Array): Buffer => {
    const bytes = Buffer.allocUnsafe(frameHeadBytes + payload.length + frameTailBytes)
    bytes[0] = type
    bytes.writeUInt32LE(payload.length, 1)
    bytes.set(payload, frameHeadBytes)
    const crc = frameCrc(place++, bytes.subarray(0, frameHeadBytes), payload)
    bytes.writeUInt32LE(crc, frameHeadBytes + payload.length)
    return bytes
  }
  const counted = (bytes: Buffer): Buffer => {
    hash.update(bytes)
    return bytes
  }

  const preamble = Buffer.alloc(preambleBytes)
  magic.copy(preamble)
  preamble.writeUInt32LE(format, magic.length)
  yield counted(preamble)
  const entries: Entry[] = sources.map(({ path, bytes, crc }) => ({ path, bytes, crc }))
  yield counted(frame(frameTypes.contents, json({ ...about, entries })))
  for (const source of sources) {
    for await (const piece of checked(source))
      yield counted(typeof piece === 'number' ? frame(frameTypes.zeros, uint32(piece)) : frame(frameTypes.data, piece))
    yield counted(frame(frameTypes.entryEnd, empty))
  }
  yield frame(frameTypes.trailer, json({ frames: place, sha256: hash.digest('hex') }))
}

/** Its pieces, none larger than a frame takes. */
async function* checked(source: Source): AsyncGenerator<Uint8Array | number> {
  let bytes = 0
  let crc = 0
  for await (const piece of source.pieces()) {
    if (typeof piece === 'number') {
      bytes += piece
      yield piece
      continue
    }
    for (let at = 0; at < piece.length; at += pieceBytes) {
      const part = piece.subarray(at, at + pieceBytes)
      bytes += part.length
      if (source.crc !== null) crc = crc32(part, crc)
      yield part
    }
  }
  if (source.bytes !== null && bytes !== source.bytes)
    throw new SourceDamaged(source.path, `has ${bytes} bytes, ${source.bytes} were written`)
  if (source.crc !== null && crc !== source.crc)
    throw new SourceDamaged(source.path, 'is not what was written: its checksum differs')
}

const empty = new Uint8Array(0)
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

function uint32(n: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(n)
  return bytes
}
