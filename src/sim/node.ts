import { limits } from '../contract/limits.ts'
import { brokerTopic, nodeTopic } from '../contract/topics.ts'
import type { Clock } from '../kit/clock.ts'
import type { Random } from '../kit/random.ts'
import { createBoard, type Params } from './board.ts'
import { openDesk } from './command-desk.ts'
import { type AckBody, blankFlash, type FlashStore } from './command-memory.ts'
import { ackText, batchText, liveText, readingBody, statusText } from './payloads.ts'
import { Ring, type RingRecord } from './ring.ts'
import type { Signals } from './signals.ts'

/** What happens to a node. `connected` comes after the SUBACK; `lost` marks an acknowledgement that a fault made up. */
export type NodeEvent =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | {
      readonly kind: 'message'
      readonly topic: string
      readonly payload: string
      readonly retain: boolean
      readonly dup: boolean
    }
  | { readonly kind: 'acknowledged'; readonly token: number; readonly lost?: boolean }
  | { readonly kind: 'tick' }
  /** Takes no more readings; goes on sending what it holds. */
  | { readonly kind: 'rest' }
  | { readonly kind: 'stop' }

/** What a node wants done. `leave`: DISCONNECT, then connect again after that time (null: never). */
export type NodeAction =
  | {
      readonly kind: 'publish'
      readonly token: number
      readonly channel: Channel
      readonly topic: string
      readonly payload: string
      readonly retain: boolean
    }
  | { readonly kind: 'leave'; readonly backAfterMs: number | null }

export type Channel = 'telemetry' | 'status' | 'ack'

export interface NodeOptions {
  readonly id: string
  readonly random: Random
  readonly clock: Clock
  readonly signals: Signals
  readonly intervalS: number
  /** When a reading may leave the ring; `auto` follows `iot/broker/status` (wire contract §3). */
  readonly keep: 'auto' | 'puback' | 'receipt'
  readonly ringSize: number
  readonly flash: FlashStore
  readonly witness: (line: ExecLine) => void
  readonly firmware: string
}

/** One execution, noted at the effect itself. `time` in Unix ms, `id` null for a command without one. */
export interface ExecLine {
  readonly time: number
  readonly id: string | null
  readonly command: string
  readonly params: Params
  readonly boot: number
}

export interface NodeCounters {
  /** Readings taken. */
  attempted: number
  /** Readings whose PUBACK came (each once). */
  acknowledged: number
  /** Readings that a receipt settled. */
  receipted: number
  /** Readings that left the ring unsettled: it was full, or the manager could not read them. */
  dropped: number
}

/** A virtual node: the wire contract's node as a machine. Events and time come in by `step`, actions go out; it opens nothing. */
export interface VirtualNode {
  readonly id: string
  readonly boot: number
  readonly counters: Readonly<NodeCounters>
  /** Readings that are not settled yet. */
  readonly held: number
  /** Messages of its own without PUBACK. */
  readonly unacknowledged: number
  readonly keep: 'puback' | 'receipt'
  readonly led: { readonly on: boolean; readonly brightness: number }
  readonly outputs: ReadonlyMap<string, number>
  readonly ignoredCommands: number
  step(event: NodeEvent): readonly NodeAction[]
  /** Monotonic ms of the next `tick` it needs. */
  wakeAtMs(): number
  /** Last will for the connection about to be opened. */
  will(): { readonly topic: string; readonly payload: string }
  subscriptions(): readonly string[]
}

/** Own messages without PUBACK: at most 8 (wire contract §5), of which one place is kept for last words. Backlog leaves room, so
 *  that live readings and acks never queue behind it. */
const windowSize = 7
const backlogWindow = 5
const batchEveryMs = 250
const batchBytes = 32_768
const statusEveryMs = 60_000
const rebootMs = { least: 500, spread: 1_500 }
/** A node that leaves waits so long for its goodbye to be acknowledged. */
const goodbyeMs = 1_000

interface InFlight {
  readonly channel: Channel
  readonly records?: readonly RingRecord[]
  readonly ack?: AckBody
}

