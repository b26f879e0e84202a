import type { Clock } from '../../kit/clock.ts'
import type { ReadingsStore } from '../readings.ts'
import type { KeepLimits } from './keep-limits.ts'
import type { SetAside, Sweep } from './manifest.ts'

export interface ParquetOptions {
  /** The store's folder, made when it isn't there: manifest.json, raw/, rollups/, quarantine/, view.sql. */
  readonly dir: string
  readonly clock: Clock
  /** Rows in memory before they become files. Default 250,000: about 20 MB, and a day of 20 nodes at one reading in 10 s in one file. */
  readonly sealRows?: number
  /** DuckDB's memory limit; not what the process takes in all. Default 64. */
  readonly memoryLimitMb?: number
  /** Rows up to which a range reads rows instead of having DuckDB sum them up. Default 2,000. */
  readonly readOutright?: number
  /** Rows from which on a range asks roll-ups instead of rows, where they fit. Default 50,000. */
  readonly rollupAbove?: number
  /** Bytes kept in reserve and given up when the disk is full. Default 8 MiB. */
  readonly ballastBytes?: number
  /** How long after a seal that failed it is tried again. Default 5,000. */
  readonly retryMs?: number
  /** When the files are checked and merged after the start. Default 10,000; null = only when asked. */
  readonly backgroundAfterMs?: number | null
  /** A file was set aside, a seal failed or works again. */
  readonly onAlarm?: (alarm: StoreAlarm) => void
}

export type StoreAlarm =
  | { readonly what: 'set_aside'; readonly file: SetAside }
  | { readonly what: 'seal_failed'; readonly detail: string }
  | { readonly what: 'seal_recovered' }
  | { readonly what: 'manifest_copy_used' }
  /** Neither manifest nor copy, but files, which lie in `quarantine/` now. */
  | { readonly what: 'manifest_missing'; readonly setAside: readonly string[] }
  | { readonly what: 'merge_failed'; readonly detail: string }
  /** It is made again from the rows it says again. */
  | { readonly what: 'rollup_damaged'; readonly file: string; readonly why: string }

export interface ParquetReadings extends ReadingsStore {
  /** Reads every file and sets aside what has rotted. Runs after the start and each week by itself. */
  scrub(): Promise<void>
  /** Merges files until there is nothing to merge. Runs behind each seal by itself. */
  tidy(): Promise<void>
  /** Lets go what is older or larger than the limits, readings only when their roll-ups stand. Says what went in `sweeps`. The caller
   *  answers for the clock: it must be right. */
  sweep(limits: KeepLimits): Promise<void>
  /** How long what is kept, for the roll-ups that are made meanwhile; `sweep` says it too. */
  keep(limits: KeepLimits): void
  /** What went, the last hundred times, oldest first. */
  sweeps(): readonly Sweep[]
  /** What a backup copies, as of now. To be called inside `lane.between`, where no batch is on its way: the rows in memory are not in
   *  it, the journal has them, so whoever copies the journal at the same cut has everything, and must keep it from being trimmed
   *  until then. Nothing of it is deleted until `release`; none of it ever changes. */
  snapshot(): StoreSnapshot
}

export interface StoreSnapshot {
  /** `name` is relative to the store's folder, `path` where it lies now. */
  readonly files: readonly { readonly name: string; readonly path: string; readonly bytes: number; readonly crc: number }[]
  /** To be written as `manifest.json` beside them. */
  readonly manifest: string
  /** Lets go of the files. */
  release(): Promise<void>
}
