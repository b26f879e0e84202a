/** The marker inside an image says what it is, so that a manifest can't call it something else: 96 bytes anywhere in it, the magic,
 *  then board and version, each padded with NUL and ended by at least one, then the CRC-32 (IEEE 802.3, lowest byte first) of all
 *  that. The firmware's ImageMarker. */
export const imageMarker = {
  magic: 'espalier-image/1',
  bytes: 96,
  boardAt: 16,
  boardBytes: 32,
  versionAt: 48,
  versionBytes: 44,
  crcAt: 92,
} as const

export interface ImageIdentity {
  readonly board: string
  readonly version: string
}

export const versionCharacters = imageMarker.versionBytes - 1

/** A board's name: printable ASCII without space, so that it is one line of the manifest and fits the marker. */
export const boardPattern = /^[\x21-\x7e]{1,31}$/

/** Looks for markers in an image that comes piece by piece. The magic alone is none: code that looks for markers may have it too. */
export class MarkerSearch {
  readonly #found = new Map<string, ImageIdentity>()
  /** What may be the beginning of one. */
  #tail: Uint8Array = new Uint8Array(0)

  take(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.#tail.length + piece.length)
    bytes.set(this.#tail)
    bytes.set(piece, this.#tail.length)
    for (let at = bytes.indexOf(first); at >= 0 && at + imageMarker.bytes <= bytes.length; at = bytes.indexOf(first, at + 1)) {
      const identity = markerAt(bytes, at)
      if (identity !== null && this.#found.size < enough) this.#found.set(`${identity.board}\n${identity.version}`, identity)
    }
    this.#tail = bytes.slice(Math.max(0, bytes.length - imageMarker.bytes + 1))
  }

  /** What was found; in an image of ours it is one. */
  found(): ImageIdentity[] {
    return [...this.#found.values()]
  }
}

/** Two that differ are one too many. */
const enough = 2

const first = imageMarker.magic.charCodeAt(0)

/** The marker that begins here; null: none does. */
export function markerAt(bytes: Uint8Array, at: number): ImageIdentity | null {
  if (at + imageMarker.bytes > bytes.length) return null
  for (let i = 0; i < imageMarker.magic.length; i++) if (bytes[at + i] !== imageMarker.magic.charCodeAt(i)) return null
  const board = padded(bytes, at + imageMarker.boardAt, imageMarker.boardBytes)
  const version = padded(bytes, at + imageMarker.versionAt, imageMarker.versionBytes)
  if (board === null || version === null) return null
  const crc = new DataView(bytes.buffer, bytes.byteOffset + at + imageMarker.crcAt).getUint32(0, true)
  return crc === crc32(bytes.subarray(at, at + imageMarker.crcAt)) ? { board, version } : null
}

/** Text with NUL behind it to the end of its field; null: it is none. */
function padded(bytes: Uint8Array, at: number, room: number): string | null {
  const end = bytes.indexOf(0, at)
  if (end < 0 || end >= at + room) return null
  for (let i = end; i < at + room; i++) if (bytes[i] !== 0) return null
  return String.fromCharCode(...bytes.subarray(at, end))
}

/** A marker as it stands in an image. */
export function markerBytes({ board, version }: ImageIdentity): Uint8Array {
  const bytes = new Uint8Array(imageMarker.bytes)
  const put = (text: string, at: number): void => void bytes.set(new TextEncoder().encode(text), at)
  put(imageMarker.magic, 0)
  put(board, imageMarker.boardAt)
  put(version, imageMarker.versionAt)
  new DataView(bytes.buffer).setUint32(imageMarker.crcAt, crc32(bytes.subarray(0, imageMarker.crcAt)), true)
  return bytes
}

/** Bit by bit: node:zlib is not for this room, and 92 bytes need no table. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
