import { existsSync } from 'node:fs'
import { readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { replaceFile, syncFolder } from '../../kit/durable-file.ts'

/** Puts a restored folder in the place of the data directory. Two renames, the old one away and the new one in: whatever is cut off
 *  before the first leaves the old, and between the two there is no data directory, but beside it a whole new one that says so, which
 *  the next start moves in (`finishRestore`). */

/** Stands in a folder that is whole and synced. It stays: it says where the data came from. */
const mark = 'restored.json'

/** The data directory itself, not a link to it; also where the link leads to is not there, as after a restore that was cut off. */
export async function realData(data: string): Promise<string> {
  try {
    return await realpath(data)
  } catch (error) {
    const place = resolve(data)
    const to = (error as NodeJS.ErrnoException).code === 'ENOENT' ? await readlink(place).catch(() => null) : null
    return to === null ? place : realData(resolve(await realpath(dirname(place)), to))
  }
}

export const besideOf = (data: string): string => `${data}.restore-tmp`

/** The data directory is where a disk is mounted: it can't be renamed. */
export class IsMountPoint extends Error {
  readonly data: string
  constructor(data: string) {
    super(`${data} is a mount point, which can't be replaced as a whole; nothing was changed`)
    this.name = 'IsMountPoint'
    this.data = data
  }
}

/** Is there something that can't be moved? Asked before an hour of unpacking. */
export async function checkSwappable(data: string): Promise<void> {
  const parent = await stat(dirname(data))
  const own = await stat(data).catch(() => undefined)
  if (own !== undefined && own.dev !== parent.dev) throw new IsMountPoint(data)
}

/** Says of an unpacked folder that it is whole. Everything in it is synced before. */
export const markWhole = (folder: string, about: object): Promise<void> =>
  replaceFile(`${folder}/${mark}`, `${JSON.stringify(about)}\n`)

/** The old data directory is moved to `away` (if it holds anything), then the new one in. Answers with where the old one is now. */
export async function swapIn(data: string, away: string, step: (name: string) => void | Promise<void>): Promise<string | null> {
  const parent = dirname(data)
  const old = await readdir(data).catch(() => [])
  if (old.length > 0) {
    await rename(data, away).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EBUSY' ? new IsMountPoint(data) : error // of the same disk: `checkSwappable` can't see it
    })
    await syncFolder(parent)
    await step('moved away')
  }
  await moveIn(data).catch(async error => {
    // Rather the old one than none, unless something new stands there already.
    if (old.length > 0 && !existsSync(data)) await rename(away, data)
    throw error
  })
  await step('moved in')
  return old.length > 0 ? away : null
}

async function moveIn(data: string): Promise<void> {
  await rename(besideOf(data), data)
  await syncFolder(dirname(data))
}

/** After a restore that was cut off between its renames: moves the new folder in. True when it did. A folder that isn't whole, or one
 *  beside a data directory, is left to the next restore. */
export async function finishRestore(data: string): Promise<boolean> {
  const place = await realData(data)
  if (existsSync(place) || !existsSync(`${besideOf(place)}/${mark}`)) return false
  await moveIn(place)
  return true
}

/** A name for the old directory that no other has. */
export function awayOf(data: string, wallMs: number): string {
  const stamp = new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  const name = `${data}.before-restore-${stamp}`
  for (let n = 1; ; n++) {
    const tried = n === 1 ? name : `${name}-${n}`
    if (!existsSync(tried)) return tried
  }
}

export const removeBeside = (data: string): Promise<void> => rm(besideOf(data), { recursive: true, force: true })
