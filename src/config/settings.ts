import { brokerSettings } from './broker-settings.ts'
import { logLevels } from './options.ts'
import { setting, type UpSetting } from './setting.ts'
import { bytes, choice, durationMs, host, onOff, port, seconds, text, wholeIn } from './values.ts'

export type { UpSetting } from './setting.ts'

const dayMs = 86_400_000
const yearMs = 365 * dayMs

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
    help: 'virtual nodes sim-1 to sim-N; none by themselves on an external broker',
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
    option: 'simReal',
    flag: 'sim-real',
    value: 'N',
    fallback: 0,
    check: wholeIn(0, 100),
    help: 'real nodes as processes, sim-1 to sim-N, in place of virtual ones (npm run firmware builds them)',
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
  ...brokerSettings,
  setting({
    option: 'logLevel',
    flag: 'log-level',
    value: 'LEVEL',
    fallback: 'info',
    check: choice(logLevels),
    reload: true,
    help: 'what is logged on stderr',
  }),
  setting({
    option: 'lan',
    flag: 'lan',
    value: 'on|off',
    fallback: false,
    check: onOff,
    help: 'listen for boards and browsers on the LAN: MQTT over TLS and HTTPS, with passwords',
  }),
  setting({
    option: 'mqttsPort',
    flag: 'mqtts-port',
    value: 'PORT',
    fallback: 8883,
    check: port,
    help: 'with --lan: port of MQTT over TLS, 0 = any free one',
  }),
  setting({
    option: 'httpsPort',
    flag: 'https-port',
    value: 'PORT',
    fallback: 8443,
    check: port,
    help: 'with --lan: port of page and API over HTTPS, 0 = any free one',
  }),
  setting({
    option: 'publicHost',
    flag: 'public-host',
    value: 'NAME',
    fallback: null,
    check: host,
    help: 'name or address that boards reach this machine by',
  }),
  setting({
    option: 'insecure',
    flag: 'insecure',
    value: 'on|off',
    fallback: false,
    check: onOff,
    help: 'with --lan: MQTT without TLS on port 1883 too, with passwords',
  }),
  setting({
    option: 'siteName',
    flag: 'site-name',
    value: 'NAME',
    fallback: 'Espalier',
    check: text(64),
    reload: true,
    help: 'what the page calls this place',
  }),
  setting({
    option: 'unclaimed',
    key: 'nodes.unclaimed',
    flag: 'nodes-unclaimed',
    value: 'WHAT',
    fallback: 'accept',
    check: choice(['accept', 'quarantine', 'refuse'] as const),
    reload: true,
    help: 'nodes that nobody added: take them, keep what they say apart until they are claimed, or refuse it',
  }),
  setting({
    option: 'rawAgeMs',
    key: 'retention.raw_age',
    flag: 'retention-raw-age',
    value: 'AGE',
    fallback: 2 * yearMs,
    check: durationMs(7 * dayMs, 100 * yearMs),
    reload: true,
    help: 'how long readings are kept',
  }),
  setting({
    option: 'rawBytes',
    key: 'retention.raw_size',
    flag: 'retention-raw-size',
    value: 'BYTES',
    fallback: 2 * 2 ** 30,
    check: bytes(2 ** 20, 2 ** 50),
    reload: true,
    help: 'how much disk they may take; the oldest go first',
  }),
  setting({
    option: 'minuteAgeMs',
    key: 'retention.rollup_1m_age',
    flag: 'retention-rollup-1m-age',
    value: 'AGE',
    fallback: 2 * yearMs,
    check: durationMs(7 * dayMs, 100 * yearMs),
    reload: true,
    help: 'how long minutes (min, mean, max, count) of fast nodes are kept',
  }),
  setting({
    option: 'hourAgeMs',
    key: 'retention.rollup_1h_age',
    flag: 'retention-rollup-1h-age',
    value: 'AGE',
    fallback: 10 * yearMs,
    check: durationMs(7 * dayMs, 100 * yearMs),
    reload: true,
    help: 'how long hours are kept',
  }),
  setting({
    option: 'backupDir',
    key: 'backup.dir',
    flag: 'backup-dir',
    value: 'DIR',
    fallback: null,
    check: text(4096),
    reload: true,
    help: 'folder for scheduled backups; none without it',
  }),
  setting({
    option: 'backupEveryMs',
    key: 'backup.every',
    flag: 'backup-every',
    value: 'TIME',
    fallback: dayMs,
    check: durationMs(60_000, 365 * dayMs),
    reload: true,
    help: 'how often a backup is made',
  }),
  setting({
    option: 'backupKeep',
    key: 'backup.keep',
    flag: 'backup-keep',
    value: 'N',
    fallback: 7,
    check: wholeIn(1, 1_000),
    reload: true,
    help: 'how many of them are kept',
  }),
  setting({
    option: 'firmwareKey',
    key: 'firmware.key',
    flag: 'firmware-key',
    value: 'FILE',
    fallback: null,
    check: text(4096),
    reload: true,
    help: 'private key that signs firmware, as PEM, for example on a USB stick; without it DATA/keys/firmware.pem',
  }),
]

/** Its key in espalier.yaml. */
export const keyOf = ({ key, flag }: Pick<UpSetting, 'key' | 'flag'>): string => key ?? `up.${flag.replaceAll('-', '_')}`

/** Its environment variables, the first goes over the second. */
export function variablesOf(s: Pick<UpSetting, 'key' | 'flag'>): string[] {
  const long = `ESPALIER_${keyOf(s).replaceAll('.', '__').toUpperCase()}`
  return s.key === undefined ? [`ESPALIER_${s.flag.toUpperCase().replaceAll('-', '_')}`, long] : [long]
}

/** Keys that espalier.yaml may have, for the check of unknown ones. */
export const upKeys: readonly string[] = upSettings.map(keyOf)

/** The default as a person writes it; "none" where there is none. */
export const defaultText = ({ check, fallback }: Pick<UpSetting, 'check' | 'fallback'>): string =>
  fallback === null ? 'none' : String(check.written(fallback as never))
