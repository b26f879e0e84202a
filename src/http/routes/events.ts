import { Type } from 'typebox'
import { Gate, streamsAtOnce } from '../bounds.ts'
import { type EventFilter, eventTypes } from '../event-frames.ts'
import { streamEvents } from '../event-stream.ts'
import type { HttpParts } from '../parts.ts'
import { badInput } from '../refused.ts'
import type { Routes } from './routes.ts'

const Query = Type.Object(
  {
    node: Type.Optional(Type.String({ description: 'only events of this node' })),
    types: Type.Optional(Type.String({ description: `of ${eventTypes.join(', ')}; separated by commas` })),
  },
  { additionalProperties: false },
)
const Headers = Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'go on behind this event' })) })

/** What happens, as it happens (server-sent events). */
export function eventRoutes(app: Routes, parts: HttpParts): void {
  const open = new Set<() => void>()
  const gate = new Gate(streamsAtOnce, 'event streams')
  const cuts = new Set<() => void>()
  app.addHook('preClose', async () => {
    for (const close of open) close()
  })
  // Who came with the old token or a session of it hears nothing more.
  let unsubscribe = (): void => undefined
  app.addHook('onReady', async () => {
    unsubscribe = parts.token.onRotate(() => {
      for (const cut of cuts) cut()
    })
  })
  app.addHook('onClose', async () => unsubscribe())

  const schema = { querystring: Query, headers: Headers, produces: ['text/event-stream'], summary: 'Live events with replay' }
  app.get('/api/events', { schema }, (request, reply) => {
    const filter = filterOf(request.query)
    const lastId = lastIdOf(request.headers['last-event-id'])
    const leave = gate.enter()
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would hold the stream back otherwise.
      'x-accel-buffering': 'no',
    })
    raw.flushHeaders()
    const sink = {
      write: (text: string) => raw.write(text),
      onDrain: (resume: () => void) => void raw.once('drain', resume),
      cut: () => void raw.destroy(),
    }
    const end = streamEvents(parts.events, sink, { filter, lastId, pingMs: parts.pingMs ?? 15_000 })
    const close = () => void raw.end()
    open.add(close)
    cuts.add(sink.cut)
    raw.on('error', () => undefined)
    raw.once('close', () => {
      end()
      leave()
      open.delete(close)
      cuts.delete(sink.cut)
    })
  })
}

function filterOf(query: { node?: string; types?: string }): EventFilter {
  const types = query.types?.split(',').filter(type => type !== '') ?? null
  const known: readonly string[] = [...eventTypes, 'gap']
  for (const type of types ?? [])
    if (!known.includes(type)) throw badInput('/types', `has ${JSON.stringify(type)}`, eventTypes.join(', '))
  return { node: query.node ?? null, types: types && new Set(types) }
}

function lastIdOf(header: string | undefined): number | null {
  if (header === undefined || header === '') return null
  if (!/^\d{1,16}$/.test(header)) throw badInput('/last-event-id', `is ${JSON.stringify(header)}`, 'an id this server gave')
  return Number(header)
}
