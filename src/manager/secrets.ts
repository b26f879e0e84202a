import { randomBytes } from 'node:crypto'
import { chmod, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The two secrets of the embedded default, made at the first start, each in a file of its own (0600): `token` for the HTTP API,
 *  `manager-secret` for the MQTT user `_manager` (CLI pub and sub). Never logged, never in argv. */
export interface Secrets {
  readonly token: string
  readonly managerSecret: string
}

/** Reads the secrets of a data directory, makes those that are missing. */
export async function openSecrets(data: string): Promise<Secrets> {
  return { token: await secret(join(data, 'token')), managerSecret: await secret(join(data, 'manager-secret')) }
}

async function secret(file: string): Promise<string> {
  const there = await readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (there.trim().length >= 16) {
    await chmod(file, 0o600)
    return there.trim()
  }
  const fresh = randomBytes(32).toString('base64url')
  // Written whole and synced before it counts: half a token after a power cut would lock everybody out.
  const handle = await open(file, 'w', 0o600)
  await handle.writeFile(`${fresh}\n`)
  await handle.sync()
  await handle.close()
  return fresh
}
