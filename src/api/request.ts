import type { Problem } from './shapes.ts'

/** A refusal by the server, with its problem document. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail || problem.title)
    this.name = 'ApiError'
    this.status = problem.status
    this.problem = problem
  }
}

/** Nobody answered: not running, another address, or the connection broke. */
export class Unreachable extends Error {
  readonly url: string
  constructor(url: string, cause: unknown) {
    super(`no answer from ${url}: ${reasonOf(cause)}`, { cause })
    this.name = 'Unreachable'
    this.url = url
  }
}

function reasonOf(cause: unknown): string {
  // Node's fetch hides the socket's error one level down ("fetch failed").
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message || inner.name : String(inner)
}

export interface ClientOptions {
  /** Base URL, e.g. `http://127.0.0.1:8080`; '' in the browser, where the session cookie stands for the token. */
  readonly url: string
  readonly token?: string
  readonly fetch?: typeof globalThis.fetch
}

export type QueryValue = string | number | readonly string[] | null | undefined

/** Requests with the token, answers as JSON, failures as ApiError or Unreachable. */
export interface Requester {
  readonly url: string
  open(path: string, init?: RequestInit): Promise<Response>
  get<T>(path: string, query?: Record<string, QueryValue>): Promise<T>
  write<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>
}

export function requester(options: ClientOptions): Requester {
  const fetchIt = options.fetch ?? globalThis.fetch
  const auth: Record<string, string> = options.token ? { authorization: `Bearer ${options.token}` } : {}

  const open = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const url = options.url + path
    let response: Response
    try {
      response = await fetchIt(url, { ...init, headers: { ...auth, ...(init.headers as Record<string, string>) } })
    } catch (error) {
      if (init.signal?.aborted) throw error
      throw new Unreachable(options.url || path, error)
    }
    if (!response.ok && response.status !== 503) throw new ApiError(await problemOf(response))
    if (response.status === 503 && isProblem(response)) throw new ApiError(await problemOf(response))
    return response
  }

  return {
    url: options.url,
    open,
    get: async (path, query = {}) => (await open(path + queryString(query))).json() as never,
    write: async (method, path, body, headers = {}) => {
      const init: RequestInit = {
        method,
        headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      }
      if (body !== undefined) init.body = JSON.stringify(body)
      const response = await open(path, init)
      return (response.status === 204 ? undefined : await response.json()) as never
    },
  }
}

const isProblem = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('application/problem+json') === true

async function problemOf(response: Response): Promise<Problem> {
  if (isProblem(response)) return (await response.json()) as Problem
  const detail = `the answer was ${response.status} and no problem document: is this an espalier server?`
  return { type: 'about:blank', title: response.statusText, status: response.status, detail }
}

/** `?a=1&b=x&b=y`; absent values are left out, lists repeated. */
export function queryString(query: Record<string, QueryValue>): string {
  const out = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    for (const one of Array.isArray(value) ? value : [value]) out.append(name, String(one))
  }
  const text = out.toString()
  return text && `?${text}`
}
