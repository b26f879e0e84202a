import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { RecordsLocked } from '../records.ts'

/** Takes the lock of a data directory without opening what is in it: opening LevelDB writes, and a restore that refuses its file must
 *  leave everything as it was. A database elsewhere whose LOCK leads to the directory's own locks the same file, and the system gives
 *  it back when we die. Rejects with RecordsLocked while an espalier runs there. Answers with what gives it back. */
export async function lockData(data: string): Promise<() => Promise<void>> {
  const lock = resolve(data, 'records', 'LOCK')
  if (!existsSync(lock)) return async () => {}
  const folder = await mkdtemp(join(tmpdir(), 'espalier-lock-'))
  await mkdir(join(folder, 'level'))
  await symlink(lock, join(folder, 'level', 'LOCK'))
  const level = new ClassicLevel(join(folder, 'level'))
  const giveBack = async (): Promise<void> => {
    await level.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await level.open()
    return giveBack
  } catch (error) {
    await giveBack()
    throw ((error as Error).cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED' ? new RecordsLocked(data) : error
  }
}
