import { open, rename, rm } from 'node:fs/promises'

/** Writes pieces to `path`. The file appears under its name only when it is complete and synced; answers with its size. */
export async function exportFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const unfinished = `${path}.unfinished`
  const file = await open(unfinished, 'w', 0o600)
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
