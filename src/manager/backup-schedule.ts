import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BackupView, Finding } from '../api/settings.ts'
import type { Clock } from '../kit/clock.ts'
import { syncFolder } from '../kit/durable-file.ts'
import { checkBackup } from '../store/backup/backup.ts'
import type { Records } from '../store/records.ts'
import type { Backup } from './backup.ts'
import type { Log } from './log.ts'

/** Backups into a folder, so many kept. A new one counts when it was read back and checked; only then do the oldest go. One that fails
 *  leaves nothing behind, is told once to whoever asks (`lastBackup`, `findings`), and is tried again. */
export interface BackupSchedule {
  /** Called every minute or so: makes one when it is time. */
  turn(): Promise<void>
  /** Makes one now. */
  make(): Promise<BackupView | { readonly refused: 'no_folder' | 'failed'; readonly detail: string }>
  /** What is in the folder, newest first. */
  list(): Promise<BackupView[]>
  /** Other settings, from here on. */
  configure(settings: BackupSettings): void
  lastBackup(): LastBackup
  /** Gives up the one that is being made. */
  close(): Promise<void>
  /** For doctor: what a person should mend. */
  findings(): Finding[]
}

export interface BackupSettings {
  /** null: no schedule. */
  readonly backupDir: string | null
  readonly backupEveryMs: number
  readonly backupKeep: number
}

export interface LastBackup {
  readonly dir: string | null
  /** The newest good one, Unix ms; null: none is known. */
  readonly time: number | null
  /** Why the last try failed; empty when it did not. */
  readonly failure: string
}

export interface ScheduleParts {
  readonly begin: () => Promise<Backup>
  readonly records: Pick<Records, 'get' | 'write'>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
  /** One of the schedule was made, or why not: for the audit log. */
  readonly onTurn?: (file: string | null, failure: string) => void
}

const retryAfterMs = 600_000
/** What is known of a backup beside its name: reading all of it for its checksum each time it is listed would take minutes. */
const collection = 'backups'

export function createBackupSchedule(parts: ScheduleParts, first: BackupSettings): BackupSchedule {
  const { clock, log } = parts
  let settings = first
  let last: LastBackup = { dir: first.backupDir, time: null, failure: '' }
  /** Monotonic: when one was made or tried in this process. */
  let madeAt: number | null = null
  let failedAt: number | null = null
  let making: Promise<BackupView> | null = null
  let closed = false

  async function due(dir: string): Promise<boolean> {
    const now = clock.monoMs()
    const { backupEveryMs } = settings
    if (failedAt !== null && now - failedAt < Math.min(retryAfterMs, backupEveryMs)) return false
    if (madeAt !== null) return now - madeAt >= backupEveryMs
    const times = (await namesIn(dir)).map(timeOf)
    if (times.length === 0) return true
    // A wall clock that was ahead once must not put backups off for a year.
    const newest = times.find(time => time <= clock.wallMs())
    last = { ...last, time: newest ?? times[0]! }
    return newest === undefined || clock.wallMs() - newest >= backupEveryMs
  }

  async function makeIn(dir: string): Promise<BackupView> {
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      for (const half of (await readdir(dir)).filter(name => halfPattern.test(name))) await rm(join(dir, half), { force: true })
      const view = await writeInto(dir, await parts.begin(), () => closed)
      await parts.records.write([{ collection, key: view.file, value: view }], { sync: false }).catch(() => undefined)
      for (const name of byAge(await namesIn(dir), basename(view.file)).slice(settings.backupKeep)) await forget(join(dir, name))
      if (last.failure !== '') log.info('backups are made again')
      last = { dir, time: view.time, failure: '' }
      madeAt = clock.monoMs()
      failedAt = null
      return view
    } catch (error) {
      last = { ...last, dir, failure: reasonOf(error as NodeJS.ErrnoException, dir) }
      failedAt = clock.monoMs()
      log.error(error as Error, `no backup was made: ${last.failure}`)
      throw error
    }
  }

  async function forget(file: string): Promise<void> {
    await rm(file, { force: true })
    await parts.records.write([{ collection, key: file, remove: true }], { sync: false }).catch(() => undefined)
  }

  const makeOnce = (dir: string): Promise<BackupView> =>
    (making ??= makeIn(dir).finally(() => {
      making = null
    }))

  async function viewOf(dir: string, name: string): Promise<BackupView | null> {
    const file = join(dir, name)
    const { size } = await stat(file)
    const known = await parts.records.get<BackupView>(collection, file)
    if (known?.bytes === size) return known
    const checked = await checkBackup(file).catch(() => null)
    if (checked === null) return null
    const { bytes, sha256, contents } = checked
    const view = { file, time: contents.created, bytes, sha256, readings: contents.readings }
    await parts.records.write([{ collection, key: file, value: view }], { sync: false }).catch(() => undefined)
    return view
  }

  return {
    async turn() {
      const dir = settings.backupDir
      if (closed || dir === null || making !== null || !(await due(dir))) return
      await makeOnce(dir).then(
        ({ file }) => parts.onTurn?.(file, ''),
        () => parts.onTurn?.(null, last.failure),
      )
    },

    async make() {
      const dir = settings.backupDir
      if (dir === null)
        return {
          refused: 'no_folder',
          detail: 'no folder is set for backups: espalier backup --schedule DIR, or backup.dir in espalier.yaml',
        }
      return makeOnce(dir).catch(() => ({ refused: 'failed' as const, detail: last.failure }))
    },

    async list() {
      const dir = settings.backupDir
      if (dir === null) return []
      const views = []
      for (const name of await namesIn(dir)) views.push(await viewOf(dir, name).catch(() => null)) // gone meanwhile
      return views.filter(view => view !== null)
    },

    configure(next) {
      if (next.backupDir !== settings.backupDir) {
        last = { dir: next.backupDir, time: null, failure: '' }
        madeAt = failedAt = null
      }
      settings = next
    },

    lastBackup: () => last,

    async close() {
      closed = true
      await making?.catch(() => undefined)
    },

    findings() {
      if (last.failure === '' || last.dir === null) return []
      const newest = last.time === null ? 'there is none yet' : `the newest is of ${new Date(last.time).toISOString()}`
      return [
        {
          code: 'backup_failed',
          severity: 'error',
          subject: last.dir,
          what: `no backup was made: ${last.failure}; ${newest}`,
          fix: 'Make room, or plug the disk in; then `espalier backup FILE` shows whether it works. It is tried again by itself.',
        },
      ]
    },
  }
}

