import { crc32 } from 'node:zlib'

/** Makes an image of an ESP-IDF NVS partition (format version 2, not encrypted), byte for byte as ESP-IDF's own generator does. Pages of
 *  4,096 bytes: a head, two bits of state for each of 126 entries of 32 bytes. A text lies in one page; a blob is cut where a page ends.
 *  The last page stays empty: NVS needs one to tidy up with. */
export type NvsEntry =
  | { readonly key: string; readonly type: NvsNumber; readonly value: number | bigint }
  | { readonly key: string; readonly type: 'string'; readonly value: string }
  | { readonly key: string; readonly type: 'blob'; readonly value: Uint8Array }

export type NvsNumber = keyof typeof numbers

const pageBytes = 4096
const entryBytes = 32
const entriesOfPage = 126
const headBytes = 32
const firstEntryAt = 64
const stateFull = 0xfffffffc
const stateActive = 0xfffffffe
const version2 = 0xfe
/** Not a chunk of a blob. */
const whole = 0xff
const longestKey = 15
const longestText = 4000

/** Type on flash and bytes of each number. */
const numbers = {
  u8: { code: 0x01, bytes: 1, least: 0n },
  u16: { code: 0x02, bytes: 2, least: 0n },
  u32: { code: 0x04, bytes: 4, least: 0n },
  u64: { code: 0x08, bytes: 8, least: 0n },
  i8: { code: 0x11, bytes: 1, least: -(2n ** 7n) },
  i16: { code: 0x12, bytes: 2, least: -(2n ** 15n) },
  i32: { code: 0x14, bytes: 4, least: -(2n ** 31n) },
  i64: { code: 0x18, bytes: 8, least: -(2n ** 63n) },
} as const
const textCode = 0x21
const chunkCode = 0x42
const indexCode = 0x48

/** The whole partition. Throws where the entries are none, or do not fit. */
export function nvsImage(namespace: string, entries: readonly NvsEntry[], bytes: number): Buffer {
  if (bytes % pageBytes !== 0 || bytes < 3 * pageBytes)
    throw new Error(`${bytes} bytes are no NVS partition: three pages of 4096 at least`)
  const pages = new Pages(bytes / pageBytes - 1)
  pages.single(head(0, numbers.u8.code, checkedKey(namespace), numberData('u8', 1n)))
  for (const entry of entries) put(pages, entry)
  return Buffer.concat([pages.image(), Buffer.alloc(bytes, 0xff)]).subarray(0, bytes)
}

function put(pages: Pages, entry: NvsEntry): void {
  const key = checkedKey(entry.key)
  if (entry.type === 'blob') putBlob(pages, key, Buffer.from(entry.value))
  else if (entry.type === 'string') putText(pages, key, Buffer.from(`${entry.value}\0`))
  else putNumber(pages, key, entry.type, BigInt(entry.value))
}

function putNumber(pages: Pages, key: string, type: NvsNumber, value: bigint): void {
  const { code, bytes, least } = numbers[type]
  if (value < least || value >= least + 2n ** BigInt(8 * bytes)) throw new Error(`${key}: ${value} is no ${type}`)
  pages.single(head(1, code, key, numberData(type, value)))
}

function putText(pages: Pages, key: string, text: Buffer): void {
  if (text.length > longestText) throw new Error(`${key}: ${text.length} bytes, at most ${longestText} with the NUL`)
  const span = 1 + Math.ceil(text.length / entryBytes)
  if (pages.left() <= span) pages.next()
  pages.write(head(1, textCode, key, sizeAndCrc(text), span), text)
}

function putBlob(pages: Pages, key: string, blob: Buffer): void {
  let chunks = 0
  let from = 0
  if (pages.left() === 0) pages.next()
  do {
    const room = (pages.left() - 1) * entryBytes
    const chunk = blob.subarray(from, from + room)
    pages.write(head(1, chunkCode, key, sizeAndCrc(chunk), 1 + Math.ceil(chunk.length / entryBytes), chunks), chunk)
    chunks++
    from += chunk.length
    if (from < blob.length || room - chunk.length < entryBytes) pages.next()
  } while (from < blob.length)
  const index = Buffer.alloc(8, 0xff)
  index.writeUInt32LE(blob.length, 0)
  index[4] = chunks
  index[5] = 0
  pages.write(head(1, indexCode, key, index))
}

function head(namespace: number, code: number, key: string, data: Buffer, span = 1, chunk = whole): Buffer {
  const entry = Buffer.alloc(entryBytes)
  entry.set([namespace, code, span, chunk], 0)
  entry.write(key, 8, 'latin1')
  data.copy(entry, 24)
  entry.writeUInt32LE(checksum(Buffer.concat([entry.subarray(0, 4), entry.subarray(8)])), 4)
  return entry
}

function numberData(type: NvsNumber, value: bigint): Buffer {
  const data = Buffer.alloc(8, 0xff)
  const { bytes } = numbers[type]
  for (let i = 0; i < bytes; i++) data[i] = Number((value >> BigInt(8 * i)) & 0xffn)
  return data
}

function sizeAndCrc(bytes: Buffer): Buffer {
  const data = Buffer.alloc(8, 0xff)
  data.writeUInt16LE(bytes.length, 0)
  data.writeUInt32LE(checksum(bytes), 4)
  return data
}

const checksum = (bytes: Uint8Array): number => crc32(bytes, 0xffffffff)

function checkedKey(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > longestKey)
    throw new Error(`"${key}" is no NVS key: 1 to ${longestKey} characters of ASCII`)
  return key
}

/** The pages that are written, the last of them active. */
class Pages {
  private readonly pages: Buffer[] = []
  private used = 0
  private readonly most: number

  constructor(most: number) {
    this.most = most
    this.next()
  }

  /** Entries free in the page. */
  left(): number {
    return entriesOfPage - this.used
  }

  single(entry: Buffer): void {
    if (this.left() === 0) this.next()
    this.write(entry)
  }

  write(entry: Buffer, data: Buffer = Buffer.alloc(0)): void {
    const page = this.pages.at(-1)!
    const count = 1 + Math.ceil(data.length / entryBytes)
    if (count > this.left()) throw new Error('more entries than a page has')
    const at = firstEntryAt + this.used * entryBytes
    entry.copy(page, at)
    data.copy(page, at + entryBytes)
    // Two bits an entry: 11 empty, 10 written.
    for (let n = this.used; n < this.used + count; n++) page[headBytes + (n >> 2)]! &= ~(1 << ((n & 3) * 2))
    this.used += count
  }

  next(): void {
    if (this.pages.length >= this.most) throw new Error('more than the partition holds')
    this.pages.at(-1)?.writeUInt32LE(stateFull, 0)
    const page = Buffer.alloc(pageBytes, 0xff)
    page.writeUInt32LE(stateActive, 0)
    page.writeUInt32LE(this.pages.length, 4)
    page[8] = version2
    page.writeUInt32LE(checksum(page.subarray(4, 28)), 28)
    this.pages.push(page)
    this.used = 0
  }

  image(): Buffer {
    return Buffer.concat(this.pages)
  }
}
