import type { Clock } from '../kit/clock.ts'
import { systemClock } from '../kit/clock.ts'
import { type Restored, restoreBackup } from '../store/backup/backup.ts'

/** What can be done with a backup and a data directory when no server runs: loaded without broker, store and their libraries. */
export {
  BadBackup,
  type Checked,
  checkBackup,
  finishRestore,
  IsMountPoint,
  NoRoom,
  type Restored,
} from '../store/backup/backup.ts'
export { RecordsLocked } from '../store/records.ts'

export function restore(file: string, data: string, clock: Pick<Clock, 'wallMs'> = systemClock): Promise<Restored> {
  process.umask(0o077) // as up does: everything in the data directory is the owner's alone
  return restoreBackup({ file, data, wallMs: () => clock.wallMs() })
}
