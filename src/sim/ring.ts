/** The readings a node still holds, oldest first, and how far each one got. A reading leaves when it is settled (a receipt covers
 *  it, or its PUBACK where nobody sends receipts), when the ring is full, or when it proves unreadable (wire contract §3).
 *  Pure: times are the caller's monotonic milliseconds. */

/** One reading as it was taken. `body` is its JSON without braces: live and backlog are cut from the same text, so the digits of
 *  a reading never change once it was sent. */
export interface RingRecord {
  readonly boot: number
  readonly seq: number
  readonly body: string
  /** What it waits for: to be sent now, to be sent as backlog, or an answer. */
  due: 'live' | 'backlog' | null
  inFlight: boolean
  /** Its PUBACK came at least once. */
  acknowledged: boolean
  gone: boolean
  /** Sends that count towards the poison rule: 30 s apart, or on another connection. */
  sends: number
  sentAtMs: number
  sentOn: number
  /** When a receipt's `seen` first went past it. */
  passedAtMs: number | null
}

/** Seconds between two sends of a reading on one connection, and after `seen` passed it. */
export const resendAfterMs = 30_000
/** A reading that was seen and not settled in so many sends can't be read by the manager. */
export const sendsBeforeGivingUp = 3

export class Ring {
  readonly capacity: number
  private records: RingRecord[] = []
  private head = 0
  /** False: surely nothing waits as backlog, so nobody need look. */
  backlogMayWait = false

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    let held = 0
    for (const _ of this.held()) held++
    return held
  }

  /** Adds a reading, as backlog unless the caller sends it at once; the answer is how many old ones had to go for it. */
  add(boot: number, seq: number, body: string): { record: RingRecord; dropped: number } {
    const record: RingRecord = {
      boot,
      seq,
      body,
      due: 'backlog',
      inFlight: false,
      acknowledged: false,
      gone: false,
      sends: 0,
      sentAtMs: 0,
      sentOn: -1,
      passedAtMs: null,
    }
    this.records.push(record)
    let dropped = 0
    while (this.records.length - this.head > this.capacity) {
      const oldest = this.records[this.head]!
      if (!oldest.gone) dropped++
      oldest.gone = true
      this.trim()
    }
    return { record, dropped }
  }

  *held(): Generator<RingRecord> {
    for (let i = this.head; i < this.records.length; i++) {
      const record = this.records[i]!
      if (!record.gone) yield record
    }
  }

  oldest(): RingRecord | undefined {
    return this.records[this.head]
  }

  /** Settled or given up. */
  free(record: RingRecord): void {
    this.drop(record)
    this.trim()
  }

  /** On a new connection everything uncovered goes out again. */
  everythingIsDue(): void {
    this.backlogMayWait = true
    for (const record of this.held()) {
      record.due = 'backlog'
      record.inFlight = false
    }
  }

  /** A receipt: frees what it covers and notes what it has gone past. It ends at the first reading that is not settled, so of the
   *  others nothing is known; that first one is given up if it was sent three times, the last time 30 s ago, and is still not
   *  settled. Only a receipt is evidence of that: while the manager is away readings are kept. */
  receipt(boot: number, seq: number | null, seen: number, nowMs: number): { settled: number; givenUp: number } {
    const firstUnsettled = seq === null ? 0 : seq + 1
    let settled = 0
    let givenUp = 0
    for (const record of this.held()) {
      if (record.boot !== boot) continue
      if (record.seq < firstUnsettled) {
        this.drop(record)
        settled++
      } else if (record.seq <= seen && record.sends > 0) {
        record.passedAtMs ??= nowMs
        if (record.seq !== firstUnsettled || record.sends < sendsBeforeGivingUp) continue
        if (record.inFlight || record.due !== null || nowMs - record.sentAtMs < resendAfterMs) continue
        this.drop(record)
        givenUp++
      }
    }
    this.trim()
    return { settled, givenUp }
  }

  /** What `seen` passed at least 30 s ago and was sent at least 30 s ago is due once more. */
  resendPassed(nowMs: number): void {
    for (const record of this.held()) {
      if (record.passedAtMs === null || record.inFlight || record.due !== null) continue
      // After the third send a receipt gets time to say that it is still not settled.
      const waitMs = record.sends < sendsBeforeGivingUp ? resendAfterMs : 1.5 * resendAfterMs
      if (nowMs - record.passedAtMs < resendAfterMs || nowMs - record.sentAtMs < waitMs) continue
      record.due = 'backlog'
      this.backlogMayWait = true
    }
  }

  /** The oldest run that waits as backlog and fits one batch: one boot, no hole, at most `maxCount` readings and `maxBytes`. */
  backlogRun(maxCount: number, maxBytes: number): RingRecord[] {
    const run: RingRecord[] = []
    if (!this.backlogMayWait) return run
    let bytes = 0
    for (const record of this.held()) {
      if (record.due !== 'backlog') {
        if (run.length > 0) break
        continue
      }
      bytes += record.body.length + 3
      const last = run.at(-1)
      if (last && (last.boot !== record.boot || last.seq + 1 !== record.seq || bytes > maxBytes)) break
      run.push(record)
      if (run.length === maxCount) break
    }
    this.backlogMayWait = run.length > 0
    return run
  }

  /** Notes a send. `connection` numbers the node's connections. */
  sent(records: readonly RingRecord[], nowMs: number, connection: number): void {
    for (const record of records) {
      if (record.sends === 0 || record.sentOn !== connection || nowMs - record.sentAtMs >= resendAfterMs) record.sends++
      record.due = null
      record.inFlight = true
      record.sentAtMs = nowMs
      record.sentOn = connection
    }
  }

  private drop(record: RingRecord): void {
    record.gone = true
    record.due = null
  }

  private trim(): void {
    while (this.head < this.records.length && this.records[this.head]!.gone) this.head++
    if (this.head > 64 && this.head * 2 > this.records.length) {
      this.records = this.records.slice(this.head)
      this.head = 0
    }
  }
}