export function createNode(options: NodeOptions): VirtualNode {
  const { id, clock, random, signals } = options
  const topics = { telemetry: nodeTopic(id, 'telemetry'), status: nodeTopic(id, 'status'), ack: nodeTopic(id, 'ack') }
  const commandTopic = nodeTopic(id, 'command')
  const receiptTopic = nodeTopic(id, 'receipt')
  const brokerStatusTopic = brokerTopic('status')
  const counters: NodeCounters = { attempted: 0, acknowledged: 0, receipted: 0, dropped: 0 }
  const flash = { ...(options.flash.load() ?? blankFlash) }
  const ring = new Ring(options.ringSize)
  const inFlight = new Map<number, InFlight>()
  const actions: NodeAction[] = []

  let boot = random.uint32()
  let bootAtMs = clock.monoMs()
  let resetReason = 'power_on'
  let seq = 0
  let lastReadingMs = 0
  let lastSampleAtMs = bootAtMs
  let token = 0
  let connection = 0
  let connected = false
  let offlineSinceMs = bootAtMs
  let nextReadingMs = bootAtMs + random.next() * options.intervalS * 1_000
  let statusDue = false
  let statusAtMs = 0
  let nextBatchMs = 0
  let nextResendCheckMs = 0
  let rssi = signals.sample(clock.wallMs(), 0).rssi
  let live: RingRecord[] = []
  let acks: AckBody[] = []
  let rebootedWithoutId = false
  let resting = false
  let leaving: { readonly byMs: number; readonly backAfterMs: number | null } | null = null

  const uptimeS = (nowMs: number): number => Math.floor((nowMs - bootAtMs) / 1_000)
  const board = createBoard({ intervalS: options.intervalS, config: flash.config, uptimeS, takeReading })
  const persist = (): void => options.flash.save(flash)
  const desk = openDesk({
    board,
    remembered: flash.commands,
    save: commands => {
      flash.commands = commands
      flash.config = board.config
      persist()
    },
    witness: (commandId, command, params, now) => options.witness({ time: now.wallMs, id: commandId, command, params, boot }),
  })

  const keepMode = (): 'puback' | 'receipt' => (options.keep === 'auto' ? (flash.keep ?? 'puback') : options.keep)

  function takeReading(): Readonly<Record<string, number>> {
    const nowMs = clock.monoMs()
    const sample = signals.sample(clock.wallMs(), (nowMs - lastSampleAtMs) / 1_000)
    lastSampleAtMs = nowMs
    rssi = sample.rssi
    const body = readingBody(nextTimestamp(), sample, uptimeS(nowMs))
    const { record, dropped } = ring.add(boot, seq, body)
    seq++
    counters.attempted++
    counters.dropped += dropped
    if (connected) {
      record.due = 'live'
      live.push(record)
    } else record.due = 'backlog'
    return sample.sensors
  }

  /** Two readings never share a millisecond; a clock that was set back by more than a few seconds is followed. */
  function nextTimestamp(): number {
    const wallMs = clock.wallMs()
    lastReadingMs = wallMs <= lastReadingMs && lastReadingMs - wallMs < 10_000 ? lastReadingMs + 1 : wallMs
    return lastReadingMs
  }

  function publish(channel: Channel, payload: string, retain: boolean, what: Omit<InFlight, 'channel'>): void {
    inFlight.set(++token, { channel, ...what })
    actions.push({ kind: 'publish', token, channel, topic: topics[channel], payload, retain })
  }

  function sendStatus(nowMs: number): void {
    statusDue = false
    statusAtMs = nowMs + statusEveryMs
    let backlog = 0
    for (const record of ring.held()) if (record.due === 'backlog') backlog++
    publish(
      'status',
      statusText(id, {
        timestampMs: clock.wallMs(),
        boot,
        intervalS: board.intervalS(),
        uptimeS: uptimeS(nowMs),
        rssi,
        firmware: options.firmware,
        resetReason,
        backlog,
        dropped: counters.dropped,
        keep: keepMode(),
        configRev: board.config.rev,
        sensors: signals.declared,
        outputs: [...board.outputs.keys()],
      }),
      true,
      {},
    )
  }

  function sendReadings(records: readonly RingRecord[], form: 'live' | 'batch', nowMs: number): void {
    const held = ring.oldest()!
    const first = records[0]!
    const oldest = { boot: held.boot, seq: held.seq }
    const payload = form === 'live' ? liveText(id, first, oldest) : batchText(id, records, oldest)
    ring.sent(records, nowMs, connection)
    publish('telemetry', payload, false, { records })
  }

  /** Sends what may go now: acks and status first, live readings, then backlog as far as it leaves room. */
  function pump(nowMs: number): void {
    if (!connected || leaving) return
    if (statusDue && inFlight.size < windowSize) sendStatus(nowMs)
    while (acks.length > 0 && inFlight.size < windowSize) {
      const ack = acks.shift()!
      publish('ack', ackText(id, ack, clock.wallMs()), false, { ack })
    }
    while (live.length > 0 && inFlight.size < windowSize) sendLive(nowMs)
    if (nowMs < nextBatchMs || inFlight.size >= backlogWindow) return
    const run = ring.backlogRun(limits.readings, batchBytes)
    if (run.length === 0) return
    sendReadings(run, 'batch', nowMs)
    nextBatchMs = nowMs + batchEveryMs
  }

  /** One live reading alone, or, when the window was full and several wait, as many as follow each other. */
  function sendLive(nowMs: number): void {
    live = live.filter(r => !r.gone)
    let n = Math.min(1, live.length)
    while (n < live.length && n < limits.readings && live[n]!.boot === live[0]!.boot && live[n]!.seq === live[n - 1]!.seq + 1) n++
    if (n > 0) sendReadings(live.splice(0, n), n === 1 ? 'live' : 'batch', nowMs)
  }

  function onConnected(nowMs: number): void {
    connected = true
    connection++
    ring.everythingIsDue()
    live = []
    nextBatchMs = nowMs
    sendStatus(nowMs)
    acks = desk.undelivered()
    if (rebootedWithoutId) acks.push({ id: null, command: 'reboot', state: 'done' })
    rebootedWithoutId = false
  }

  function onDisconnected(nowMs: number): void {
    if (connected) offlineSinceMs = nowMs
    connected = false
    inFlight.clear()
    acks = []
    for (const record of ring.held()) record.inFlight = false
  }

  function onAcknowledged(event: { token: number; lost?: boolean }): void {
    const message = inFlight.get(event.token)
    if (!message) return
    inFlight.delete(event.token)
    if (message.ack && !event.lost) desk.delivered(message.ack)
    for (const record of message.records ?? []) {
      record.inFlight = false
      if (!event.lost && !record.acknowledged) {
        record.acknowledged = true
        counters.acknowledged++
      }
      if (keepMode() === 'puback' && !record.gone) ring.free(record)
    }
  }

  function onMessage(event: NodeEvent & { kind: 'message' }, nowMs: number): void {
    if (event.topic === receiptTopic) onReceipt(event.payload, nowMs)
    else if (event.topic === brokerStatusTopic) onBrokerStatus(event.payload)
    else if (event.topic === commandTopic) onCommand(event, nowMs)
  }

  function onCommand(event: NodeEvent & { kind: 'message' }, nowMs: number): void {
    const reply = desk.receive(event.payload, event, { monoMs: nowMs, wallMs: clock.wallMs() })
    acks.push(...reply.acks)
    if (flash.config !== board.config) {
      flash.config = board.config
      persist()
    }
    if (reply.also === 'status') {
      statusDue = true
      nextReadingMs = Math.min(nextReadingMs, nowMs + board.intervalS() * 1_000)
    }
    if (reply.also !== 'reboot') return
    rebootedWithoutId = reply.acks.some(a => a.id === null)
    goodbye('reboot', rebootMs.least + random.next() * rebootMs.spread, nowMs)
  }

  function onReceipt(payload: string, nowMs: number): void {
    for (const { boot: ofBoot, seq: upTo, seen } of parseReceipts(payload)) {
      const { settled, givenUp } = ring.receipt(ofBoot, upTo, seen, nowMs)
      counters.receipted += settled
      counters.dropped += givenUp
    }
  }

  /** Only an explicit true or false moves the mode, never silence (wire contract §3). */
  function onBrokerStatus(payload: string): void {
    const receipts = parseObject(payload)?.receipts
    if (typeof receipts !== 'boolean') return
    const keep = receipts ? 'receipt' : 'puback'
    if (keep === flash.keep) return
    flash.keep = keep
    persist()
    statusDue = true
    if (keepMode() === 'puback') for (const record of [...ring.held()]) if (record.acknowledged) ring.free(record)
  }

  /** Last words, then DISCONNECT as soon as they are acknowledged. */
  function goodbye(reason: 'reboot' | null, backAfterMs: number | null, nowMs: number): void {
    pump(nowMs)
    leaving = { byMs: nowMs + goodbyeMs, backAfterMs }
    publish('status', JSON.stringify({ node_id: `node_${id}`, online: false, boot, ...(reason && { reason }) }), true, {})
  }

  function leaveWhenDone(nowMs: number): void {
    if (!leaving || (connected && inFlight.size > 0 && nowMs < leaving.byMs)) return
    const { backAfterMs } = leaving
    actions.push({ kind: 'leave', backAfterMs })
    leaving = null
    onDisconnected(nowMs)
    if (backAfterMs === null) resting = true
    else restart(nowMs + backAfterMs)
  }

  /** The ring outlives a reboot, as the boards' does; what counts sends and outcomes does not. */
  function restart(atMs: number): void {
    boot = random.uint32()
    bootAtMs = atMs
    resetReason = 'software'
    seq = 0
    board.powerUp()
    desk.rebooted()
    nextReadingMs = atMs + random.next() * board.intervalS() * 1_000
    for (const record of ring.held()) {
      record.sends = 0
      record.passedAtMs = null
    }
  }

  function tick(nowMs: number): void {
    if (nowMs >= nextReadingMs && !leaving && !resting) {
      takeReading()
      const everyMs = board.intervalS() * 1_000
      // A node that was held up takes the next one now and keeps its beat, it does not catch up.
      nextReadingMs = nowMs - nextReadingMs > everyMs ? nowMs + everyMs : nextReadingMs + everyMs
    }
    board.tick(nowMs)
    acks.push(...desk.tick({ monoMs: nowMs, wallMs: clock.wallMs() }))
    if (nowMs >= statusAtMs) statusDue = true
    if (nowMs >= nextResendCheckMs) {
      nextResendCheckMs = nowMs + 1_000
      ring.resendPassed(nowMs)
      if (!connected && nowMs - offlineSinceMs > board.config.safeAfterS * 1_000) board.toSafeState()
    }
  }

  return {
    id,
    get boot() {
      return boot
    },
    counters,
    get held() {
      return ring.size
    },
    get unacknowledged() {
      return inFlight.size
    },
    get keep() {
      return keepMode()
    },
    get led() {
      return board.led
    },
    outputs: board.outputs,
    get ignoredCommands() {
      return desk.ignored
    },
    step(event) {
      const nowMs = clock.monoMs()
      switch (event.kind) {
        case 'connected':
          onConnected(nowMs)
          break
        case 'disconnected':
          onDisconnected(nowMs)
          break
        case 'message':
          onMessage(event, nowMs)
          break
        case 'acknowledged':
          onAcknowledged(event)
          break
        case 'tick':
          tick(nowMs)
          break
        case 'rest':
          resting = true
          break
        case 'stop':
          if (connected) goodbye(null, null, nowMs)
          else leaving = { byMs: nowMs, backAfterMs: null }
      }
      pump(nowMs)
      leaveWhenDone(nowMs)
      return actions.splice(0)
    },
    wakeAtMs() {
      const next = [
        resting ? Number.POSITIVE_INFINITY : nextReadingMs,
        desk.nextEndMs() ?? Number.POSITIVE_INFINITY,
        nextResendCheckMs,
      ]
      if (leaving) next.push(leaving.byMs)
      if (connected) {
        next.push(statusAtMs)
        if (ring.backlogMayWait && inFlight.size < backlogWindow) next.push(nextBatchMs)
      }
      return Math.min(...next)
    },
    will: () => ({ topic: topics.status, payload: JSON.stringify({ node_id: `node_${id}`, online: false, boot }) }),
    subscriptions: () => [commandTopic, receiptTopic, brokerStatusTopic],
  }
}

function parseObject(payload: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

interface Receipt {
  readonly boot: number
  readonly seq: number | null
  readonly seen: number
}

function parseReceipts(payload: string): Receipt[] {
  const receipts = parseObject(payload)?.receipts
  if (!Array.isArray(receipts)) return []
  const isUint32 = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= limits.uint32Max
  return receipts
    .slice(0, limits.receiptEntries)
    .filter(r => isUint32(r?.boot) && isUint32(r?.seen) && (r.seq === null || isUint32(r.seq)))
}
