import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArchiveBounds, fileName, leftOver, pack, prune } from './archive.ts'

/** Lines in, files out: the current one grows until it is old or large enough, then it is compressed and the oldest go. What can't be
 *  written is counted, said, and written down as a gap once there is room again: a file never has a hole that it does not name. */
export interface LineWriterOptions extends ArchiveBounds {
  readonly dir: string
  readonly rotateMs: number
  /** Bytes at which the current file is full. */
  readonly fileBytes: number
  readonly pid: number
  nowMs(): number
  readonly isAlive: (pid: number) => boolean
  /** For a person, on stderr. */
  readonly say: (text: string) => void
}

/** What waits for the disk, at most: then lines are lost, and counted. */
const waitingBytes = 8 * 1024 * 1024

export class LineWriter {
  private readonly options: LineWriterOptions
  private waiting: string[] = []
  private bytesWaiting = 0
  private lost = 0
  private file: { readonly handle: FileHandle; readonly name: string; readonly since: number; bytes: number } | null = null
  private working: Promise<void> | null = null
  private packing: Promise<void> = Promise.resolve()
  private failing = false

  private constructor(options: LineWriterOptions) {
    this.options = options
  }

  /** Makes the folder and compresses what a killed process left. Rejects when the folder can't be used. */
  static async open(options: LineWriterOptions): Promise<LineWriter> {
    await mkdir(options.dir, { recursive: true, mode: 0o700 })
    const writer = new LineWriter(options)
    await writer.openFile()
    for (const name of await leftOver(options.dir, pid => pid !== options.pid && options.isAlive(pid)))
      if (name !== writer.file?.name) writer.packSoon(name)
    return writer
  }

  /** Takes a line; it is on its way to the disk with the next `flush`. */
  add(value: object): void {
    const line = `${JSON.stringify(value)}\n`
    if (this.bytesWaiting + line.length > waitingBytes) {
      this.lost++
      return
    }
    this.waiting.push(line)
    this.bytesWaiting += line.length
  }

  /** Writes what waits. Never rejects: what the disk refuses waits for the next time. One at a time. */
  flush(): Promise<void> {
    this.working ??= this.turn().finally(() => {
      this.working = null
    })
    return this.working
  }

  /** Writes the rest and waits for what is being compressed. The last file stays as it is: the next start compresses it. */
  async close(): Promise<void> {
    await this.flush()
    if (this.waiting.length > 0) await this.flush()
    await this.packing
    await this.file?.handle.close().catch(() => {})
  }

  private async turn(): Promise<void> {
    try {
      await this.rotateIfDue()
      await this.write()
      if (this.failing) this.options.say('it can be written again')
      this.failing = false
    } catch (error) {
      if (!this.failing) this.options.say(`can't write to ${this.options.dir}: ${(error as Error).message}; trying again`)
      this.failing = true
    }
  }

  private async write(): Promise<void> {
    if (this.lost > 0 && this.bytesWaiting < waitingBytes / 2) {
      const gap = { time: this.options.nowMs(), gap: { lost: this.lost, why: 'the disk did not take them' } }
      this.waiting.push(`${JSON.stringify(gap)}\n`)
      this.lost = 0
    }
    while (this.waiting.length > 0) {
      const lines = this.waiting.slice(0, 1_000)
      const piece = Buffer.from(lines.join(''))
      await this.append(piece)
      this.waiting.splice(0, lines.length)
      this.bytesWaiting = Math.max(0, this.bytesWaiting - piece.length)
      await this.rotateIfDue()
    }
    this.bytesWaiting = 0
  }

  private async append(piece: Buffer): Promise<void> {
    const file = this.file ?? (await this.openFile())
    try {
      let done = 0
      while (done < piece.length)
        done += (await file.handle.write(piece, done, piece.length - done, file.bytes + done)).bytesWritten
    } catch (error) {
      // A full disk takes half a line: back to the last whole one.
      await file.handle.truncate(file.bytes).catch(() => {})
      throw error
    }
    file.bytes += piece.length
  }

  private async openFile() {
    const { dir, pid, nowMs } = this.options
    const since = nowMs()
    for (let again = 0; ; again++) {
      const name = fileName(since, pid, again)
      try {
        const handle = await open(join(dir, name), 'wx', 0o600)
        this.file = { handle, name, since, bytes: 0 }
        return this.file
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || again > 100) throw error
      }
    }
  }

  private async rotateIfDue(): Promise<void> {
    const { file, options } = this
    if (file === null || file.bytes === 0) return
    if (file.bytes < options.fileBytes && options.nowMs() - file.since < options.rotateMs) return
    this.file = null
    await file.handle.close()
    this.packSoon(file.name)
  }

  private packSoon(name: string): void {
    const { dir, say } = this.options
    this.packing = this.packing
      .then(() => pack(dir, name))
      .catch(error => say(`${name} stays uncompressed: ${(error as Error).message}`))
      .then(async () => {
        const gone = await prune(dir, this.file, this.options)
        if (gone.length > 0) say(`removed the oldest: ${gone.join(', ')}`)
      })
      .catch(error => say(`can't tidy ${dir}: ${(error as Error).message}`))
  }
}
