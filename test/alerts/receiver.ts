import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: any
}

/** An HTTP server that takes what it is sent, answers as it is told, and can be down. */
export interface Receiver {
  readonly url: string
  readonly port: number
  readonly got: Got[]
  /** Status and headers of the answers from now on; `null`: takes it and never answers. */
  answer(status: number | null, headers?: Record<string, string>, body?: string): void
  /** Resolves when so many have come in all. */
  count(n: number): Promise<Got[]>
  close(): Promise<void>
}

export async function openReceiver(port = 0): Promise<Receiver> {
  const got: Got[] = []
  let waiting: { n: number; done: (got: Got[]) => void }[] = []
  let next: { status: number | null; headers: Record<string, string>; body: string } = { status: 200, headers: {}, body: '' }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', piece => (text += piece))
    request.on('end', () => {
      got.push({ path: request.url!, headers: request.headers, text, body: parsed(text) })
      if (next.status !== null) response.writeHead(next.status, next.headers).end(next.body)
      for (const { n, done } of waiting) if (got.length >= n) done(got)
      waiting = waiting.filter(({ n }) => got.length < n)
    })
  })
  await new Promise<void>((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done))
  const at = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    got,
    answer: (status, headers = {}, body = '') => {
      next = { status, headers, body }
    },
    count: n => (got.length >= n ? Promise.resolve(got) : new Promise(done => waiting.push({ n, done }))),
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
