import type { BackupDesk } from '../http/backup-desk.ts'
import { SourceDamaged } from '../store/backup/backup.ts'
import { type Backup, type BackupParts, beginBackup } from './backup.ts'
import { type BackupSchedule, createBackupSchedule, type ScheduleParts } from './backup-schedule.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'
import { every } from './timers.ts'

/** Backups as the HTTP server and doctor know them: streamed to whoever asks, and by themselves into a folder. */
export type Backups = BackupDesk & Pick<BackupSchedule, 'lastBackup' | 'findings'> & { stop(): Promise<void> }

const lookEveryMs = 10_000

export function joinBackups(
  parts: BackupParts & Pick<ScheduleParts, 'onTurn'> & { readonly settings: Settings; readonly log: Log },
): Backups {
  const { settings, log, store } = parts
  const begin = async (): Promise<Backup> => {
    const backup = await beginBackup(parts)
    return { ...backup, pieces: lookedAfter(backup.pieces) }
  }
  const schedule = createBackupSchedule({ ...parts, begin }, settings.current)
  for (const option of ['backupDir', 'backupEveryMs', 'backupKeep'] as const)
    settings.onChange(option, () => {
      schedule.configure(settings.current)
      void schedule.turn() // whoever sets a schedule looks into the folder
    })
  const ticking = every(lookEveryMs, schedule.turn, log)
  const stop = async (): Promise<void> => {
    await schedule.close()
    await ticking()
  }
  const { list, make, lastBackup, findings } = schedule
  return { begin, list, make, lastBackup, findings, stop }

  /** A file that has rotted is set aside by a scrub, with an alarm; the next backup is made of the rest. */
  async function* lookedAfter(pieces: Backup['pieces']): Backup['pieces'] {
    try {
      yield* pieces
    } catch (error) {
      if (error instanceof SourceDamaged) {
        log.error(error, 'the backup was given up; all files are checked now')
        void store.scrub().catch(failure => log.error(failure, 'checking the files'))
      }
      throw error
    }
  }
}
