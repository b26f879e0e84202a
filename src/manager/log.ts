import { fstatSync } from 'node:fs'
import { pino } from 'pino'
import type { LogLevel } from '../config/config.ts'

/** The process's own log: JSON lines on stderr, so that stdout stays the result. Nothing secret is ever handed to it; what looks like
 *  it by its name is struck out all the same. */
export type Log = Pick<pino.Logger, 'level' | 'trace' | 'debug' | 'info' | 'warn' | 'error'>

const secretNames = ['password', 'token', 'secret', 'key', 'authorization', 'cookie']

export function openLog(level: LogLevel, env: NodeJS.ProcessEnv = process.env): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: secretNames.flatMap(name => [name, `*.${name}`]), censor: '***' },
  }
  const stderr = pino.destination({ fd: 2, sync: true })
  return pino(options, onJournal(env) ? withPriorities(stderr) : stderr)
}

/** Is stderr the journal itself? systemd names device and inode of the stream it gave (systemd.exec(5), $JOURNAL_STREAM). */
function onJournal({ JOURNAL_STREAM }: NodeJS.ProcessEnv): boolean {
  if (!JOURNAL_STREAM) return false
  try {
    const { dev, ino } = fstatSync(2)
    return JOURNAL_STREAM === `${dev}:${ino}`
  } catch {
    return false
  }
}

/** pino's levels as sd-daemon(3) writes them before a line: journalctl -p err finds errors. */
const priorityOf = (level: number): number => (level >= 60 ? 2 : level >= 50 ? 3 : level >= 40 ? 4 : level >= 30 ? 6 : 7)

export function withPriorities(to: pino.DestinationStream): pino.DestinationStream {
  const stream = {
    // pino tells a stream with this mark the level of the line it is about to write.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write: (line: string) => to.write(`<${priorityOf(stream.lastLevel)}>${line}`),
  }
  return stream
}
