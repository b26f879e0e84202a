import type { Incoming } from '../broker/broker.ts'
import type { DecodedReading, ReadingsReject, TelemetryMessage } from '../contract/decode.ts'
import type { JournalEvent, ReadingEvent } from '../contract/events.ts'
import type { Clock } from '../kit/clock.ts'
import type { Row } from '../store/readings.ts'
import { compare } from './compare.ts'
import type { Known } from './known.ts'
import type { NodeMemories, NodeMemory, RateLimit } from './nodes.ts'
import { laneDetails, Rejections } from './rejection.ts'
import { type Rows, spans } from './rows.ts'

/** Decides what each reading of a decoded message is: new, new in part, a duplicate, settled without a value, or rejected (wire
 *  contract §2 identity, §3). Needs memory, hence not in the decoder: of (boot, seq) and of (node, time). Each verdict is an event
 *  and is remembered at once, so that the next reading sees it. */
export interface JudgeParts {
  readonly known: Known
  readonly rows: Rows
  readonly nodes: NodeMemories
  readonly clock: Clock
  readonly rateLimit: RateLimit | null
  /** Takes an event into the batch. */
  readonly emit: (event: JournalEvent) => void
}

/** What became of one message. */
export interface Verdict {
  /** Something with boot and seq was settled. */
  readonly settled: boolean
  /** Its boot, when something that was settled before came again: the node missed a receipt. */
  readonly resentBoot: number | null
}

/** What had to be fetched from files before a message can be judged; null in the usual case: memory knew all. */
interface Fetched {
  readonly rows: ReadonlyMap<number, Row>
  /** Time of the row that this `boot:seq` made, near the times in question. */
  readonly madeAt: ReadonlyMap<string, number>
}

/** How far around a reading's time the row its (boot, seq) made is looked for. */
const searchMs = 600_000

/** A promise only when files must be asked. */
export function judge(message: Incoming, decoded: TelemetryMessage, parts: JudgeParts): Verdict | Promise<Verdict> {
  if (decoded.readings.length === 1 && decoded.readings[0]!.time === null) return judgeUndated(message, decoded, parts)
  if (!needsFiles(decoded, parts)) return new MessageJudge(message, decoded, parts, null).run()
  return fetchRows(decoded, parts).then(fetched => new MessageJudge(message, decoded, parts, fetched).run())
}

function needsFiles(decoded: TelemetryMessage, { known, rows }: JudgeParts): boolean {
  const { node, boot, firstSeq } = decoded
  for (const reading of decoded.readings) {
    const row = rows.at(node, reading.time!)
    if (row === undefined) return true
    if (row === null || boot === null) continue
    const seq = firstSeq! + reading.index
    if (!isMaker(row, boot, seq) && known.of(node, boot, seq) === 'stored') return true
  }
  return false
}

async function fetchRows(decoded: TelemetryMessage, parts: JudgeParts): Promise<Fetched> {
  const { known, rows } = parts
  const { node, boot, firstSeq } = decoded
  const unknown = decoded.readings.filter(reading => rows.at(node, reading.time!) === undefined).map(reading => reading.time!)
  const found = await rows.fromFiles(node, unknown)
  const madeAt = new Map<string, number>()
  if (boot === null) return { rows: found, madeAt }
  const foreign: number[] = []
  for (const { index, time } of decoded.readings) {
    const row = rows.at(node, time!) ?? found.get(time!)
    if (row && !isMaker(row, boot, firstSeq! + index) && known.of(node, boot, firstSeq! + index) === 'stored') foreign.push(time!)
  }
  const note = (row: Row): void => {
    if (row.boot === boot) madeAt.set(makerKey(row.boot, row.seq!), row.time)
  }
  for (const [from, to] of spans(foreign)) for (const row of await rows.stored(node, from - searchMs, to + searchMs)) note(row)
  for (const row of rows.pendingOf(node)) note(row)
  return { rows: found, madeAt }
}

const isMaker = (row: Row, boot: number, seq: number): boolean => row.boot === boot && row.seq === seq
const makerKey = (boot: number, seq: number): string => `${boot}:${seq}`

/** A reading without a time gets that of its arrival, moved on by a millisecond until nothing of the node is there: so it never
 *  shares one with another arrival-dated reading, over restarts too, and never runs into a dated one. */
