import { randomBytes } from 'node:crypto'
import { chmod, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The secret in a file of its own (0600); made when it is missing, or when half a file is all that is there. */
export async function secretIn(file: string): Promise<string> {
  const there = await readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (there.trim().length < 16) return freshSecretIn(file)
  await chmod(file, 0o600)
  return there.trim()
}

/** A new secret in place of the old one. Written beside it, synced and renamed, and the folder synced too: after a power cut the file
 *  holds the one or the other, never half, which would lock everybody out. */
export async function freshSecretIn(file: string): Promise<string> {
  const fresh = randomBytes(32).toString('base64url')
  const handle = await open(`${file}.new`, 'w', 0o600)
  await handle.writeFile(`${fresh}\n`)
  await handle.sync()
  await handle.close()
  await rename(`${file}.new`, file)
  const folder = await open(dirname(file), 'r')
  await folder.sync()
  await folder.close()
  return fresh
}
