import type {
  AckEvent,
  CountsEvent,
  JournalEvent,
  ReadingEvent,
  RejectEvent,
  SettledEvent,
  StatusEvent,
} from '../../contract/events.ts'

/** The events of one telemetry message, back together: a batch of the journal holds them one behind the other. Two messages of a node
 *  that arrived in one piece are taken for one. */
export interface Told {
  readonly node: string
  readonly arrived: number
  /** The first `pointsShown` that brought values. */
  readonly points: ReadingEvent[]
  /** Readings it stored, with those that brought no value. */
  stored: number
  duplicates: number
}

export const pointsShown = 16

export interface Reader {
  telemetry(told: Told): void
  reject(event: RejectEvent): void
  other(event: StatusEvent | AckEvent): void
}

/** Reads a batch's events once, in order. */
export function readBatch(events: readonly JournalEvent[], reader: Reader): void {
  let told: Told | null = null
  for (const event of events) {
    switch (event.kind) {
      case 'reading':
      case 'settled':
      case 'counts':
        if (told === null || told.node !== event.node || told.arrived !== event.arrived) {
          if (told !== null) reader.telemetry(told)
          told = { node: event.node, arrived: event.arrived, points: [], stored: 0, duplicates: 0 }
        }
        add(told, event)
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

function add(told: Told, event: ReadingEvent | SettledEvent | CountsEvent): void {
  if (event.kind === 'counts') {
    told.duplicates += event.duplicates
    return
  }
  told.stored++
  if (event.kind === 'reading' && told.points.length < pointsShown) told.points.push(event)
}
