import { open, rename, rm, stat } from 'node:fs/promises'

/** Writes pieces to `path`. The file appears under its name only when it is complete and synced; answers with its size. */
export async function exportFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const unfinished = `${path}.unfinished`
  await refuseFolder(path)
  const file = await open(unfinished, 'w', 0o600).catch(error => {
    throw Object.assign(error, { path })
  })
  let bytes = 0
  try {
    for await (const piece of pieces) {
      await file.writeFile(piece)
      bytes += piece.length
    }
    await file.sync()
    await file.close()
    await rename(unfinished, path)
    return bytes
  } catch (error) {
    await file.close().catch(() => {})
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Before anything is written: renaming onto a folder fails at the very end. */
async function refuseFolder(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR', path })
}
