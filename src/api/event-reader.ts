import type { ApiEvent, EventType } from './events.ts'
import { ApiError, queryString, type Requester } from './request.ts'
import { sseParser } from './sse.ts'

export interface EventsOptions {
  readonly node?: string
  readonly types?: readonly EventType[]
  /** Start behind this event; without it only what comes from now on. */
  readonly lastEventId?: string
  readonly signal?: AbortSignal
  /** Told `true` when the stream is open and `false`, with the reason, when it is gone and will be tried again. */
  readonly onConnection?: (open: boolean, why?: unknown) => void
}

/** Calls `run` once in `ms`, unless the function it returns is called before. Handed in by the client. */
export type After = (ms: number, run: () => void) => () => void

// The server says `: ping` every 15 s: three missed ones and the connection is dead, whatever TCP believes.
const silentMs = 45_000
const waitsMs = [250, 500, 1000, 2000, 4000, 5000]

/** Live events, over as many connections as it takes: after a loss the next one continues behind the last id seen, and a `gap`
 *  event tells what the server could not replay. Ends when `signal` aborts; throws only an ApiError that will not heal
 *  (bad filter, token refused). */
export async function* readEvents(
  requests: Requester,
  after: After,
  options: EventsOptions = {},
): AsyncGenerator<ApiEvent, void> {
  let lastId = options.lastEventId
  let attempt = 0
  while (!options.signal?.aborted) {
    const connection = new AbortController()
    const stop = () => connection.abort()
    options.signal?.addEventListener('abort', stop, { once: true })
    let why: unknown
    try {
      for await (const event of oneConnection(requests, after, options, lastId, connection, () => (attempt = 0))) {
        if (event.id !== null) lastId = event.id
        yield event
      }
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error
      why = error
    } finally {
      options.signal?.removeEventListener('abort', stop)
      connection.abort()
    }
    if (options.signal?.aborted) return
    options.onConnection?.(false, why)
    await wait(after, waitsMs[Math.min(attempt++, waitsMs.length - 1)]!, options.signal)
  }
}

async function* oneConnection(
  requests: Requester,
  after: After,
  options: EventsOptions,
  lastId: string | undefined,
  connection: AbortController,
  onOpen: () => void,
): AsyncGenerator<ApiEvent, void> {
  const path = `/api/events${queryString({ node: options.node, types: options.types?.join(',') })}`
  const headers: Record<string, string> = {
    accept: 'text/event-stream',
    ...(lastId !== undefined && { 'last-event-id': lastId }),
  }
  const response = await requests.open(path, { headers, signal: connection.signal })
  onOpen()
  options.onConnection?.(true)
  const parse = sseParser()
  const decoder = new TextDecoder()
  const reader = response.body!.getReader()
  let calm = (): void => undefined
  try {
    while (true) {
      calm = after(silentMs, () => connection.abort(new Error(`nothing heard for ${silentMs / 1000} s`)))
      const { done, value } = await reader.read()
      calm()
      if (done) return
      for (const frame of parse(decoder.decode(value, { stream: true })))
        yield { id: frame.id, type: frame.event, data: JSON.parse(frame.data) } as ApiEvent
    }
  } finally {
    calm()
  }
}

const wait = (after: After, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      calm()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const calm = after(ms, done)
    signal?.addEventListener('abort', done, { once: true })
  })
