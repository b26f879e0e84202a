import type { ConfigFile } from './file.ts'
import { type Check, choice, durationMs, host, port, seconds, wholeIn } from './values.ts'

/** What `espalier up` was told, checked: flag over environment over file over default. */
export interface UpOptions {
  /** The data directory, as given. */
  readonly data: string
  readonly mqttHost: string
  /** 0 = any free one. */
  readonly mqttPort: number
  readonly httpHost: string
  readonly httpPort: number
  /** How many virtual nodes, and the seconds between two readings of one. */
  readonly sim: number
  readonly simIntervalS: number
  /** How long a group of messages may wait for company before it is made durable. */
  readonly commitWindowMs: number
  readonly store: 'parquet'
  /** Readings in memory before they are written as a file: fewer need less memory and make more files. */
  readonly sealRows: number
  readonly broker: 'embedded'
  readonly logLevel: LogLevel
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** One setting of `up`: flag `--<flag>`, environment ESPALIER_<FLAG> (or ESPALIER_UP__<FLAG>), key `up.<flag>` in the file. */
export interface UpSetting<K extends keyof UpOptions = keyof UpOptions> {
  readonly option: K
  readonly flag: string
  readonly value: string
  readonly fallback: UpOptions[K]
  readonly check: Check<UpOptions[K]>
  readonly help: string
}

const setting = <K extends keyof UpOptions>(s: UpSetting<K>): UpSetting => s as unknown as UpSetting

/** `data` is not here: it says where the file is, so it can't stand in it. */
export const upSettings: readonly UpSetting[] = [
  setting({
    option: 'mqttHost',
    flag: 'mqtt-host',
    value: 'HOST',
    fallback: '127.0.0.1',
    check: host,
    help: 'address of the MQTT listener',
  }),
  setting({
    option: 'mqttPort',
    flag: 'mqtt-port',
    value: 'PORT',
    fallback: 1883,
    check: port,
    help: 'port of the MQTT listener, 0 = any free one',
  }),
  setting({
    option: 'httpHost',
    flag: 'http-host',
    value: 'HOST',
    fallback: '127.0.0.1',
    check: host,
    help: 'address of page and API',
  }),
  setting({
    option: 'httpPort',
    flag: 'http-port',
    value: 'PORT',
    fallback: 8080,
    check: port,
    help: 'port of page and API, 0 = any free one',
  }),
  setting({
    option: 'sim',
    flag: 'sim',
    value: 'N',
    fallback: 3,
    check: wholeIn(0, 10_000),
    help: 'virtual nodes sim-1 to sim-N',
  }),
  setting({
    option: 'simIntervalS',
    flag: 'sim-interval',
    value: 'S',
    fallback: 1,
    check: seconds(0.01, 86_400),
    help: 'seconds between two readings of a virtual node',
  }),
  setting({
    option: 'commitWindowMs',
    flag: 'commit-window',
    value: 'TIME',
    fallback: 5,
    check: durationMs(0, 1_000),
    help: 'how long a message may wait for others before both are made durable',
  }),
  setting({
    option: 'store',
    flag: 'store',
    value: 'KIND',
    fallback: 'parquet',
    check: choice(['parquet'] as const),
    help: 'where readings are kept',
  }),
  setting({
    option: 'sealRows',
    flag: 'seal-rows',
    value: 'N',
    fallback: 250_000,
    check: wholeIn(1, 1_000_000),
    help: 'readings in memory before they are written as a file: fewer need less memory and make more files',
  }),
  setting({
    option: 'broker',
    flag: 'broker',
    value: 'KIND',
    fallback: 'embedded',
    check: choice(['embedded'] as const),
    help: 'which MQTT broker',
  }),
  setting({
    option: 'logLevel',
    flag: 'log-level',
    value: 'LEVEL',
    fallback: 'info',
    check: choice(logLevels),
    help: 'what is logged on stderr',
  }),
]

/** A value that can't be used: where it stands (flag, variable, or FILE:LINE), its key, what is wrong, what is allowed. */
export interface ConfigProblem {
  readonly where: string
  readonly key: string
  readonly what: string
  readonly allowed: string
}

export interface UpSources {
  readonly data: string
  /** By flag name without dashes; only what was given. */
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: ConfigFile | null
}

export type Resolved =
  | { readonly ok: true; readonly options: UpOptions }
  | { readonly ok: false; readonly problems: ConfigProblem[] }

/** Takes each setting from the first source that has it, and checks that one. */
export function resolveUp(sources: UpSources): Resolved {
  const problems: ConfigProblem[] = []
  const options: Record<string, unknown> = { data: sources.data }
  for (const s of upSettings) {
    const found = lookUp(s.flag, sources)
    if (!found) {
      options[s.option] = s.fallback
      continue
    }
    const checked = s.check(found.value)
    if (checked.ok) options[s.option] = checked.value
    else problems.push({ where: found.where, key: found.key, what: checked.what, allowed: checked.allowed })
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, options: options as unknown as UpOptions }
}

function lookUp(flag: string, sources: UpSources): { value: unknown; where: string; key: string } | undefined {
  const given = sources.flags[flag]
  if (given !== undefined) return { value: given, where: 'command line', key: `--${flag}` }
  const name = flag.toUpperCase().replaceAll('-', '_')
  for (const variable of [`ESPALIER_${name}`, `ESPALIER_UP__${name}`]) {
    const value = sources.env[variable]
    if (value !== undefined && value !== '') return { value, where: 'environment', key: variable }
  }
  const key = `up.${flag.replaceAll('-', '_')}`
  const entry = sources.file?.entries.get(key)
  return entry && { value: entry.value, where: `${sources.file!.name}:${entry.line}`, key }
}

/** Keys that espalier.yaml may have, for the check of unknown ones. */
export const upKeys: readonly string[] = upSettings.map(s => `up.${s.flag.replaceAll('-', '_')}`)
