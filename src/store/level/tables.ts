import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Are LevelDB's tables what was written? LevelDB has a CRC32C behind every block, but doesn't look at it when it reads (the option is
 *  not exposed): of 75 flipped bytes 8 hid entries without an error, and keys out of order end the process at a compaction. So all
 *  blocks are checked once, at the opening. Format: doc/table_format.md of LevelDB; blocks are uncompressed (level.ts). */
export async function damagedTables(dir: string): Promise<string[]> {
  const damaged: string[] = []
  for (const name of await tablesIn(dir)) {
    // One that a compaction has just removed is none of ours any more.
    const bytes = await readFile(join(dir, name)).catch(() => undefined)
    if (bytes !== undefined && !isSound(bytes)) damaged.push(name)
  }
  return damaged
}

export const tablesIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter(name => /^\d+\.(ldb|sst)$/.test(name))

const footerBytes = 48
const trailerBytes = 5 // type, CRC32C
const magic = Buffer.from('57fb808b247547db', 'hex')

interface Handle {
  readonly offset: number
  readonly size: number
}

/** Footer → metaindex and index → filter and data blocks. */
function isSound(table: Buffer): boolean {
  if (table.length < footerBytes || !table.subarray(-magic.length).equals(magic)) return false
  try {
    const footer = new Reader(table.subarray(-footerBytes))
    const roots = [footer.handle(), footer.handle()]
    if (!roots.every(handle => isSoundBlock(table, handle))) return false
    return roots.flatMap(handle => handlesIn(blockAt(table, handle))).every(handle => isSoundBlock(table, handle))
  } catch (error) {
    if (error instanceof RangeError) return false // a handle that points outside
    throw error
  }
}

const blockAt = (table: Buffer, { offset, size }: Handle): Buffer => table.subarray(offset, offset + size)

function isSoundBlock(table: Buffer, { offset, size }: Handle): boolean {
  if (offset + size + trailerBytes > table.length - footerBytes) return false
  return unmasked(table.readUInt32LE(offset + size + 1)) === crc32c(table, offset, offset + size + 1)
}

/** The values of an index block are the handles of blocks. */
function handlesIn(block: Buffer): Handle[] {
  const restarts = block.readUInt32LE(block.length - 4)
  const reader = new Reader(block.subarray(0, block.length - 4 * (restarts + 1)))
  const handles: Handle[] = []
  while (!reader.atEnd()) {
    reader.varint() // bytes shared with the key before
    const keyBytes = reader.varint()
    const valueBytes = reader.varint()
    reader.skip(keyBytes)
    const end = reader.at + valueBytes
    handles.push(reader.handle())
    reader.at = end
  }
  return handles
}

class Reader {
  at = 0
  readonly #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  atEnd(): boolean {
    return this.at >= this.#bytes.length
  }
  skip(bytes: number): void {
    this.at += bytes
  }
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  handle(): Handle {
    return { offset: this.varint(), size: this.varint() }
  }
}

/** LevelDB rotates and shifts its checksums, so that one over data that holds checksums stays a good one. */
function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

/** Castagnoli's polynomial, which zlib doesn't have. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc >>> 0
})

function crc32c(bytes: Buffer, from: number, to: number): number {
  let crc = 0xffffffff
  for (let i = from; i < to; i++) crc = crcTable[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
