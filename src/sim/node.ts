import { decodeReceipts } from '../contract/decode-for-node.ts'
import { brokerTopic, nodeTopic } from '../contract/topics.ts'
import { createBoard } from './board.ts'
import { openDesk } from './command-desk.ts'
import { type AckBody, blankFlash } from './command-memory.ts'
import { ackText, goodbyeText, statusText, willText } from './payloads.ts'
import { createRecorder } from './recorder.ts'
import type { RingRecord } from './ring.ts'
import type { Channel, MessageEvent, NodeAction, NodeEvent, NodeOptions, VirtualNode } from './virtual-node.ts'

/** Own messages without PUBACK: at most 8 (wire contract §5), of which one place is kept for last words. Backlog leaves room, so
 *  that live readings and acks never queue behind it. */
const windowSize = 7
const backlogWindow = 5
const statusEveryMs = 60_000
const lookEveryMs = 1_000
const rebootMs = { least: 500, spread: 1_500 }
/** A node that leaves waits so long for its goodbye to be acknowledged. */
const goodbyeMs = 1_000

interface InFlight {
  readonly records?: readonly RingRecord[]
  readonly ack?: AckBody
}

/** A virtual node: the wire contract's node. Events and time come in by `step`, actions go out; it opens nothing. */
export function createNode(options: NodeOptions): VirtualNode {
  const { id, clock, random, signals } = options
  const topics = { telemetry: nodeTopic(id, 'telemetry'), status: nodeTopic(id, 'status'), ack: nodeTopic(id, 'ack') }
  const heard = { command: nodeTopic(id, 'command'), receipt: nodeTopic(id, 'receipt'), broker: brokerTopic('status') }
  const flash = { ...(options.flash.load() ?? blankFlash) }
  const persist = (): void => options.flash.save(flash)
  const keep = (): 'puback' | 'receipt' => (options.keep === 'auto' ? (flash.keep ?? 'puback') : options.keep)
  const inFlight = new Map<number, InFlight>()
  const actions: NodeAction[] = []

  let boot = random.uint32()
  let bootAtMs = clock.monoMs()
  let resetReason = 'power_on'
  let nextReadingMs = bootAtMs + random.next() * options.intervalS * 1_000
  let resting = false
  let token = 0
  let connected = false
  let offlineSinceMs = bootAtMs
  let statusDue = false
  let statusAtMs = 0
  let lookAtMs = 0
  let acks: AckBody[] = []
  let rebootedWithoutId = false
  let leaving: { readonly byMs: number; readonly backAfterMs: number | null } | null = null

  const uptimeS = (nowMs: number): number => Math.floor((nowMs - bootAtMs) / 1_000)
  const recorder = createRecorder({ id, clock, signals, ringSize: options.ringSize, keep })
  const takeReading = (): Readonly<Record<string, number>> => recorder.take(boot, uptimeS(clock.monoMs()))
  const board = createBoard({ intervalS: options.intervalS, config: flash.config, uptimeS, takeReading })
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

  function publish(channel: Channel, payload: string, what: InFlight): void {
    inFlight.set(++token, what)
    actions.push({ kind: 'publish', token, channel, topic: topics[channel], payload, retain: channel === 'status' })
  }

  function sendStatus(nowMs: number): void {
    statusDue = false
    statusAtMs = nowMs + statusEveryMs
    const status = statusText(id, {
      timestampMs: clock.wallMs(),
      boot,
      intervalS: board.intervalS(),
      uptimeS: uptimeS(nowMs),
      rssi: recorder.rssi,
      firmware: options.firmware,
      resetReason,
      backlog: recorder.backlog(),
      dropped: recorder.counters.dropped,
      keep: keep(),
      configRev: board.config.rev,
      sensors: signals.declared,
      outputs: [...board.outputs.keys()],
    })
    publish('status', status, {})
  }

  /** Sends what may go now: status and acks first, live readings, then backlog as far as it leaves room. */
  function pump(nowMs: number): void {
    if (!connected || leaving) return
    if (statusDue && inFlight.size < windowSize) sendStatus(nowMs)
    while (acks.length > 0 && inFlight.size < windowSize) {
      const ack = acks.shift()!
      publish('ack', ackText(id, ack, clock.wallMs()), { ack })
    }
    while (inFlight.size < windowSize) {
      const message = recorder.nextLive(nowMs)
      if (!message) break
      publish('telemetry', message.payload, { records: message.records })
    }
    const batch = inFlight.size < backlogWindow ? recorder.nextBatch(nowMs) : undefined
    if (batch) publish('telemetry', batch.payload, { records: batch.records })
  }

  function onConnected(nowMs: number): void {
    connected = true
    recorder.connected(nowMs)
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
    recorder.disconnected()
  }

  function onAcknowledged(ofToken: number, lost: boolean): void {
    const message = inFlight.get(ofToken)
    inFlight.delete(ofToken)
    if (message?.ack && !lost) desk.delivered(message.ack)
    if (message?.records) recorder.acknowledged(message.records, lost)
  }

  function onMessage(event: MessageEvent, nowMs: number): void {
    if (event.topic === heard.receipt) recorder.receipts(decodeReceipts(event.payload) ?? [], nowMs)
    else if (event.topic === heard.broker) onBrokerStatus(event.payload)
    else if (event.topic === heard.command) onCommand(event, nowMs)
  }

  function onCommand(event: MessageEvent, nowMs: number): void {
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
    sayGoodbye('reboot', rebootMs.least + random.next() * rebootMs.spread, nowMs)
  }

  /** Only an explicit true or false moves the mode, never silence (wire contract §3). */
  function onBrokerStatus(payload: Uint8Array): void {
    const receipts = receiptsFlag(payload)
    if (receipts === undefined) return
    const mode = receipts ? 'receipt' : 'puback'
    if (mode === flash.keep) return
    flash.keep = mode
    persist()
    statusDue = true
    if (keep() === 'puback') recorder.freeAcknowledged()
  }

  /** Last words, then DISCONNECT as soon as they are acknowledged. */
  function sayGoodbye(reason: 'reboot' | null, backAfterMs: number | null, nowMs: number): void {
    pump(nowMs)
    leaving = { byMs: nowMs + goodbyeMs, backAfterMs }
    publish('status', goodbyeText(id, boot, reason), {})
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

  function restart(atMs: number): void {
    boot = random.uint32()
    bootAtMs = atMs
    resetReason = 'software'
    board.powerUp()
    desk.rebooted()
    recorder.rebooted()
    nextReadingMs = atMs + random.next() * board.intervalS() * 1_000
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
    if (nowMs < lookAtMs) return
    lookAtMs = nowMs + lookEveryMs
    recorder.resendPassed(nowMs)
    if (!connected && nowMs - offlineSinceMs > board.config.safeAfterS * 1_000) board.toSafeState()
  }

  function stop(nowMs: number): void {
    if (connected) sayGoodbye(null, null, nowMs)
    else leaving = { byMs: nowMs, backAfterMs: null }
  }

  function happen(event: NodeEvent, nowMs: number): void {
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
        onAcknowledged(event.token, event.lost === true)
        break
      case 'tick':
        tick(nowMs)
        break
      case 'rest':
        resting = true
        break
      case 'stop':
        stop(nowMs)
    }
  }

  return {
    id,
    counters: recorder.counters,
    outputs: board.outputs,
    get boot() {
      return boot
    },
    get held() {
      return recorder.held
    },
    get unacknowledged() {
      return inFlight.size
    },
    get keep() {
      return keep()
    },
    get led() {
      return board.led
    },
    get ignoredCommands() {
      return desk.ignored
    },
    step(event) {
      const nowMs = clock.monoMs()
      happen(event, nowMs)
      pump(nowMs)
      leaveWhenDone(nowMs)
      return actions.splice(0)
    },
    wakeAtMs() {
      const next = [lookAtMs, desk.nextEndMs() ?? Number.POSITIVE_INFINITY]
      if (!resting) next.push(nextReadingMs)
      if (leaving) next.push(leaving.byMs)
      if (connected) next.push(statusAtMs)
      if (connected && inFlight.size < backlogWindow) next.push(recorder.nextBatchAtMs())
      return Math.min(...next)
    },
    will: () => ({ topic: topics.status, payload: willText(id, boot) }),
    subscriptions: () => Object.values(heard),
  }
}

/** `receipts` of iot/broker/status; undefined: it does not say, or is no status. */
function receiptsFlag(payload: Uint8Array): boolean | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString())
    const receipts = typeof value === 'object' && value !== null && 'receipts' in value ? value.receipts : undefined
    return typeof receipts === 'boolean' ? receipts : undefined
  } catch {
    return undefined
  }
}
