import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../../kit/durable-file.ts'
import { type Entry, isDump } from './format.ts'
import { PairWriter } from './pairs.ts'

/** Makes the files and folders of a backup below one folder, entry by entry. Paths were checked by the reader. */
export interface Unpacking {
  bytes(entry: Entry, piece: Buffer): Promise<void>
  zeros(entry: Entry, count: number): Promise<void>
  entryEnd(entry: Entry): Promise<void>
  /** Closes what an error left open. */
  giveUp(): Promise<void>
}

interface Target {
  bytes(piece: Buffer): Promise<void>
  end(): Promise<void>
  giveUp(): Promise<void>
}

export function unpackInto(folder: string): Unpacking {
  let target: Target | null = null
  const of = async (entry: Entry): Promise<Target> => (target ??= await openTarget(join(folder, entry.path), isDump(entry.path)))
  return {
    bytes: async (entry, piece) => (await of(entry)).bytes(piece),
    async zeros(entry, count) {
      const into = await of(entry)
      for (let left = count; left > 0; left -= zeros.length) await into.bytes(zeros.subarray(0, Math.min(left, zeros.length)))
    },
    async entryEnd(entry) {
      const done = await of(entry)
      target = null
      await done.end()
    },
    async giveUp() {
      await target?.giveUp().catch(() => undefined)
      target = null
    },
  }
}

const zeros = Buffer.alloc(64 * 1024)

async function openTarget(path: string, dump: boolean): Promise<Target> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  if (dump) {
    const pairs = await PairWriter.open(path)
    return { bytes: piece => pairs.take(piece), end: () => pairs.end(), giveUp: () => pairs.giveUp() }
  }
  const file = await open(path, 'wx', 0o600)
  return {
    bytes: piece => file.writeFile(piece),
    end: () => synced(file),
    giveUp: () => file.close(),
  }
}

async function synced(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Syncs every folder below, and the files of the databases, which sync what they like. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else await synced(await open(path, 'r+'))
  }
  await syncFolder(folder)
}
