import type { AckEvent, JournalEvent, ReadingEvent, RejectEvent, StatusEvent } from '../../contract/events.ts'

/** The events of one telemetry message, back together: a batch of the journal holds them one behind the other. Two messages of a node
 *  that arrived in one piece are taken for one. */
export interface Told {
  readonly node: string
  readonly arrived: number
  /** Where the first of them stands in its batch: what nobody will see is not gathered. */
  readonly from: number
  /** Readings it stored, with those that brought no value. */
  stored: number
  duplicates: number
}

const pointsShown = 16

export interface Reader {
  telemetry(told: Told): void
  reject(event: RejectEvent): void
  other(event: StatusEvent | AckEvent): void
}

/** Reads a batch's events once, in order. */
export function readBatch(events: readonly JournalEvent[], reader: Reader): void {
  let told: Told | null = null
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    switch (event.kind) {
      case 'reading':
      case 'settled':
      case 'counts':
        if (told === null || told.node !== event.node || told.arrived !== event.arrived) {
          if (told !== null) reader.telemetry(told)
          told = { node: event.node, arrived: event.arrived, from: i, stored: 0, duplicates: 0 }
        }
        if (event.kind === 'counts') told.duplicates += event.duplicates
        else told.stored++
        break
      case 'reject':
        reader.reject(event)
        break
      case 'status':
      case 'ack':
        reader.other(event)
        break
      case 'oldest':
        break
    }
  }
  if (told !== null) reader.telemetry(told)
}

/** The first readings of a message that brought values. */
export function pointsOf(told: Told, events: readonly JournalEvent[]): ReadingEvent[] {
  const points: ReadingEvent[] = []
  for (let i = told.from, left = told.stored; left > 0 && points.length < pointsShown; i++) {
    const event = events[i]!
    if (event.kind === 'reading') points.push(event)
    if (event.kind === 'reading' || event.kind === 'settled') left--
  }
  return points
}
