import type { Applier, DurableBatch, Position, ReadingEvent } from '../contract/events.ts'
import type { EventHub } from '../http/http.ts'

/** The live view: readings go to the event stream right after they are durable. It keeps nothing, so a replay has nothing to tell it
 *  and its watermark is wherever it is. Presence, commands and rejects are told by the rooms that make them. */
export function createLive(hub: EventHub): Applier {
  let end: Position = { segment: 0, offset: 0 }
  return {
    apply(batch: DurableBatch, live: boolean) {
      end = batch.end
      if (!live) return
      const readings = batch.events.filter((event): event is ReadingEvent => event.kind === 'reading')
      if (readings.length > 0) hub.publish({ type: 'readings', data: readings })
    },
    watermark: () => end,
  }
}
