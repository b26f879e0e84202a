import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checksum, syncFolder } from './disk.ts'
import type { FileEntry, Manifest, SetAside } from './manifest.ts'

/** The folder of finished files: who uses which, what may be deleted, what has rotted. */
export class Shelf {
  readonly folder: string
  private readonly aside: string
  private readonly manifest: Manifest
  private readonly onSetAside: (file: SetAside) => void
  private readonly held = new Map<string, number>()
  private readonly retired = new Set<string>()

  constructor(manifest: Manifest, folders: { final: string; aside: string }, onSetAside: (file: SetAside) => void) {
    this.manifest = manifest
    this.folder = folders.final
    this.aside = folders.aside
    this.onSetAside = onSetAside
  }

  /** Keeps the files from being deleted until the returned function is called. */
  hold(files: readonly FileEntry[]): () => Promise<void> {
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
  async retire(files: readonly FileEntry[]): Promise<void> {
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
  async check(files: readonly FileEntry[]): Promise<FileEntry[]> {
    const sound: FileEntry[] = []
    for (const file of files) {
      const why = await this.fault(file)
      if (why === null) sound.push(file)
      else await this.setAside(file, why)
    }
    return sound
  }

  private async fault(file: FileEntry): Promise<string | null> {
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
  async setAside(file: FileEntry, why: string): Promise<void> {
    if (!this.manifest.state.files.includes(file)) return // replaced meanwhile, or set aside by another query
    await rename(join(this.folder, file.name), join(this.aside, file.name)).catch(() => undefined)
    await syncFolder(this.folder)
    await syncFolder(this.aside)
    const lost: SetAside = { file: file.name, rows: file.rows, from: file.from, to: file.to, why }
    const changed = await this.manifest.change(state =>
      state.files.includes(file)
        ? { ...state, files: state.files.filter(other => other !== file), quarantined: [...state.quarantined, lost] }
        : null,
    )
    if (changed) this.onSetAside(lost)
  }
}
