import { randomBytes } from 'node:crypto'
import { chmod, readFile } from 'node:fs/promises'
import { replaceFile } from '../kit/durable-file.ts'

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

/** A new secret in place of the old one. After a power cut the file holds the one or the other, never half, which
 *  would lock everybody out. */
export async function freshSecretIn(file: string): Promise<string> {
  const fresh = randomBytes(32).toString('base64url')
  await replaceFile(file, `${fresh}\n`)
  return fresh
}
