import { createWriteStream } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** The finished files of a message log: compressed, and the oldest gone when there are too many or they are too large. */
export interface ArchiveBounds {
  /** Files beside the one that is written. */
  readonly keep: number
  /** Bytes of all files, that one included. */
  readonly maxBytes: number
}

/** `messages-20260301T120000Z-4711-0.jsonl`: sorted by name they are sorted by time; behind it the process that writes it, and a number for a
 *  second file of one second. */
export const fileName = (timeMs: number, pid: number, again: number): string =>
  `messages-${new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '')}-${pid}-${again}.jsonl`

const ours = /^messages-\d{8}T\d{6}Z-(\d+)-\d+\.jsonl(\.gz)?$/

interface Finished {
  readonly name: string
  readonly bytes: number
  readonly packed: boolean
  readonly pid: number
}

/** Compresses one file; it is there as a whole at any moment, in one form or the other. One that went meanwhile is none. */
export async function pack(dir: string, name: string): Promise<void> {
  const from = join(dir, name)
  const part = `${from}.gz.part`
  const source = await open(from).catch(absent)
  if (source === null) return
  try {
    await pipeline(source.createReadStream(), createGzip(), createWriteStream(part, { mode: 0o600 }))
    await rename(part, `${from}.gz`)
    await rm(from, { force: true })
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

/** Files of earlier runs that nobody writes any more: a process that was killed left one uncompressed. */
export async function leftOver(dir: string, isAlive: (pid: number) => boolean): Promise<string[]> {
  const names = await readdir(dir)
  for (const name of names)
    if (name.startsWith('messages-') && name.endsWith('.gz.part')) await rm(join(dir, name), { force: true })
  const files = await finished(dir, null)
  return files.filter(({ packed, pid }) => !packed && !isAlive(pid)).map(({ name }) => name)
}

/** Removes the oldest beyond the bounds, never `current`. Answers with the names that went. */
export async function prune(
  dir: string,
  current: { name: string; bytes: number } | null,
  bounds: ArchiveBounds,
): Promise<string[]> {
  const files = await finished(dir, current?.name ?? null)
  let bytes = files.reduce((sum, file) => sum + file.bytes, current?.bytes ?? 0)
  const gone: string[] = []
  for (const file of files) {
    if (files.length - gone.length <= bounds.keep && bytes <= bounds.maxBytes) break
    await rm(join(dir, file.name), { force: true })
    bytes -= file.bytes
    gone.push(file.name)
  }
  return gone
}

/** Oldest first. */
async function finished(dir: string, except: string | null): Promise<Finished[]> {
  const files: Finished[] = []
  for (const name of (await readdir(dir)).sort()) {
    const [, pid, gz] = ours.exec(name) ?? []
    if (pid === undefined || name === except) continue
    // One that went meanwhile has no size.
    const { size } = await stat(join(dir, name)).catch(() => ({ size: 0 }))
    files.push({ name, bytes: size, packed: gz !== undefined, pid: Number(pid) })
  }
  return files
}
