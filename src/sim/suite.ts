import { ManualClock } from '../kit/clock.ts'
import { seeded } from '../kit/random.ts'
import { type FlashStore, memoryFlash } from './command-memory.ts'
import { createNode } from './node.ts'
import { roomSignals } from './signals.ts'
import type { ExecLine, NodeAction, NodeEvent, NodeOptions, VirtualNode } from './virtual-node.ts'

/** A node under test with the broker's side of its connection in hand: what it published, what is acknowledged, what time it is. */
export interface Published {
  readonly token: number
  readonly channel: 'telemetry' | 'status' | 'ack'
  readonly retain: boolean
  readonly atMs: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any part of the message
  readonly json: any
}

export interface World {
  readonly clock: ManualClock
  readonly node: VirtualNode
  readonly flash: FlashStore
  /** All messages so far, oldest first. */
  readonly sent: Published[]
  readonly leaves: (number | null)[]
  readonly executed: ExecLine[]
  /** What happened around an execution, in order: `save` and `witness`. */
  readonly order: string[]
  do(event: NodeEvent): Published[]
  connect(): Published[]
  /** Moves time on and ticks the node when it asks for it, 10 ms late at most. With `acknowledge` each message gets its PUBACK at once. */
  run(ms: number, options?: { acknowledge?: boolean }): Published[]
  acknowledge(message: Published): void
  acknowledgeAll(): void
  command(message: unknown, flags?: { retain?: boolean; dup?: boolean }): Published[]
  receipt(boot: number, seq: number | null, seen: number): void
  brokerStatus(status: unknown): void
  acks(): Published['json'][]
  telemetry(): Published[]
}

export function world(options: Partial<NodeOptions> & { clock?: ManualClock } = {}): World {
  const clock = options.clock ?? new ManualClock()
  const order: string[] = []
  const kept = options.flash ?? memoryFlash()
  const flash: FlashStore = {
    load: () => kept.load(),
    save: state => {
      order.push('save')
      kept.save(state)
    },
  }
  const executed: ExecLine[] = []
  const node = createNode({
    id: 'n1',
    random: seeded(7),
    signals: roomSignals(seeded(8)),
    intervalS: 1,
    keep: 'auto',
    ringSize: 1_000,
    firmware: '1.2.3',
    ...options,
    clock,
    flash,
    witness: line => {
      order.push('witness')
      executed.push(line)
    },
  })
  const sent: Published[] = []
  const leaves: (number | null)[] = []
  const open = new Set<number>()
  let connected = false

  const take = (actions: readonly NodeAction[]): Published[] =>
    actions.flatMap(action => {
      if (action.kind === 'leave') {
        leaves.push(action.backAfterMs)
        connected = false
        open.clear()
        return []
      }
      const message = { ...action, atMs: clock.monoMs(), text: action.payload, json: JSON.parse(action.payload) }
      if (connected) open.add(action.token)
      sent.push(message)
      return [message]
    })
  const act = (event: NodeEvent): Published[] => {
    if (event.kind === 'connected') connected = true
    if (event.kind === 'disconnected') {
      connected = false
      open.clear()
    }
    return take(node.step(event))
  }
  const acknowledge = (message: Published): void => {
    if (open.delete(message.token)) act({ kind: 'acknowledged', token: message.token })
  }
  const acknowledgeAll = (): void => {
    for (const message of [...sent]) acknowledge(message)
  }
  return {
    clock,
    node,
    flash,
    sent,
    leaves,
    executed,
    order,
    do: act,
    connect: () => act({ kind: 'connected' }),
    run(ms, { acknowledge: answer = false } = {}) {
      const from = sent.length
      const endMs = clock.monoMs() + ms
      if (answer) acknowledgeAll()
      while (clock.monoMs() < endMs) {
        const wakeInMs = Math.ceil(node.wakeAtMs() - clock.monoMs())
        clock.advance(Math.min(Math.max(10, wakeInMs), endMs - clock.monoMs()))
        if (clock.monoMs() >= node.wakeAtMs()) act({ kind: 'tick' })
        if (answer) acknowledgeAll()
      }
      return sent.slice(from)
    },
    acknowledge,
    acknowledgeAll,
    command: (message, flags) =>
      act({
        kind: 'message',
        topic: 'iot/node/n1/command',
        payload: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
        retain: flags?.retain ?? false,
        dup: flags?.dup ?? false,
      }),
    receipt: (boot, seq, seen) =>
      void act({
        kind: 'message',
        topic: 'iot/node/n1/receipt',
        payload: Buffer.from(JSON.stringify({ receipts: [{ boot, seq, seen }] })),
        retain: false,
        dup: false,
      }),
    brokerStatus: status =>
      void act({
        kind: 'message',
        topic: 'iot/broker/status',
        payload: Buffer.from(JSON.stringify(status)),
        retain: true,
        dup: false,
      }),
    acks: () => sent.filter(m => m.channel === 'ack').map(m => m.json),
    telemetry: () => sent.filter(m => m.channel === 'telemetry'),
  }
}

/** The (boot, seq) of every reading in a message. */
export function readingsOf(message: Published): string[] {
  const { boot, seq, readings } = message.json
  return Array.from({ length: readings?.length ?? 1 }, (_, i) => `${boot}/${seq + i}`)
}
