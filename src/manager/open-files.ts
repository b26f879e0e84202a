import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFirmwareKey } from './firmware-keys.ts'

/** Files of a data directory that hold secrets and may be read by others, and the key of firmware where that is elsewhere. The CA's
 *  certificate and its lists are for everybody. */
export async function openFiles(data: string, firmwareKey: string | null = null): Promise<string[]> {
  const certificates = await readdir(join(data, 'ca')).catch(() => [])
  const secret = ['token', 'manager-secret', ...certificates.filter(name => /key/.test(name)).map(name => join('ca', name))]
  const open: string[] = []
  for (const path of [...secret.map(name => join(data, name)), firmwareKey ?? ownFirmwareKey(data)]) {
    const found = await stat(path).catch(() => null)
    if (found !== null && (found.mode & 0o077) !== 0) open.push(path)
  }
  return open
}
