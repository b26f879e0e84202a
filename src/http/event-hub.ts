import type { AlertView } from '../api/alerts.ts'
import type { BrokerView } from '../api/broker.ts'
import type { CommandView } from '../api/commands.ts'
import type { LiveReading, PresenceChange } from '../api/events.ts'
import type { MessageView } from '../api/messages.ts'
import type { RejectView } from '../api/rejects.ts'
import type { RetentionView } from '../api/retention.ts'
import type { ReadingEvent } from '../contract/events.ts'

/** What may be published. Readings stay as the journal has them until a listener wants them: nobody listening costs one slot. */
export type HubEvent =
  | { readonly type: 'readings'; readonly data: readonly ReadingEvent[] }
  | { readonly type: 'presence'; readonly data: PresenceChange }
  | { readonly type: 'command'; readonly data: CommandView }
  | { readonly type: 'reject'; readonly data: RejectView }
  | { readonly type: 'broker'; readonly data: BrokerView }
  | { readonly type: 'alert'; readonly data: AlertView }
  | { readonly type: 'message'; readonly data: MessageView }
  | { readonly type: 'retention'; readonly data: RetentionView }

export type HubEventType = HubEvent['type']

export interface Kept {
  readonly id: number
  readonly event: HubEvent
  /** The frame without a node filter, made once for all listeners. */
  frame: string | undefined
}

/** The last events of the process, each with an id one higher than the one before; ids rise over restarts too, because a run starts
 *  at wall milliseconds × 1000. Listeners are called on every publish and read what they want from the ring: it is the only queue. */
export interface EventHub {
  publish(event: HubEvent): void
  /** The event with this id, undefined when it is no longer (or not yet) there. */
  at(id: number): Kept | undefined
  /** Ids held now: [first, next). Equal when there are none. */
  first(): number
  next(): number
  /** The first id of this run: lower ones were given by an earlier one. */
  readonly start: number
  listen(wake: () => void): () => void
}

export interface EventHubOptions {
  readonly clock: { wallMs(): number }
  /** Events kept for replay. */
  readonly capacity?: number
  /** Readings kept for replay in all `readings` events: 20,000 are about 4 MB. */
  readonly readings?: number
}

export function createEventHub(options: EventHubOptions): EventHub {
  const capacity = options.capacity ?? 10_000
  const readingsBound = options.readings ?? 20_000
  const ring = new Array<Kept | undefined>(capacity)
  const listeners = new Set<() => void>()
  const start = options.clock.wallMs() * 1000
  let first = start
  let next = start
  let readingsHeld = 0

  const dropOldest = (): void => {
    const slot = (first - start) % capacity
    readingsHeld -= readingsIn(ring[slot]!.event)
    ring[slot] = undefined
    first++
  }

  return {
    start,
    publish(event) {
      if (next - first === capacity) dropOldest()
      readingsHeld += readingsIn(event)
      while (readingsHeld > readingsBound && first < next) dropOldest()
      ring[(next - start) % capacity] = { id: next, event, frame: undefined }
      next++
      for (const wake of listeners) wake()
    },
    at: id => (id >= first && id < next ? ring[(id - start) % capacity] : undefined),
    first: () => first,
    next: () => next,
    listen(wake) {
      listeners.add(wake)
      return () => void listeners.delete(wake)
    },
  }
}

const readingsIn = (event: HubEvent): number => (event.type === 'readings' ? event.data.length : 0)

/** A reading as the API shows it. */
export function liveReading(event: ReadingEvent): LiveReading {
  const fields: Record<string, number> = {}
  for (let i = 0; i < event.names.length; i++) fields[event.names[i]!] = event.values[i]!
  return { node: event.node, time: event.time, fields, boot: event.boot, seq: event.seq }
}
