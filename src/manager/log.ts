import { pino } from 'pino'
import type { LogLevel } from '../config/config.ts'

/** The process's own log: JSON lines on stderr, so that stdout stays the result. Nothing secret is ever handed to it. */
export type Log = Pick<pino.Logger, 'level' | 'trace' | 'debug' | 'info' | 'warn' | 'error'>

export const openLog = (level: LogLevel): Log =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } },
    pino.destination({ fd: 2, sync: true }),
  )
