import type { AlertsConfig } from '../contract/alert-rules.ts'

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
  /** How many real nodes as processes (`espalier-node`) run in place of virtual ones. */
  readonly simReal: number
  /** How long a group of messages may wait for company before it is made durable. */
  readonly commitWindowMs: number
  readonly store: 'parquet'
  /** Readings in memory before they are written as a file: fewer need less memory and make more files. */
  readonly sealRows: number
  readonly broker: 'embedded' | ExternalBroker
  /** How we connect to an external broker: user name and password (the file is read at each connection), certificates as PEM files. */
  readonly brokerUser: string | null
  /** A secret, from the environment alone: never shown. */
  readonly brokerPassword: string | null
  readonly brokerPasswordFile: string | null
  readonly brokerCa: string | null
  readonly brokerCert: string | null
  readonly brokerKey: string | null
  readonly logLevel: LogLevel
  /** Listen for boards and browsers on the LAN, with TLS and passwords. */
  readonly lan: boolean
  readonly mqttsPort: number
  readonly httpsPort: number
  /** The name or address boards reach this machine by; null = its LAN address. */
  readonly publicHost: string | null
  /** With `lan`: MQTT without TLS too, with passwords. */
  readonly insecure: boolean
  /** What the console calls this place. */
  readonly siteName: string
  /** What happens to nodes that nobody added: taken, kept apart until claimed, or refused. */
  readonly unclaimed: 'accept' | 'quarantine' | 'refuse'
  /** Raw readings go by age or by size, whichever comes first; roll-ups by age. */
  readonly rawAgeMs: number
  readonly rawBytes: number
  readonly minuteAgeMs: number
  readonly hourAgeMs: number
  /** Where scheduled backups go; null = none. */
  readonly backupDir: string | null
  readonly backupEveryMs: number
  readonly backupKeep: number
  /** The private key that signs firmware; null = DATA/keys/firmware.pem, made at the first use. */
  readonly firmwareKey: string | null
  /** Rules in force, the default ones among them, and where alerts are told. Holds secrets: never shown. */
  readonly alerts: AlertsConfig
}

/** Somebody else's broker, such as mosquitto. */
export interface ExternalBroker {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
