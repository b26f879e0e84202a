import { backoffMs } from '../kit/backoff.ts'
import { type Clock, systemClock } from '../kit/clock.ts'
import { type Random, seeded } from '../kit/random.ts'
import { memoryFlash } from './command-memory.ts'
import { openExecLog } from './disk/exec-log.ts'
import { flashFile } from './disk/flash-file.ts'
import { type Faults, type FaultyLine, faultyLine, noFaults, type Sendable } from './faults.ts'
import { type BrokerAddress, type Link, openLink } from './mqtt/link.ts'
import { createNode } from './node.ts'
import { roomSignals } from './signals.ts'
import type { NodeAction, NodeEvent, VirtualNode } from './virtual-node.ts'

export interface FleetOptions {
  readonly broker: BrokerAddress
  /** How many nodes; their ids are `<prefix>1` to `<prefix>N`. */
  readonly nodes: number
  readonly prefix: string
  /** Ids that are left out: they are taken. */
  readonly except?: (id: string) => boolean
  /** Seconds between two readings of a node. */
  readonly intervalS: number
  readonly seed: number
  /** The machine's, unless a test owns it. */
  readonly clock?: Clock
  readonly qos?: 0 | 1 | 2
  readonly keep?: 'auto' | 'puback' | 'receipt'
  /** One user for all; without it the nodes are anonymous. */
  readonly username?: string | null
  readonly password?: string | null
  readonly faults?: Faults
  /** Readings a node can hold. */
  readonly ringSize?: number
  /** Where executed commands are witnessed. */
  readonly execLog?: string
  /** Folder of the nodes' flash: with it a restarted fleet remembers its commands. */
  readonly stateDir?: string
  readonly firmware?: string
}

/** What a fleet did, as `espalier simulate` prints it. */
export interface SimReport {
  readonly nodes: number
  readonly attempted: number
  readonly acknowledged: number
  readonly receipted: number
  readonly dropped: number
  /** How often each command id was executed. */
  readonly commands_executed: Readonly<Record<string, number>>
  readonly seconds: number
}

export interface Fleet {
  readonly nodes: readonly VirtualNode[]
  /** How many are connected now. */
  connected(): number
  /** Did any node get as far as its birth? */
  everConnected(): boolean
  /** Cuts the line of one node (null: of all) and keeps it cut for so long: it goes on measuring and brings what it kept. The ids it
   *  was done to; none: there is no such node. */
  outage(id: string | null, ms: number): string[]
  /** Why the last connection attempt failed, null if none did. */
  lastFailure(): string | null
  report(): SimReport
  /** No more readings; waits for what is under way (bounded), says goodbye, disconnects. */
  stop(options?: { settleMs?: number }): Promise<SimReport>
}

/** Bounds of the wait before a new connection; a fleet on one machine may come back fast. */
const backoff = { firstMs: 250, ceilingMs: 5_000 }
/** How many connections may begin in each turn of the loop at the start, so that a thousand do not knock at once. */
const firstConnectionsEveryMs = 2
const turnMs = 5
/** What a fault holds back to be out of order goes out no later than this. */
const flushEveryMs = 1_000

interface Seat {
  readonly node: VirtualNode
  readonly random: Random
  /** Monotonic ms: no connection before it. */
  cutUntilMs: number
  link: Link | null
  ready: boolean
  line: FaultyLine | null
  failures: number
  /** Monotonic ms; infinity = never again. */
  connectAtMs: number
  wakeAtMs: number
}

