import { limits } from '../contract/limits.ts'
import type { Receipt } from '../contract/schemas.ts'
import type { Clock } from '../kit/clock.ts'
import { batchText, liveText, readingBody } from './payloads.ts'
import { Ring, type RingRecord } from './ring.ts'
import type { Signals } from './signals.ts'
import type { NodeCounters } from './virtual-node.ts'

/** Takes readings, keeps them in the ring until they are settled, and says which message is the next (wire contract §2, §3). */
export interface Recorder {
  readonly counters: NodeCounters
  readonly held: number
  readonly rssi: number
  /** Readings that wait to be sent as backlog. */
  backlog(): number
  take(boot: number, uptimeS: number): Readonly<Record<string, number>>
  connected(nowMs: number): void
  disconnected(): void
  /** The ring outlives a reboot, as the boards' does; what counts readings and sends does not. */
  rebooted(): void
  receipts(receipts: readonly Receipt[], nowMs: number): void
  /** A message with these readings had its PUBACK; `lost`: a fault only pretends so. */
  acknowledged(records: readonly RingRecord[], lost: boolean): void
  /** Receipts have ended: what was acknowledged meanwhile is free. */
  freeAcknowledged(): void
  resendPassed(nowMs: number): void
  /** Live readings that wait: one alone or, when several do, as many as follow each other. */
  nextLive(nowMs: number): Outgoing | undefined
  /** The next batch of backlog, at most four a second. */
  nextBatch(nowMs: number): Outgoing | undefined
  /** When `nextBatch` may have one; infinity: nothing waits. */
  nextBatchAtMs(): number
}

export interface Outgoing {
  readonly payload: string
  readonly records: readonly RingRecord[]
}

const batchEveryMs = 250
const batchBytes = 32_768
/** A clock that was set back by less is waited for, by more is followed. */
const setBackMs = 10_000

export interface RecorderOptions {
  readonly id: string
  readonly clock: Clock
  readonly signals: Signals
  readonly ringSize: number
  keep(): 'puback' | 'receipt'
}

export function createRecorder({ id, clock, signals, ringSize, keep }: RecorderOptions): Recorder {
  const ring = new Ring(ringSize)
  const counters: NodeCounters = { attempted: 0, acknowledged: 0, receipted: 0, dropped: 0 }
  let seq = 0
  let lastReadingMs = 0
  let sampledAtMs = clock.monoMs()
  let { rssi } = signals.sample(clock.wallMs(), 0)
  let live: RingRecord[] = []
  let connection = 0
  let online = false
  let batchAtMs = 0

  /** Two readings never share a millisecond. */
  function nextTimestamp(): number {
    const wallMs = clock.wallMs()
    lastReadingMs = wallMs <= lastReadingMs && lastReadingMs - wallMs < setBackMs ? lastReadingMs + 1 : wallMs
    return lastReadingMs
  }

  function outgoing(records: readonly RingRecord[], form: 'live' | 'batch', nowMs: number): Outgoing {
    const oldest = ring.oldest()!
    ring.sent(records, nowMs, connection)
    return { records, payload: form === 'live' ? liveText(id, records[0]!, oldest) : batchText(id, records, oldest) }
  }

  return {
    counters,
    get held() {
      return ring.size
    },
    get rssi() {
      return rssi
    },
    backlog() {
      let n = 0
      for (const record of ring.held()) if (record.due === 'backlog') n++
      return n
    },
    take(boot, uptimeS) {
      const nowMs = clock.monoMs()
      const sample = signals.sample(clock.wallMs(), (nowMs - sampledAtMs) / 1_000)
      sampledAtMs = nowMs
      rssi = sample.rssi
      const { record, dropped } = ring.add(boot, seq++, readingBody(nextTimestamp(), sample, uptimeS))
      counters.attempted++
      counters.dropped += dropped
      if (online) {
        record.due = 'live'
        live.push(record)
      }
      return sample.sensors
    },
    connected(nowMs) {
      online = true
      connection++
      ring.everythingIsDue()
      live = []
      batchAtMs = nowMs
    },
    disconnected() {
      online = false
      for (const record of ring.held()) record.inFlight = false
    },
    rebooted() {
      seq = 0
      for (const record of ring.held()) {
        record.sends = 0
        record.passedAtMs = null
      }
    },
    receipts(receipts, nowMs) {
      for (const { boot, seq: upTo, seen } of receipts) {
        const { settled, givenUp } = ring.receipt(boot, upTo, seen, nowMs)
        counters.receipted += settled
        counters.dropped += givenUp
      }
    },
    acknowledged(records, lost) {
      for (const record of records) {
        record.inFlight = false
        if (!lost && !record.acknowledged) {
          record.acknowledged = true
          counters.acknowledged++
        }
        if (keep() === 'puback' && !record.gone) ring.free(record)
      }
    },
    freeAcknowledged() {
      for (const record of [...ring.held()]) if (record.acknowledged) ring.free(record)
    },
    resendPassed: nowMs => ring.resendPassed(nowMs),
    nextLive(nowMs) {
      live = live.filter(r => !r.gone)
      if (live.length === 0) return undefined
      let n = 1
      while (n < live.length && n < limits.readings && follows(live[n]!, live[n - 1]!)) n++
      return outgoing(live.splice(0, n), n === 1 ? 'live' : 'batch', nowMs)
    },
    nextBatch(nowMs) {
      if (nowMs < batchAtMs) return undefined
      const run = ring.backlogRun(limits.readings, batchBytes)
      if (run.length === 0) return undefined
      batchAtMs = nowMs + batchEveryMs
      return outgoing(run, 'batch', nowMs)
    },
    nextBatchAtMs: () => (ring.backlogMayWait ? batchAtMs : Number.POSITIVE_INFINITY),
  }
}

const follows = (record: RingRecord, before: RingRecord): boolean => record.boot === before.boot && record.seq === before.seq + 1
