import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Files of a data directory that hold secrets and may be read by others. The CA's certificate and its lists are for everybody. */
export async function openFiles(data: string): Promise<string[]> {
  const certificates = await readdir(join(data, 'ca')).catch(() => [])
  const secret = ['token', 'manager-secret', ...certificates.filter(name => /key/.test(name)).map(name => join('ca', name))]
  const open: string[] = []
  for (const name of secret) {
    const found = await stat(join(data, name)).catch(() => null)
    if (found !== null && (found.mode & 0o077) !== 0) open.push(join(data, name))
  }
  return open
}
