import type { Clock } from '../kit/clock.ts'
import type { Random } from '../kit/random.ts'
import type { Params } from './board.ts'
import type { FlashStore } from './command-memory.ts'
import type { Signals } from './signals.ts'

/** What happens to a node. `connected` comes after the SUBACK; `lost` marks an acknowledgement that a fault made up; `rest`: it
 *  takes no more readings but goes on sending what it holds. */
export type NodeEvent =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | MessageEvent
  | { readonly kind: 'acknowledged'; readonly token: number; readonly lost?: boolean }
  | { readonly kind: 'tick' }
  | { readonly kind: 'rest' }
  | { readonly kind: 'stop' }

export interface MessageEvent {
  readonly kind: 'message'
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
  readonly dup: boolean
}

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

/** A virtual node as a machine. */
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
