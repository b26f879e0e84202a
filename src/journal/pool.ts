import { EventEmitter, once } from 'node:events'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { JournalClosed } from './closed.ts'
import { openingBytes } from './frame.ts'
import { closeFile, createSegment, type Segment, type SegmentFile, segmentPath } from './segment-files.ts'

/** The segments of a running journal: the one being written, the next one made in the background before it is needed, and the
 *  older ones until they are trimmed. Keeps the bound: no segment is made that would go over it, as long as trimming can help. */
export interface Pool {
  /** The segment that has room for `bytes`; waits for disk space and for the bound. Rejects with JournalClosed at close. */
  room(bytes: number): Promise<Segment>
  /** Never write or sync this one again. `empty`: nothing in it was ever acknowledged. */
  abandon(segment: Segment, empty: boolean): Promise<void>
  /** Numbers from here on are above `number`, also of what lies ready. */
  skipTo(number: number): Promise<void>
  trim(below: number): Promise<void>
  /** All segments there are, by number. */
  files(): SegmentFile[]
  /** Waits that close() ends. */
  pause(ms: number): Promise<void>
  readonly bytes: number
  readonly count: number
  /** Why `room` waits, while it does; empty otherwise. */
  readonly trouble: string
  /** Ends the waits, lets `inFlight` finish, closes the files. */
  close(inFlight: () => Promise<unknown>): Promise<void>
}

export interface PoolOptions {
  readonly dir: string
  readonly segmentBytes: number
  readonly boundBytes: number
  /** Older segments and those beyond writing, by number. */
  readonly kept: readonly SegmentFile[]
  readonly current: Segment | undefined
  /** Made in an earlier run and untouched, by number. */
  readonly ready: readonly Segment[]
  readonly nextNumber: number
  readonly onTrouble: () => void
}

export function createPool(options: PoolOptions): Pool {
  const { dir, segmentBytes, boundBytes, onTrouble } = options
  const closing = new AbortController()
  const trims = new EventEmitter()
  let kept: SegmentFile[] = [...options.kept]
  let current = options.current
  let ready: Segment[] = [...options.ready]
  let nextNumber = options.nextNumber
  let lowestNumber = 0
  let making: Promise<void> | undefined
  let failures = 0
  let makingTrouble = ''
  let waiting = false

  const bytes = (): number => [...kept, ...(current ? [current] : []), ...ready].reduce((sum, file) => sum + file.size, 0)

  /** `stopped` turns the AbortError of a wait into what append answers with. */
  const stopped = (): never => {
    throw new JournalClosed()
  }
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: closing.signal }).catch(stopped)

  function tell(trouble: string): void {
    if (trouble === makingTrouble) return
    makingTrouble = trouble
    if (waiting) onTrouble()
  }

  /** Older than the newest one in use: only those can a trim delete. */
  const trimmable = (): number => kept.length - (current ? 0 : 1)

  /** The bound counts all files. Where trimming can't help it gives way, for a batch must not wait forever. */
  async function belowBound(size: number): Promise<void> {
    while (bytes() + size > boundBytes && trimmable() > 0) {
      tell(`at its bound of ${boundBytes} bytes: waits until the store has taken over older batches`)
      await once(trims, 'trim', { signal: closing.signal }).catch(stopped)
    }
  }

  async function make(size: number): Promise<void> {
    for (;;) {
      if (closing.signal.aborted) stopped()
      await belowBound(size)
      try {
        const made = await createSegment(dir, nextNumber, size)
        ready.push(made)
        nextNumber = Math.max(nextNumber, made.number + 1)
        failures = 0
        tell('')
        return
      } catch (error) {
        tell(`can't make the next segment (${(error as Error).message}): nothing is acknowledged until there is room`)
        await pause(Math.min(1000, 50 * 2 ** failures++))
      }
    }
  }

  function startMaking(size: number): Promise<void> {
    making ??= make(size).finally(() => {
      making = undefined
    })
    making.catch(() => {}) // in the background nobody waits for it; room() does
    return making
  }

  /** Untouched segments that do not fit: their numbers go to those made instead. */
  async function discardReady(): Promise<void> {
    const discarded = ready
    ready = []
    nextNumber = Math.max(lowestNumber, Math.min(nextNumber, ...discarded.map(segment => segment.number)))
    for (const segment of discarded) await remove(segment)
  }

  async function remove(segment: Segment): Promise<void> {
    await closeFile(segment.fd).catch(() => {})
    await rm(segment.path, { force: true }).catch(() => {})
  }

  async function retireCurrent(): Promise<void> {
    if (!current) return
    const old = current
    current = undefined
    kept.push({ number: old.number, size: old.size })
    await closeFile(old.fd).catch(() => {})
  }

  const fits = (segment: Segment | undefined, size: number): boolean =>
    segment !== undefined && segment.size >= size && segment.number >= lowestNumber

  async function nextSegment(payload: number): Promise<Segment> {
    const size = Math.max(segmentBytes, Math.ceil((payload + openingBytes) / 4096) * 4096)
    waiting = true
    try {
      while (!fits(ready[0], size)) {
        if (making === undefined && ready.length > 0) await discardReady()
        if (makingTrouble !== '') onTrouble()
        await startMaking(size)
      }
    } finally {
      waiting = false
    }
    current = ready.shift()!
    if (ready.length === 0) startMaking(segmentBytes)
    return current
  }

  if (ready.length === 0) startMaking(segmentBytes)
  return {
    async room(need) {
      if (closing.signal.aborted) stopped()
      if (current !== undefined && current.size - current.offset >= need) return current
      await retireCurrent()
      return nextSegment(need)
    },
    async abandon(segment, empty) {
      if (segment !== current) return
      current = undefined
      if (empty) return remove(segment)
      kept.push({ number: segment.number, size: segment.size })
      await closeFile(segment.fd).catch(() => {})
    },
    async skipTo(number) {
      lowestNumber = number
      nextNumber = Math.max(nextNumber, number)
      await retireCurrent()
    },
    async trim(below) {
      const gone = kept.filter(file => file.number < below)
      for (const file of gone) {
        await rm(segmentPath(dir, file.number), { force: true })
        kept = kept.filter(other => other !== file)
      }
      if (gone.length > 0) trims.emit('trim')
    },
    files: () =>
      [...kept, ...(current ? [current] : []), ...ready]
        .map(({ number, size }) => ({ number, size }))
        .sort((a, b) => a.number - b.number),
    pause,
    get bytes() {
      return bytes()
    },
    get count() {
      return kept.length + ready.length + (current ? 1 : 0)
    },
    get trouble() {
      return waiting ? makingTrouble : ''
    },
    async close(inFlight) {
      closing.abort()
      await inFlight()
      await making?.catch(() => {})
      for (const segment of [...(current ? [current] : []), ...ready]) await closeFile(segment.fd).catch(() => {})
      current = undefined
      ready = []
    },
  }
}