function judgeUndated(message: Incoming, decoded: TelemetryMessage, parts: JudgeParts): Verdict | Promise<Verdict> {
  const { rows, nodes } = parts
  const memory = nodes.of(decoded.node)
  const dated = (time: number): Verdict => {
    memory.took(time)
    const reading = { ...decoded.readings[0]!, time }
    return new MessageJudge(message, { ...decoded, readings: [reading] }, parts, null).run()
  }
  let time = memory.freeArrival(message.arrived)
  for (;;) {
    const row = rows.at(decoded.node, time)
    if (row === null) return dated(time)
    if (row === undefined) return freeInFiles(decoded.node, time, rows).then(dated)
    time++
  }
}

async function freeInFiles(node: string, from: number, rows: Rows): Promise<number> {
  const windowMs = 1_000
  for (let start = from; ; start += windowMs) {
    const taken = new Set((await rows.stored(node, start, start + windowMs - 1)).map(row => row.time))
    for (let time = start; time < start + windowMs; time++) if (!taken.has(time) && !rows.at(node, time)) return time
  }
}

/** What became of a reading. `stored` includes those that are settled without adding a value. */
type Fate = 'stored' | 'duplicate' | 'rejected'

class MessageJudge {
  private readonly tally = { stored: 0, duplicate: 0, rejected: 0 }
  private settled = false
  private resent = false
  private rejections: Rejections | null = null
  private readonly memory: NodeMemory

  private readonly message: Incoming
  private readonly decoded: TelemetryMessage
  private readonly parts: JudgeParts
  private readonly fetched: Fetched | null

  constructor(message: Incoming, decoded: TelemetryMessage, parts: JudgeParts, fetched: Fetched | null) {
    this.message = message
    this.decoded = decoded
    this.parts = parts
    this.fetched = fetched
    this.memory = parts.nodes.of(decoded.node)
  }

  run(): Verdict {
    const { decoded, parts, tally } = this
    for (const reading of decoded.readings) tally[this.judge(reading)]++
    for (const reject of decoded.rejects) for (const index of reject.indices) tally[this.judgeUndecodable(reject, index)]++
    if (this.rejections) for (const event of this.rejections.events()) parts.emit(event)
    this.emitCounts()
    this.emitOldest()
    return { settled: this.settled, resentBoot: this.resent ? decoded.boot : null }
  }

  private judge(reading: DecodedReading): Fate {
    const { boot } = this.decoded
    if (boot === null) return this.judgeByTime(reading, null)
    const seq = this.decoded.firstSeq! + reading.index
    switch (this.parts.known.of(this.decoded.node, boot, seq)) {
      case 'no':
        return this.judgeByTime(reading, seq)
      case 'rejected':
        return this.duplicate(true)
      case 'stored':
        return this.judgeRepeat(reading, boot, seq)
    }
  }

  /** This (boot, seq) is stored: the same reading again, or another under its number? */
  private judgeRepeat(reading: DecodedReading, boot: number, seq: number): Fate {
    if (this.isSame(reading, boot, seq)) return this.duplicate(true)
    // It settles nothing: what is stored stays the last word on this number, and a receipt tells the node so.
    this.resent = true
    return this.reject(reading.index, null, 'boot_reused', () => laneDetails.bootReused(boot, seq, reading.time!))
  }

  private isSame({ time, names, values }: DecodedReading, boot: number, seq: number): boolean {
    const row = this.rowAt(time!)
    if (names.length === 0) return !row || !isMaker(row, boot, seq)
    // Its row may have gone with age: what was stored under this number can't be another, as far as anybody can tell.
    if (this.parts.rows.mayBeGone(time!) && !(row && isMaker(row, boot, seq))) return true
    if (!row || compare(row, names, values).kind !== 'equal') return false
    // A row that another reading made, with equal values: either both share the millisecond, or this one has a row elsewhere.
    return isMaker(row, boot, seq) || (this.fetched?.madeAt.get(makerKey(boot, seq)) ?? time) === time
  }

