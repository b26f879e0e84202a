import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import {
  BadBackup,
  type Contents,
  type Entry,
  type FrameType,
  format,
  frameCrc,
  frameHeadBytes,
  frameTailBytes,
  frameTypes,
  isAllowedPath,
  isParquet,
  largestFrame,
  magic,
  mayEndInZeros,
  needed,
  preambleBytes,
  type Trailer,
  zerosAtMost,
} from './format.ts'

/** What a reader meets, in this order: the contents, each entry's bytes and its end, and at last the whole file. */
export type Part =
  | { readonly kind: 'contents'; readonly contents: Contents }
  | { readonly kind: 'bytes'; readonly entry: Entry; readonly bytes: Buffer }
  | { readonly kind: 'zeros'; readonly entry: Entry; readonly count: number }
  | { readonly kind: 'entry_end'; readonly entry: Entry }
  /** Nothing was wrong with it. `sha256` of all its bytes. */
  | { readonly kind: 'whole'; readonly bytes: number; readonly sha256: string }

/** Reads a backup and checks every byte of it. Throws BadBackup at the first that is not right; until `whole` came nothing may be
 *  believed. Memory is bounded by the largest frame that is taken. */
export async function* readBackup(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Part, void> {
  const input = new Input(pieces)
  try {
    yield* partsOf(input)
  } finally {
    await input.close()
  }
}

async function* partsOf(input: Input): AsyncGenerator<Part, void> {
  await preambleOf(input)
  const contents = contentsOf((await input.frame(largestFrame.contents, frameTypes.contents)).payload)
  yield { kind: 'contents', contents }
  let zeros = 0
  for (const entry of contents.entries) {
    let bytes = 0
    let crc = 0
    for (;;) {
      const { type, payload } = await input.frame(largestFrame.data)
      if (type === frameTypes.entryEnd && payload.length === 0) break
      if (type === frameTypes.data && payload.length > 0) {
        bytes += payload.length
        if (entry.crc !== null) crc = crc32(payload, crc)
        yield { kind: 'bytes', entry, bytes: payload }
      } else if (type === frameTypes.zeros && payload.length === 4 && mayEndInZeros(entry.path)) {
        const count = payload.readUInt32LE()
        zeros += count
        bytes += count
        if (zeros > zerosAtMost) throw damaged(`${entry.path} would be larger than any journal`)
        yield { kind: 'zeros', entry, count }
      } else throw damaged(`something in ${entry.path} has no business there`)
      if (entry.bytes !== null && bytes > entry.bytes) throw damaged(`${entry.path} is longer than announced`)
    }
    if (entry.bytes !== null && bytes !== entry.bytes)
      throw damaged(`${entry.path} has ${bytes} bytes, announced were ${entry.bytes}`)
    if (entry.crc !== null && crc !== entry.crc) throw damaged(`${entry.path} is not what was saved: its checksum differs`)
    yield { kind: 'entry_end', entry }
  }
  yield await ending(input)
}

async function preambleOf(input: Input): Promise<void> {
  const preamble = await input.take(preambleBytes)
  if (preamble === null || !preamble.subarray(0, magic.length).equals(magic))
    throw new BadBackup('not_a_backup', 'this is no backup of espalier: its first bytes are others')
  input.hash.update(preamble)
  const found = preamble.readUInt32LE(magic.length)
  if (found === format) return
  throw new BadBackup(
    'newer_format',
    `the backup has format ${found}, this version reads format ${format}: restore it with the version that made it, or a newer one`,
  )
}

async function ending(input: Input): Promise<Part> {
  // Up to here everything is covered by the checksum in the trailer.
  const before = input.hash.copy().digest('hex')
  const frames = input.place
  const { payload } = await input.frame(4096, frameTypes.trailer)
  const trailer = parsed(payload) as Trailer
  if (trailer?.sha256 !== before || trailer.frames !== frames) throw damaged('its checksum is not that of its content')
  if ((await input.take(1)) !== null) throw damaged('there is something behind its end')
  return { kind: 'whole', bytes: input.read, sha256: input.hash.digest('hex') }
}

const Count = Type.Integer({ minimum: 0 })
const ContentsShape = Type.Object(
  {
    espalier: Type.String({ maxLength: 100 }),
    created: Count,
    readings: Count,
    nodes: Count,
    entries: Type.Array(
      Type.Object(
        { path: Type.String(), bytes: Type.Union([Count, Type.Null()]), crc: Type.Union([Count, Type.Null()]) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

function contentsOf(payload: Buffer): Contents {
  const contents = parsed(payload)
  if (!Value.Check(ContentsShape, contents)) throw damaged('its list of contents is not one')
  const seen = new Set<string>()
  for (const { path, bytes, crc } of contents.entries) {
    if (!isAllowedPath(path)) throw damaged(`it holds ${JSON.stringify(path.slice(0, 80))}, which belongs in no data directory`)
    if (seen.has(path)) throw damaged(`it holds ${path} twice`)
    if (isParquet(path) && (bytes === null || crc === null)) throw damaged(`${path} has no checksum`)
    seen.add(path)
  }
  for (const path of needed) if (!seen.has(path)) throw damaged(`${path} is not in it`)
  return contents
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined
  }
}

const damaged = (why: string): BadBackup => new BadBackup('damaged', `the backup is damaged: ${why}`)

/** Bytes as they come, asked for by number. */
class Input {
  readonly hash = createHash('sha256')
  /** Frames so far. */
  place = 0
  /** Bytes so far. */
  read = 0
  private readonly pieces: AsyncIterator<Uint8Array>
  private waiting: Buffer[] = []
  private available = 0

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.pieces = pieces[Symbol.asyncIterator]()
  }

  async close(): Promise<void> {
    await this.pieces.return?.()
  }

  /** The next n bytes; null at the end, also when there are some but fewer. */
  async take(n: number): Promise<Buffer | null> {
    while (this.available < n) {
      const next = await this.pieces.next()
      if (next.done) return null
      if (next.value.length === 0) continue
      this.waiting.push(Buffer.from(next.value)) // a copy: whoever reads files uses one buffer
      this.available += next.value.length
    }
    const all = this.waiting.length === 1 ? this.waiting[0]! : Buffer.concat(this.waiting)
    this.waiting = all.length > n ? [all.subarray(n)] : []
    this.available -= n
    this.read += n
    return all.subarray(0, n)
  }

  async frame(largest: number, wanted?: FrameType): Promise<{ type: number; payload: Buffer }> {
    const head = await this.take(frameHeadBytes)
    if (head === null) throw damaged(`it ends too early, after ${this.read} bytes: is it a copy that was cut off?`)
    const [type, length] = [head[0]!, head.readUInt32LE(1)]
    if (length > largest) throw damaged(`a piece of ${length} bytes, larger than any`)
    const rest = await this.take(length + frameTailBytes)
    if (rest === null) throw damaged(`it ends too early, after ${this.read} bytes: is it a copy that was cut off?`)
    const payload = rest.subarray(0, length)
    if (rest.readUInt32LE(length) !== frameCrc(this.place++, head, payload))
      throw damaged(`the ${frameHeadBytes + length + frameTailBytes} bytes before byte ${this.read} were changed`)
    this.hash.update(head)
    this.hash.update(rest)
    if (wanted !== undefined && type !== wanted)
      throw damaged(`something else than its contents or end stands before byte ${this.read}`)
    return { type, payload }
  }
}
