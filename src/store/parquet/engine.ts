import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

type Work<T> = (connection: DuckDBConnection) => Promise<T>

/** DuckDB in memory, as writer and reader of Parquet and nothing else: it owns no file and no state. Loaded when first needed
 *  (0.17 s and 30 MB of RSS on the way), so that a start, or a process that only asks for the last hour, does without it. */
export interface Engine {
  /** Runs `work` on a connection of its own; two at a time share the memory limit, the rest waits. Work that runs out of memory
   *  beside others is done once more alone, so it must be harmless to repeat. */
  read<T>(work: Work<T>): Promise<T>
  /** The same for what writes: one at a time, with at least `needsMb` of memory. */
  write<T>(needsMb: number, work: Work<T>): Promise<T>
  close(): Promise<void>
}

const readersAtOnce = 2

/** `spill` is a folder where sorts and tables beyond the limit may go. */
export function createEngine(options: { readonly spill: string; readonly memoryLimitMb: number }): Engine {
  let instance: Promise<DuckDBInstance> | null = null
  let closed = false
  const readers = new Turns(readersAtOnce)
  const writers = new Turns(1)
  /** Of those who want all readers' turns one at a time takes them: two, each with half, would wait for ever. */
  const single = new Turns(1)
  const idle: DuckDBConnection[] = []

  const open = async (): Promise<DuckDBInstance> => {
    const { DuckDBInstance } = await import('@duckdb/node-api')
    return DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${options.memoryLimitMb}MB`,
      temp_directory: options.spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
  }

  const again = (error: Error): never => {
    instance = null
    throw error
  }

  const connected = async <T>(work: Work<T>): Promise<T> => {
    if (closed) throw new Error('the store is closed')
    const opened = await (instance ??= open().catch(again))
    const connection = idle.pop() ?? (await opened.connect())
    try {
      return await work(connection)
    } finally {
      idle.push(connection)
    }
  }

  const alone = <T>(work: () => Promise<T>): Promise<T> =>
    single.during(1, () => readers.during(readersAtOnce, () => writers.during(1, work)))

  /** Among others first; alone when the memory did not do. */
  const within = <T>(turns: Turns, work: Work<T>): Promise<T> =>
    turns
      .during(1, () => connected(work))
      .catch((error: Error) => {
        if (!/Out of Memory|could not allocate/.test(error.message)) throw error
        return alone(() => connected(work))
      })

  const withMemory =
    <T>(needsMb: number, work: Work<T>): Work<T> =>
    async connection => {
      if (needsMb <= options.memoryLimitMb) return work(connection)
      await connection.run(`SET memory_limit = '${needsMb}MB'`)
      try {
        return await work(connection)
      } finally {
        // Refused while readers hold more than that; then the next wide file sets it back.
        await connection.run(`SET memory_limit = '${options.memoryLimitMb}MB'`).catch(() => undefined)
      }
    }

  return {
    read: work => within(readers, work),
    write: (needsMb, work) => within(writers, withMemory(needsMb, work)),
    close: () =>
      alone(async () => {
        closed = true
        for (const connection of idle.splice(0)) connection.closeSync()
        ;(await instance)?.closeSync()
        instance = null
      }),
  }
}

/** A counted lock: so many at once, the others in order. */
class Turns {
  private free: number
  private readonly waiting: (() => void)[] = []

  constructor(count: number) {
    this.free = count
  }

  /** Does `work` with `count` of the turns. */
  async during<T>(count: number, work: () => Promise<T>): Promise<T> {
    for (let i = 0; i < count; i++)
      if (this.free > 0) this.free--
      else await new Promise<void>(resolve => this.waiting.push(resolve))
    try {
      return await work()
    } finally {
      for (let i = 0; i < count; i++) {
        const next = this.waiting.shift()
        if (next) next()
        else this.free++
      }
    }
  }
}

/** An SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
/** An SQL string. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`
/** A moment in Unix milliseconds as an SQL TIMESTAMPTZ. Through BIGINT: a 32-bit product overflows. */
export const moment = (ms: number): string => `make_timestamptz(${BigInt(Math.round(ms)) * 1000n}::BIGINT)`
