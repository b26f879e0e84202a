import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../kit/durable-file.ts'
import { checksum } from './disk.ts'

/** A file as it was when it was written. */
export interface Stored {
  readonly name: string
  readonly bytes: number
  readonly crc: number
}

/** What becomes of a file that has rotted. */
export interface Losses<T> {
  /** False: the manifest no longer names it. */
  named(file: T): boolean
  /** It was moved aside: takes it out of the manifest. */
  lost(file: T, why: string): Promise<void>
}

/** A folder of finished files: who uses which, what may be deleted, what has rotted. */
export class Shelf<T extends Stored> {
  readonly folder: string
  private readonly aside: string
  private readonly losses: Losses<T>
  private readonly held = new Map<string, number>()
  private readonly retired = new Set<string>()

  constructor(folders: { final: string; aside: string }, losses: Losses<T>) {
    this.folder = folders.final
    this.aside = folders.aside
    this.losses = losses
  }

  /** Keeps the files from being deleted until the returned function is called. */
  hold(files: readonly T[]): () => Promise<void> {
    for (const { name } of files) this.held.set(name, (this.held.get(name) ?? 0) + 1)
    let released = false
    return async () => {
      if (released) return
      released = true
      for (const { name } of files) {
        const left = this.held.get(name)! - 1
        if (left > 0) this.held.set(name, left)
        else this.held.delete(name)
      }
      await this.clear()
    }
  }

  /** Deletes files that the manifest no longer names, each as soon as nobody reads it. One that can't be deleted now goes at the next
   *  start. */
  async retire(files: readonly T[]): Promise<void> {
    for (const { name } of files) this.retired.add(name)
    await this.clear()
  }

  private async clear(): Promise<void> {
    for (const name of this.retired) {
      if (this.held.has(name)) continue
      this.retired.delete(name)
      await rm(join(this.folder, name), { force: true }).catch(() => undefined)
    }
  }

  /** Reads the files and sets aside those that are not what they were when written. Answers with the sound ones. */
  async check(files: readonly T[]): Promise<T[]> {
    const sound: T[] = []
    for (const file of files) {
      const why = await this.fault(file)
      if (why === null) sound.push(file)
      else await this.setAside(file, why)
    }
    return sound
  }

  private async fault(file: T): Promise<string | null> {
    try {
      const found = await checksum(join(this.folder, file.name))
      if (found === null) return 'the file is gone'
      if (found.bytes !== file.bytes) return `it has ${found.bytes} bytes, written were ${file.bytes}`
      return found.crc === file.crc ? null : 'its checksum is not that of what was written'
    } catch (error) {
      return `it can't be read: ${(error as Error).message}`
    }
  }

  /** The file moves first: should we die in between, the next start finds it gone and books it. */
  async setAside(file: T, why: string): Promise<void> {
    if (!this.losses.named(file)) return // replaced meanwhile, or set aside by another query
    await rename(join(this.folder, file.name), join(this.aside, file.name)).catch(() => undefined)
    await syncFolder(this.folder)
    await syncFolder(this.aside)
    await this.losses.lost(file, why)
  }
}
