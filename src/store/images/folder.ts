import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile, syncFolder } from '../../kit/durable-file.ts'
import { type ImageRecord, type Images, ImageTooLarge, NoRoomForImage, type ReceivedImage } from '../images.ts'

export interface ImageFolderOptions {
  readonly dir: string
  /** Bytes of one, and of all together. */
  readonly largestBytes: number
  readonly roomBytes: number
  /** A sentence: a record without its bytes was set aside. */
  readonly onDamage: (detail: string) => void
}

/** Images in a folder: HASH.img holds the bytes, HASH.json the record, written last: so a crash leaves an image with its record or
 *  something without one, which the next opening clears away. */
export async function openImageFolder({ dir, largestBytes, roomBytes, onDamage }: ImageFolderOptions): Promise<Images> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const imageFile = (sha256: string): string => join(dir, `${sha256}.img`)
  const recordFile = (sha256: string): string => join(dir, `${sha256}.json`)
  const kept = await load()

  async function load(): Promise<Map<string, ImageRecord>> {
    const found = new Map<string, ImageRecord>()
    const names = await readdir(dir)
    for (const name of names.filter(isRecord)) {
      const record = await readRecord(join(dir, name))
      const bytes = record && (await stat(imageFile(record.sha256)).catch(() => null))
      if (record !== null && bytes?.size === record.size) found.set(record.sha256, record)
      else {
        onDamage(`${join(dir, name)} has no image of its size beside it; it is not offered any more, add the image again`)
        await rm(join(dir, name))
      }
    }
    for (const name of names)
      if (!isRecord(name) && !found.has(name.replace(/\.img$/, ''))) await rm(join(dir, name), { force: true })
    return found
  }

  const taken = (): number => [...kept.values()].reduce((sum, { size }) => sum + size, 0)

  async function receive(pieces: AsyncIterable<Uint8Array>): Promise<ReceivedImage> {
    const temporary = join(dir, `${randomUUID()}.part`)
    const discard = (): Promise<void> => rm(temporary, { force: true })
    try {
      const { size, sha256 } = await write(temporary, pieces)
      const keep = async (record: ImageRecord): Promise<void> => {
        await rename(temporary, imageFile(sha256))
        await syncFolder(dir)
        await replaceFile(recordFile(sha256), `${JSON.stringify(record, null, 2)}\n`)
        kept.set(sha256, record)
      }
      return { size, sha256, keep, discard }
    } catch (error) {
      await discard()
      throw error
    }
  }

  async function write(path: string, pieces: AsyncIterable<Uint8Array>): Promise<{ size: number; sha256: string }> {
    const hash = createHash('sha256')
    const room = roomBytes - taken()
    let size = 0
    const file: FileHandle = await open(path, 'wx', 0o600)
    try {
      for await (const piece of pieces) {
        size += piece.length
        if (size > largestBytes) throw new ImageTooLarge(`the image is larger than ${largestBytes} bytes`)
        if (size > room) throw new NoRoomForImage(`the images kept may have ${roomBytes} bytes together; remove some`)
        hash.update(piece)
        await file.writeFile(piece)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    return { size, sha256: hash.digest('hex') }
  }

  return {
    list: () => [...kept.values()],
    get: sha256 => kept.get(sha256),
    receive,
    read: (sha256, from, to) => (to > from ? createReadStream(imageFile(sha256), { start: from, end: to - 1 }) : nothing()),
    async remove(sha256) {
      if (!kept.delete(sha256)) return false
      await rm(recordFile(sha256), { force: true })
      await rm(imageFile(sha256), { force: true })
      await syncFolder(dir)
      return true
    },
  }
}

const isRecord = (name: string): boolean => /^[0-9a-f]{64}\.json$/.test(name)

/** null: half a file, or somebody else's. */
async function readRecord(path: string): Promise<ImageRecord | null> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as ImageRecord
    return path.endsWith(`${record.sha256}.json`) ? record : null
  } catch {
    return null
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}
