import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CommandState, CommandView } from '../api/commands.ts'
import type { NodeView } from '../api/nodes.ts'
import { runCli } from './run.ts'

/** One run of the command line in this process, with everything around it in hand. */
export interface CliRun {
  readonly exit: number
  readonly out: string
  readonly err: string
}

export async function cli(
  words: readonly string[],
  around: {
    env?: Record<string, string>
    terminal?: boolean
    errorTerminal?: boolean
    ended?: AbortSignal
    ask?: (question: string) => Promise<string>
  } = {},
): Promise<CliRun> {
  let out = ''
  let err = ''
  const exit = await runCli(words, '9.9.9', {
    env: around.env ?? {},
    streams: {
      write: text => void (out += text),
      writeBytes: async piece => void (out += Buffer.from(piece).toString()),
      writeError: text => void (err += text),
      terminal: around.terminal ?? false,
      errorTerminal: around.errorTerminal ?? false,
    },
    nowMs: () => 1_767_225_600_000,
    ask: around.ask ?? null,
    ended: around.ended ?? new AbortController().signal,
  })
  return { exit, out, err }
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any part of the body
  readonly body: any
}

type Answer = (request: Seen, response: ServerResponse) => void

/** A server that answers as a test says, by `METHOD /path`. */
export interface FakeServer {
  readonly url: string
  readonly seen: Seen[]
  on(route: string, answer: Answer): void
  close(): Promise<void>
}

export async function fakeServer(): Promise<FakeServer> {
  const answers = new Map<string, Answer>()
  const seen: Seen[] = []
  const server: Server = createServer((request, response) => {
    let text = ''
    request.on('data', piece => (text += piece))
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url!, 'http://fake')
      const one: Seen = {
        method: request.method!,
        path: pathname,
        query: searchParams,
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
      seen.push(one)
      const answer = answers.get(`${one.method} ${pathname}`)
      if (answer) answer(one, response)
      else problem(404, 'not_found', `nothing at ${pathname}`)(one, response)
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    on: (route, answer) => void answers.set(route, answer),
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

export const json =
  (value: unknown, status = 200): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))

export const page = (items: readonly unknown[]): Answer => json({ items, next: null })

export const problem =
  (status: number, code: string, detail: string, errors?: unknown): Answer =>
  (_, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/problem+json' })
      .end(JSON.stringify({ type: `urn:espalier:problem:${code}`, title: code, status, detail, errors }))

/** An event stream that says these and stays open. */
export const events =
  (...list: readonly (readonly [type: string, data: unknown])[]): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [i, [type, data]] of list.entries())
      response.write(`id: ${i + 1}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
    response.flushHeaders()
  }

export function nodeView(id: string, more: Partial<NodeView> = {}): NodeView {
  return {
    id,
    name: null,
    state: 'online',
    claimed: false,
    virtual: false,
    first_seen: 1_767_000_000_000,
    last_seen: 1_767_000_001_000,
    last_reading: 1_767_000_001_000,
    interval: 1,
    firmware: '1.0.0',
    board: 'esp32',
    ip: null,
    rssi: -60,
    tags: [],
    stored: 5,
    rejected: 0,
    duplicates: 0,
    null_values: 0,
    ignored_keys: 0,
    last: { temperature: 22.5, wifi_rssi: -60 },
    ...more,
  }
}

export function commandView(state: CommandState, more: Partial<CommandView> = {}): CommandView {
  const queuedAt = 1_767_000_000_000
  return {
    id: '01J0000000000000000000000A',
    node: 'sim-1',
    command: 'set_led',
    params: { state: 'on' },
    state,
    queued_at: queuedAt,
    sent_at: null,
    final_at: null,
    expires: queuedAt + 300_000,
    progress: null,
    result: null,
    error: null,
    matched: null,
    attempts: 0,
    by: 'token',
    history: [
      { state: 'queued', time: queuedAt, evidence: 'user' },
      ...(state === 'queued' ? [] : [{ state, time: queuedAt + 40, evidence: 'ack' as const }]),
    ],
    ...more,
  }
}
