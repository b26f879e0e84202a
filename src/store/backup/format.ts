import { crc32 } from 'node:zlib'

/** The file of a backup: 16 bytes that name it, the format's number (uint32, little endian like all numbers here), then frames. A frame
 *  is type (1 byte), length (uint32), payload, and a CRC32 of its place in the file and all of that; so none can be changed, moved, left
 *  out or added. The first frame says what will come: every entry in order, with its size and checksum where they are known before it is
 *  written. The last has the SHA-256 of everything in front of it, and the file ends there. It can be written and read in one go, a frame
 *  in memory at a time. */
export const magic = Buffer.from('espalier-backup\n')
export const format = 1
export const preambleBytes = magic.length + 4

export const frameTypes = { contents: 1, data: 2, zeros: 3, entryEnd: 4, trailer: 5 } as const
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes]

export const frameHeadBytes = 5
export const frameTailBytes = 4
/** A piece of an entry: hashing it holds up the event loop for half a millisecond on a slow Pi. */
export const pieceBytes = 64 * 1024
/** What a reader takes from a frame: pieces, and the list of entries (90 bytes a file). */
export const largestFrame = { data: 1024 * 1024, contents: 64 * 1024 * 1024 } as const

/** The first frame, as JSON. */
export interface Contents {
  /** The version that made it. */
  readonly espalier: string
  /** When the cut was made, Unix ms. */
  readonly created: number
  readonly readings: number
  readonly nodes: number
  readonly entries: readonly Entry[]
}

export interface Entry {
  readonly path: string
  /** Bytes as they lie in the backup's source, zeros at the end included; null: known only when it is written. */
  readonly bytes: number | null
  /** CRC32 of its bytes; null: not known before. */
  readonly crc: number | null
}

/** The last frame, as JSON. */
export interface Trailer {
  readonly frames: number
  readonly sha256: string
}

export const frameCrc = (place: number, head: Uint8Array, payload: Uint8Array): number => {
  const where = Buffer.allocUnsafe(4)
  where.writeUInt32LE(place % 2 ** 32)
  return crc32(payload, crc32(head, crc32(where)))
}

/** A folder of LevelDB as its keys and values (level-dump.ts); everything else is a file as it was. */
export const isDump = (path: string): boolean => path === 'records' || path === 'broker'

const file = '[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*'
const allowed = new RegExp(
  `^(?:records|broker|token|manager-secret|espalier\\.yaml|readings/manifest\\.json|readings/[a-z0-9_-]{1,40}/${file}\\.parquet|journal/\\d{8,10}\\.log|ca/(?:${file}/)?${file}|keys/firmware\\.(?:pem|pub))$`,
)

/** May an entry be called so? Nothing that isn't on this list is ever made on a disk. */
export const isAllowedPath = (path: string): boolean => path.length <= 200 && allowed.test(path)
export const isParquet = (path: string): boolean => path.endsWith('.parquet')

/** Zeros take no room in the file, so their number is bounded: only segments of the journal end with them. */
export const mayEndInZeros = (path: string): boolean => path.startsWith('journal/')
export const zerosAtMost = 512 * 1024 * 1024

/** Without these nothing can be opened. */
export const needed = ['readings/manifest.json', 'records'] as const

/** The file is no whole, unchanged backup that this version reads. The message says where and why. */
export class BadBackup extends Error {
  readonly code: 'not_a_backup' | 'newer_format' | 'damaged'
  constructor(code: BadBackup['code'], message: string) {
    super(message)
    this.name = 'BadBackup'
    this.code = code
  }
}
