import type { UpOptions } from './options.ts'
import type { Check } from './values.ts'

/** One setting of `up`: flag `--<flag>`, environment ESPALIER_<FLAG> (or ESPALIER_UP__<FLAG>), key `up.<flag>` in the file; with a
 *  `key` of its own (`retention.raw_age`) that one, and ESPALIER_RETENTION__RAW_AGE. */
export interface UpSetting<K extends keyof UpOptions = keyof UpOptions> {
  readonly option: K
  readonly key?: string
  readonly flag: string
  readonly value: string
  readonly fallback: UpOptions[K]
  readonly check: Check<NonNullable<UpOptions[K]>>
  /** Taken over by `config reload`; without it a restart is needed. */
  readonly reload?: true
  readonly help: string
}

/** Keeps the value's type checked where a setting is listed. */
export const setting = <K extends keyof UpOptions>(s: UpSetting<K>): UpSetting => s as unknown as UpSetting
