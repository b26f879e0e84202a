import type { BackupView } from '../api/settings.ts'

/** Backups, as this room needs them. */
export interface BackupDesk {
  /** A backup of this moment, to be sent. `release` when it was sent, or wasn't. */
  begin(): Promise<{
    readonly readings: number
    readonly created: number
    readonly pieces: AsyncIterable<Uint8Array>
    release(): Promise<void>
  }>
  /** Those in the folder of the schedule, newest first. */
  list(): Promise<readonly BackupView[]>
  /** One more in that folder. `no_folder`: none is set. `failed`: why. */
  make(): Promise<BackupView | { readonly refused: 'no_folder' | 'failed'; readonly detail: string }>
}
