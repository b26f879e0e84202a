import type { EventFilter } from './event-frames.ts'
import { frameFor, gapFrame } from './event-frames.ts'
import type { EventHub } from './event-hub.ts'

/** The part of a socket an event stream needs (a ServerResponse has it). */
export interface EventSink {
  /** false: the buffer is full, wait for `drain`. */
  write(text: string): boolean
  onDrain(resume: () => void): void
  /** Ends the connection without waiting for the client. */
  cut(): void
}

export interface EventStreamOptions {
  readonly filter: EventFilter
  /** From the Last-Event-ID header; null = only what comes from now on. */
  readonly lastId: number | null
  readonly pingMs: number
}

/** One client on the hub. It has no queue of its own: it walks the hub's ring at the pace its socket drains, so a slow client
 *  holds no memory; one that falls off the ring, or takes nothing during two pings, is cut and comes back with its last id.
 *  Returns the function that ends it. */
export function streamEvents(hub: EventHub, sink: EventSink, options: EventStreamOptions): () => void {
  let at = hub.next()
  let blocked = false
  let pingsBlocked = 0
  let ended = false

  const end = (): void => {
    if (ended) return
    ended = true
    clearInterval(timer)
    stop()
  }
  const cut = (): void => {
    end()
    sink.cut()
  }
  const write = (text: string): void => {
    blocked = !sink.write(text)
    if (blocked)
      sink.onDrain(() => {
        blocked = false
        pingsBlocked = 0
        pump()
      })
  }
  const pump = (): void => {
    while (!ended && !blocked && at < hub.next()) {
      const kept = hub.at(at)
      if (!kept) {
        cut()
        return
      }
      at++
      const text = frameFor(kept, options.filter)
      if (text) write(text)
    }
  }
  const ping = (): void => {
    if (!blocked) write(': ping\n\n')
    else if (++pingsBlocked >= 2) cut()
  }

  const stop = hub.listen(pump)
  const timer = setInterval(ping, options.pingMs)
  timer.unref()
  const replay = replayFrom(hub, options.lastId)
  at = replay.at
  // A browser's EventSource waits this long before it comes back.
  write(`retry: 1000\n\n${replay.missed === null ? '' : gapFrame(replay.missed)}`)
  pump()
  return end
}

/** Where a client that saw `lastId` goes on, and how many events of this run it missed for good (null: none). An id of an earlier
 *  run always gets a gap, because what came between its last event and the restart can't be known. */
export function replayFrom(hub: EventHub, lastId: number | null): { at: number; missed: number | null } {
  if (lastId === null) return { at: hub.next(), missed: null }
  if (lastId >= hub.next()) return { at: hub.next(), missed: 0 }
  const wanted = Math.max(lastId + 1, hub.start)
  const at = Math.max(wanted, hub.first())
  const missed = at - wanted
  return { at, missed: missed > 0 || lastId + 1 < hub.start ? missed : null }
}