/** Runs virtual nodes over real MQTT connections, all in one loop. It starts at once and connects in the background. */
export function runFleet(options: FleetOptions): Fleet {
  const { clock = systemClock, broker } = options
  const faults = options.faults ?? noFaults
  const qos = options.qos ?? 1
  const startedMs = clock.monoMs()
  const executed: Record<string, number> = {}
  const execLog = options.execLog === undefined ? null : openExecLog(options.execLog)
  const nodesClock: Clock = { monoMs: () => clock.monoMs(), wallMs: () => clock.wallMs() + faults.clockS * 1_000 }
  const chance = seeded(options.seed)
  const places = Array.from({ length: options.nodes }, (_, i) => i)
  const seats = places.filter(i => !options.except?.(`${options.prefix}${i + 1}`)).map(seat)
  let connections = 0
  let failure: string | null = null
  let everConnected = false
  let healed = false
  let stopping = false
  let endedMs: number | null = null
  let stopped: Promise<SimReport> | null = null
  let flushedMs = startedMs
  const loop = setInterval(turn, turnMs)

  function seat(i: number): Seat {
    const id = `${options.prefix}${i + 1}`
    const random = chance.fork(id)
    const node = createNode({
      id,
      random: freshBoots(random.fork('node')),
      clock: nodesClock,
      signals: roomSignals(random.fork('signals')),
      intervalS: faults.flood?.id === id ? 1 / faults.flood.rate : options.intervalS,
      keep: options.keep ?? 'auto',
      ringSize: options.ringSize ?? 10_000,
      flash: options.stateDir === undefined ? memoryFlash() : flashFile(options.stateDir, id),
      witness: line => {
        execLog?.write(line)
        const key = line.id ?? '-'
        executed[key] = (executed[key] ?? 0) + 1
      },
      firmware: options.firmware ?? '0.0.0',
    })
    const connectAtMs = startedMs + i * firstConnectionsEveryMs
    return {
      node,
      random: random.fork('fleet'),
      cutUntilMs: 0,
      link: null,
      ready: false,
      line: null,
      failures: 0,
      connectAtMs,
      wakeAtMs: 0,
    }
  }

  /** The seed decides signals and faults, but never a boot: two runs with one seed must not repeat (boot, seq). */
  function freshBoots(random: Random): Random {
    return { ...random, uint32: () => crypto.getRandomValues(new Uint32Array(1))[0]! }
  }

  function turn(): void {
    const nowMs = clock.monoMs()
    const flushLines = nowMs - flushedMs >= flushEveryMs
    if (flushLines) flushedMs = nowMs
    for (const s of seats) {
      if (s.link === null && nowMs >= s.connectAtMs && nowMs >= s.cutUntilMs) connect(s)
      if (flushLines) s.line?.flush()
      if (nowMs >= s.wakeAtMs) step(s, { kind: 'tick' })
    }
  }

  function step(s: Seat, event: NodeEvent): void {
    for (const action of s.node.step(event)) perform(s, action)
    s.wakeAtMs = s.node.wakeAtMs()
  }

  function perform(s: Seat, action: NodeAction): void {
    if (action.kind === 'leave') {
      s.connectAtMs = action.backAfterMs === null ? Number.POSITIVE_INFINITY : clock.monoMs() + action.backAfterMs
      s.link?.end()
      return
    }
    const { link } = s
    if (!link) return
    const { token, topic, payload, retain } = action
    const telemetry = action.channel === 'telemetry'
    const message: Sendable = { topic, payload, qos: telemetry ? qos : 1, retain }
    // The answer may come inside the call (QoS 0, a fault): the node must have finished its step by then.
    const acknowledged = (lost: boolean): void =>
      queueMicrotask(() => s.link === link && step(s, { kind: 'acknowledged', token, lost: lost || message.qos === 0 }))
    if (telemetry && s.line) s.line.publish(message, acknowledged)
    else link.publish(message, () => acknowledged(false))
  }

  function connect(s: Seat): void {
    const link = openLink({
      broker,
      clientId: s.node.id,
      username: options.username ?? null,
      password: options.password ?? null,
      will: s.node.will(),
      subscriptions: s.node.subscriptions(),
      ready: () => {
        connections++
        everConnected = true
        s.ready = true
        s.failures = 0
        step(s, { kind: 'connected' })
      },
      message: packet => step(s, { kind: 'message', ...packet }),
      closed: reason => closed(s, link, reason),
    })
    s.link = link
    s.line = faultyLine(link.publish, healed ? noFaults : faults, s.random)
  }

  function closed(s: Seat, link: Link, reason: string): void {
    if (s.link !== link) return
    s.link = null
    if (s.ready) connections--
    s.ready = false
    if (reason === 'left') return
    failure = reason
    s.connectAtMs = stopping ? Number.POSITIVE_INFINITY : clock.monoMs() + backoffMs(s.failures++, backoff, s.random)
    step(s, { kind: 'disconnected' })
  }

  function outage(id: string | null, ms: number): string[] {
    const cut = seats.filter(s => !stopping && (id === null || s.node.id === id))
    for (const s of cut) {
      s.cutUntilMs = clock.monoMs() + ms
      s.link?.destroy()
    }
    return cut.map(s => s.node.id)
  }

  function report(): SimReport {
    const total = (pick: (n: VirtualNode) => number): number => seats.reduce((sum, s) => sum + pick(s.node), 0)
    return {
      nodes: seats.length,
      attempted: total(n => n.counters.attempted),
      acknowledged: total(n => n.counters.acknowledged),
      receipted: total(n => n.counters.receipted),
      dropped: total(n => n.counters.dropped),
      commands_executed: { ...executed },
      seconds: Math.round((endedMs ?? clock.monoMs()) - startedMs) / 1_000,
    }
  }

  const settled = (s: Seat): boolean =>
    (s.node.unacknowledged === 0 && s.node.held === 0) || (s.link === null && s.connectAtMs === Number.POSITIVE_INFINITY)

  return {
    nodes: seats.map(s => s.node),
    connected: () => connections,
    everConnected: () => everConnected,
    outage,
    lastFailure: () => failure,
    report,
    stop: ({ settleMs = 5_000 } = {}) => (stopped ??= stop(settleMs)),
  }

  async function stop(settleMs: number): Promise<SimReport> {
    stopping = true
    endedMs = clock.monoMs()
    for (const s of seats) step(s, { kind: 'rest' })
    if (faults.drop > 0 || faults.reorder > 0) heal()
    await until(() => seats.every(settled), settleMs)
    for (const s of seats) {
      if (s.ready) step(s, { kind: 'stop' })
      else {
        s.connectAtMs = Number.POSITIVE_INFINITY
        s.link?.destroy()
      }
    }
    await until(() => seats.every(s => s.link === null), 2_000)
    clearInterval(loop)
    for (const s of seats) s.link?.destroy()
    execLog?.close()
    return report()
  }

  /** What a fault lost at the very end no receipt can go past: the line is good from here on, and every node connects once more. */
  function heal(): void {
    healed = true
    for (const s of seats.filter(one => one.ready)) {
      s.link?.destroy()
      s.connectAtMs = clock.monoMs()
    }
  }

  /** Waits while the loop turns; gives up after `ms`. */
  function until(met: () => boolean, ms: number): Promise<void> {
    const byMs = clock.monoMs() + ms
    return new Promise(resolve => {
      const look = setInterval(() => {
        if (!met() && clock.monoMs() < byMs) return
        clearInterval(look)
        resolve()
      }, 10)
    })
  }
}
