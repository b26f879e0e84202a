import { type HubEvent, type HubEventType, type Kept, liveReading } from './event-hub.ts'

/** Which events a listener wants; null = all. Events that belong to no node are left out when a node is asked for. */
export interface EventFilter {
  readonly node: string | null
  readonly types: ReadonlySet<string> | null
}

export const eventTypes: readonly HubEventType[] = [
  'readings',
  'presence',
  'command',
  'reject',
  'broker',
  'alert',
  'message',
  'retention',
]

/** The event as text on the stream, or '' when the filter leaves nothing of it. */
export function frameFor(kept: Kept, filter: EventFilter): string {
  if (filter.types && !filter.types.has(kept.event.type)) return ''
  if (filter.node === null) return (kept.frame ??= frame(kept.id, kept.event.type, everything(kept.event)))
  const data = ofNode(kept.event, filter.node)
  return data === undefined ? '' : frame(kept.id, kept.event.type, data)
}

export const gapFrame = (missed: number): string => `event: gap\ndata: ${JSON.stringify({ missed })}\n\n`

// JSON.stringify escapes line breaks, so one `data:` line is enough.
const frame = (id: number, type: string, data: unknown): string => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`

const everything = (event: HubEvent): unknown => (event.type === 'readings' ? event.data.map(liveReading) : event.data)

function ofNode(event: HubEvent, node: string): unknown {
  if (event.type === 'readings') {
    const own = event.data.filter(reading => reading.node === node)
    return own.length === 0 ? undefined : own.map(liveReading)
  }
  if (event.type === 'broker' || event.type === 'retention') return undefined
  return event.data.node === node ? event.data : undefined
}
