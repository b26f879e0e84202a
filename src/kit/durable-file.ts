import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A name is durable only when its folder was synced too. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The new name stands, but its folder could not be synced: after a crash it may be the old content or the new. */
export class DoubtfulWrite extends Error {}

/** Writes a file, its owner's alone, so that after any crash there is the old content or the new one, whole. Rejects with
 *  DoubtfulWrite when it can't tell which; with any other error the old content is still there. */
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
