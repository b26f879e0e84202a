import { readFile } from 'node:fs/promises'
import type { Clock } from '../kit/clock.ts'
import type { Records } from '../store/records.ts'

/** How fast the disk fills and how much is written, from samples of the last day that are kept over restarts. */
export interface DiskPace {
  /** To be called regularly; takes a sample when it is time. */
  turn(diskFreeBytes: number | null): Promise<void>
  /** Unix ms at which nothing is free any more at the pace of the last day; null: not in sight, or too little is known. */
  fullAt(diskFreeBytes: number | null): number | null
  /** Bytes this process wrote to disk (not: to memory that was never written out), at the pace of the last day. */
  writtenBytesDay(): number | null
}

interface Sample {
  readonly time: number
  readonly free: number | null
  /** A total over all runs. */
  readonly written: number
}

const sampleEveryMs = 600_000
const dayMs = 86_400_000
/** Less than this tells more of the start (catalogues, a first seal) than of the pace. */
const knownFromMs = 3_600_000
const farMs = 50 * 365 * dayMs
const [collection, key] = ['machine', 'samples']

/** `writtenNow`: bytes written since the process began; null where the system does not tell. */
export async function openDiskPace(
  records: Pick<Records, 'get' | 'write'>,
  clock: Clock,
  writtenNow: () => Promise<number | null> = processWrites,
): Promise<DiskPace> {
  let samples = (await records.get<Sample[]>(collection, key)) ?? []
  const before = samples.at(-1)?.written ?? 0
  let sampledAt = Number.NEGATIVE_INFINITY

  /** First and last of the last day, when they are far enough apart. A clock that was set back leaves nothing. */
  const day = (): { first: Sample; last: Sample; ms: number } | null => {
    const [first, last] = [samples[0], samples.at(-1)]
    return first && last && last.time - first.time >= knownFromMs ? { first, last, ms: last.time - first.time } : null
  }

  return {
    async turn(free) {
      if (clock.monoMs() - sampledAt < sampleEveryMs) return
      sampledAt = clock.monoMs()
      const time = clock.wallMs()
      const written = before + ((await writtenNow()) ?? 0)
      samples = [...samples.filter(s => s.time < time && s.time >= time - dayMs), { time, free, written }]
      await records.write([{ collection, key, value: samples }], { sync: false })
    },
    fullAt(free) {
      const known = day()
      if (known === null || free === null || known.first.free === null || known.last.free === null) return null
      const takenAMs = (known.first.free - known.last.free) / known.ms
      const leftMs = free / takenAMs
      return takenAMs > 0 && leftMs < farMs ? Math.round(clock.wallMs() + leftMs) : null
    },
    writtenBytesDay() {
      const known = day()
      return known && Math.max(0, Math.round(((known.last.written - known.first.written) / known.ms) * dayMs))
    },
  }
}

/** `write_bytes` of /proc/self/io (proc(5)): what this process caused to be sent to the storage layer. */
async function processWrites(): Promise<number | null> {
  const io = await readFile('/proc/self/io', 'utf8').catch(() => '')
  const bytes = /^write_bytes: (\d+)$/m.exec(io)?.[1]
  return bytes === undefined ? null : Number(bytes)
}
