import { open, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'

/** The few things done to a disk, each with its sync: a name is durable only when its folder was synced too. */

/** Syncs a file that another library wrote, and makes it its owner's alone. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.chmod(0o600)
    await file.sync()
  } finally {
    await file.close()
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Moves a synced file to its final name, durably. */
export async function publish(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** The new name stands, but its folder could not be synced: after a crash it may be the old content or the new. */
export class DoubtfulWrite extends Error {}

/** Writes a file so that after any crash there is the old content or the new one, whole. Rejects with DoubtfulWrite when it can't
 *  tell which; with any other error the old content is still there. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path)).catch((cause: Error) => {
    throw new DoubtfulWrite(`${path}: ${cause.message}`, { cause })
  })
}

/** Size and CRC32 of a file, read in pieces of 256 KiB; null when it isn't there. */
export async function checksum(path: string): Promise<{ bytes: number; crc: number } | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!file) return null
  try {
    const piece = Buffer.allocUnsafe(256 * 1024)
    let bytes = 0
    let crc = 0
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length, bytes)
      if (bytesRead === 0) return { bytes, crc }
      crc = crc32(piece.subarray(0, bytesRead), crc)
      bytes += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Bytes of a file, null when it isn't there. */
export async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    found => found.size,
    () => null,
  )
}

/** Removes all files of a folder but those named, or does with them what `away` does. */
export async function sweep(
  folder: string,
  keep: ReadonlySet<string>,
  away: (name: string) => Promise<void> = name => rm(join(folder, name), { recursive: true, force: true }),
): Promise<void> {
  for (const name of await readdir(folder)) if (!keep.has(name)) await away(name)
}

/** A file of zeros that is given up when the disk is full, so that what frees the journal can still be written. */
export class Ballast {
  private readonly path: string
  private readonly bytes: number

  constructor(path: string, bytes: number) {
    this.path = path
    this.bytes = bytes
  }

  /** Makes it when it isn't there; a disk too full for it goes without. */
  async load(): Promise<void> {
    if (this.bytes === 0 || (await sizeOf(this.path)) === this.bytes) return
    await writeFile(this.path, Buffer.alloc(this.bytes), { mode: 0o600 }).catch(() => this.drop())
  }

  /** True when there was some to give. */
  async drop(): Promise<boolean> {
    return unlink(this.path).then(
      () => true,
      () => false,
    )
  }
}
