import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunInfo } from '../api/run.ts'

/** DATA/run.json tells the CLI where the running server is. Written whole (rename) when all ports listen, removed at exit; a stale
 *  one after a crash is harmless: the port answers or it does not. */
export async function writeRunFile(data: string, run: RunInfo): Promise<() => Promise<void>> {
  const file = join(data, 'run.json')
  await writeFile(`${file}.new`, `${JSON.stringify(run)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return () => rm(file, { force: true })
}
