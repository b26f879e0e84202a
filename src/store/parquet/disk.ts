import { open, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncFolder } from '../../kit/durable-file.ts'

/** The few things done to a disk, each with its sync. */

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

/** Moves a synced file to its final name, durably. */
export async function publish(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
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