const namePattern = /^espalier-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?:-(\d+))?\.espalier$/
const halfPattern = /^espalier-\d{8}-\d{6}(?:-\d+)?\.espalier\.part$/

/** The backups of a folder that isn't there, or can't be read now, are none. Newest first. */
const namesIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir).catch(() => []))
    .filter(name => namePattern.test(name))
    .sort((a, b) => timeOf(b) - timeOf(a) || nthOf(b) - nthOf(a))

/** Newest first as they were made, `made` being the last: what bears a later time was made before it, by a clock that was ahead then or
 *  is behind now. By name alone such a file would outlive all others, and the new one would be the first to go. */
function byAge(names: readonly string[], made: string): string[] {
  const later = (name: string): boolean => timeOf(name) > timeOf(made)
  const others = names.filter(name => name !== made)
  return [made, ...others.filter(name => !later(name)), ...others.filter(later)]
}

/** Of those of one second. */
const nthOf = (name: string): number => Number(namePattern.exec(name)![7] ?? 1)

function timeOf(name: string): number {
  const [, y, mo, d, h, m, s] = namePattern.exec(name)!.map(Number)
  return Date.UTC(y!, mo! - 1, d!, h!, m!, s!)
}

const stampOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')

/** Under its name only when it is whole, on the disk, and read back. */
async function writeInto(dir: string, backup: Backup, stopped: () => boolean): Promise<BackupView> {
  const file = await freeName(dir, backup.created)
  const half = `${file}.part`
  try {
    const out = await open(half, 'wx', 0o600)
    try {
      for await (const piece of backup.pieces) {
        if (stopped()) throw new Error('espalier was stopped meanwhile')
        await out.writeFile(piece)
      }
      await out.sync()
    } finally {
      await out.close()
    }
    const { bytes, sha256, contents } = await checkBackup(half)
    await rename(half, file)
    await syncFolder(dir)
    return { file, time: contents.created, bytes, sha256, readings: contents.readings }
  } catch (error) {
    await rm(half, { force: true }).catch(() => undefined)
    throw error
  } finally {
    await backup.release()
  }
}

async function freeName(dir: string, created: number): Promise<string> {
  const taken = new Set(await namesIn(dir))
  for (let n = 1; ; n++) {
    const name = `espalier-${stampOf(created)}${n === 1 ? '' : `-${n}`}.espalier`
    if (!taken.has(name)) return join(dir, name)
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, dir: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return `the disk of ${dir} is full`
  if (code === 'EACCES' || code === 'EPERM') return `${dir} may not be written to by this user`
  if (code === 'EROFS') return `the disk of ${dir} is mounted read-only`
  return message
}
