import { ClassicLevel } from 'classic-level'
import { BadBackup, pieceBytes } from './format.ts'

/** Keys and values of a LevelDB folder as one run of bytes: for each pair the length of the key, the length of the value (uint32, little
 *  endian), key, value. The folder itself can't be copied while it is written to; its content at one moment can be read. */
export type Pair = readonly [key: Uint8Array, value: Uint8Array]

const headBytes = 8
/** Far above any record; a length beyond it is no length. */
const largestPair = 256 * 1024 * 1024

/** In pieces of about `pieceBytes`. */
export async function* packPairs(pairs: AsyncIterable<Pair>): AsyncGenerator<Buffer, void> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const [key, value] of pairs) {
    const head = Buffer.allocUnsafe(headBytes)
    head.writeUInt32LE(key.length)
    head.writeUInt32LE(value.length, 4)
    parts.push(head, key, value)
    bytes += headBytes + key.length + value.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(parts)
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts)
}

/** Takes the bytes in pieces as they come. */
export class PairReader {
  private rest: Buffer = Buffer.alloc(0)

  take(piece: Uint8Array): Pair[] {
    const all = this.rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.rest, piece])
    const pairs: Pair[] = []
    let at = 0
    while (all.length - at >= headBytes) {
      const [keyBytes, valueBytes] = [all.readUInt32LE(at), all.readUInt32LE(at + 4)]
      if (keyBytes === 0 || keyBytes + valueBytes > largestPair)
        throw new BadBackup('damaged', 'a record in it has no possible length')
      const end = at + headBytes + keyBytes + valueBytes
      if (end > all.length) break
      const key = all.subarray(at + headBytes, at + headBytes + keyBytes)
      pairs.push([key, all.subarray(at + headBytes + keyBytes, end)])
      at = end
    }
    this.rest = all.subarray(at)
    return pairs
  }

  end(): void {
    if (this.rest.length > 0) throw new BadBackup('damaged', 'its last record is cut off')
  }
}

const batchBytes = 1024 * 1024

/** Writes pairs into a new LevelDB folder. */
export class PairWriter {
  private readonly reader = new PairReader()
  private readonly level: ClassicLevel<Buffer, Buffer>
  private waiting: { type: 'put'; key: Buffer; value: Buffer }[] = []
  private bytes = 0

  private constructor(level: ClassicLevel<Buffer, Buffer>) {
    this.level = level
  }

  static async open(dir: string): Promise<PairWriter> {
    const level = new ClassicLevel<Buffer, Buffer>(dir, { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false })
    await level.open({ errorIfExists: true })
    return new PairWriter(level)
  }

  async take(piece: Uint8Array): Promise<void> {
    for (const [key, value] of this.reader.take(piece)) {
      this.waiting.push({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) })
      this.bytes += key.length + value.length
    }
    if (this.bytes >= batchBytes) await this.write()
  }

  /** Writes what is left and closes. The caller syncs the folder's files. */
  async end(): Promise<void> {
    this.reader.end()
    await this.write()
    await this.level.close()
  }

  async giveUp(): Promise<void> {
    await this.level.close()
  }

  private async write(): Promise<void> {
    if (this.waiting.length > 0) await this.level.batch(this.waiting).catch(systemError)
    this.waiting = []
    this.bytes = 0
  }
}

/** LevelDB has words for what the system said, everybody else a code. */
function systemError(error: Error): never {
  const { message } = (error.cause as Error | undefined) ?? error
  throw message.includes('No space left') ? Object.assign(new Error(message, { cause: error }), { code: 'ENOSPC' }) : error
}