  /** New by its number, or without one: what is there at its time decides. */
  private judgeByTime(reading: DecodedReading, seq: number | null): Fate {
    if (reading.names.length === 0) return this.settle(reading, seq)
    const row = this.rowAt(reading.time!)
    if (!row) return this.store(reading, seq, null, reading.names, reading.values)
    const compared = compare(row, reading.names, reading.values)
    switch (compared.kind) {
      case 'fresh':
        return this.store(reading, seq, row, compared.names, compared.values)
      case 'equal':
        return seq === null ? this.duplicate(false) : this.settle(reading, seq)
      case 'differs': {
        const { name, value, stored } = compared
        return this.reject(reading.index, seq, 'conflict', () => laneDetails.conflict(name, value, stored, reading.time!))
      }
    }
  }

  private store(
    reading: DecodedReading,
    seq: number | null,
    row: Row | null,
    names: readonly string[],
    values: readonly number[],
  ): Fate {
    const { parts, decoded, message } = this
    const { rateLimit } = parts
    if (rateLimit && !this.memory.spend(rateLimit, parts.clock.monoMs())) {
      return this.reject(reading.index, seq, 'quota', () => laneDetails.quota(rateLimit.readingsPerS))
    }
    if (!this.memory.admit(names)) return this.reject(reading.index, seq, 'column_limit', () => laneDetails.columnLimit(names))
    const event: ReadingEvent = {
      kind: 'reading',
      node: decoded.node,
      arrived: message.arrived,
      time: reading.time!,
      boot: decoded.boot,
      seq,
      names,
      values,
    }
    parts.rows.add(event, row)
    parts.emit(event)
    if (seq !== null) this.settled = true
    return 'stored'
  }

  private settle(reading: DecodedReading, seq: number | null): Fate {
    const { decoded, message, parts } = this
    parts.emit({ kind: 'settled', node: decoded.node, arrived: message.arrived, time: reading.time!, boot: decoded.boot, seq })
    if (seq !== null) this.settled = true
    return 'stored'
  }

  private duplicate(numbered: boolean): Fate {
    if (numbered) this.resent = true
    return 'duplicate'
  }

  private reject(
    index: number,
    seq: number | null,
    reason: 'boot_reused' | 'conflict' | 'quota' | 'column_limit',
    detail: () => string,
  ): Fate {
    this.rejected().add(index, seq, reason, detail)
    if (seq !== null) this.settled = true
    return 'rejected'
  }

  /** A reading that the decoder could not accept. Its number may be known all the same: then nothing is settled anew. */
  private judgeUndecodable(reject: ReadingsReject, index: number): Fate {
    const { decoded, parts } = this
    const seq = decoded.boot === null ? null : decoded.firstSeq! + index
    const known = seq === null ? 'no' : parts.known.of(decoded.node, decoded.boot!, seq)
    // The window of the future moves with our clock: a reading that was in it once, and comes again, is no worse than it was.
    if (known === 'rejected' || (known === 'stored' && reject.reason === 'timestamp_in_future')) return this.duplicate(true)
    const first = index === reject.indices[0] ? { raw: reject.raw, truncated: reject.truncated } : null
    const settles = known === 'no' ? seq : null
    if (known !== 'no') this.resent = true
    this.rejected().add(index, settles, reject.reason, () => reject.detail, first)
    if (settles !== null) this.settled = true
    return 'rejected'
  }

  private rejected(): Rejections {
    return (this.rejections ??= new Rejections(this.message, this.decoded))
  }

  private emitCounts(): void {
    const { decoded, tally } = this
    const { ignoredKeys } = decoded
    // A message that is all repeats said its nulls before.
    const nullValues = tally.stored + tally.rejected > 0 ? decoded.nullValues : 0
    const duplicates = tally.duplicate
    if (duplicates + nullValues + ignoredKeys === 0) return
    this.parts.emit({ kind: 'counts', node: decoded.node, arrived: this.message.arrived, duplicates, nullValues, ignoredKeys })
  }

  private emitOldest(): void {
    const { oldest, node, boot } = this.decoded
    if (!oldest || !this.parts.known.oldestIsNews(node, boot!, oldest)) return
    this.parts.emit({ kind: 'oldest', node, arrived: this.message.arrived, ownBoot: boot!, boot: oldest.boot, seq: oldest.seq })
  }

  private rowAt(time: number): Row | null {
    return this.parts.rows.at(this.decoded.node, time) ?? this.fetched?.rows.get(time) ?? null
  }
}
