import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { onThisMachine } from './guard.ts'
import { badInput, Refused } from './refused.ts'

/** What one client may take of a server that must go on storing readings: everything runs in one process. */

/** Options of a server's sockets. Who sends no headers, or a body a byte at a time, is cut off; Node looks every `connectionsCheckingInterval`. */
export const socketBounds = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
} as const

/** Connections at once; beyond it new ones are closed unheard. Event streams have a bound of their own below it, so that pages left
 *  open never keep a command out. */
export const connectionsAtOnce = 2_000
export const streamsAtOnce = 500
export const exportsAtOnce = 4
/** A node fetches at the pace of its flash; a fleet must not take all connections. */
export const imagesAtOnce = 100

const windowMs = 10_000
/** A tool on this machine may be a test or a script in a loop; a browser on the LAN needs some dozens. */
const requestsOf = (request: FastifyRequest): number => (onThisMachine(request) ? 20_000 : 1_000)

/** Levels of a body. Far below what exhausts the stack of a program that walks through it, ours or a board's. */
const bodyDepth = 32

/** So many requests of one address in ten seconds; the answer beyond it says when to come back. */
export async function boundRequests(app: FastifyInstance): Promise<void> {
  app.addHook('preValidation', async ({ body }) => {
    if (deeperThan(body, bodyDepth)) throw badInput('/', 'is nested too deep', `${bodyDepth} levels`)
  })
  await app.register(rateLimit, {
    global: true,
    max: requestsOf,
    timeWindow: windowMs,
    cache: 5_000,
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    errorResponseBuilder: (_, { max }) =>
      new Refused(
        'too_many',
        `more than ${max} requests in ${windowMs / 1000} s from this address; wait, or ask for more at once`,
      ),
  })
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => deeperThan(inner, levels - 1))
}

/** Lets so many in at once; `what` they are, for the sentence. */
export class Gate {
  private inside = 0
  private readonly most: number
  private readonly what: string

  constructor(most: number, what: string) {
    this.most = most
    this.what = what
  }

  /** The way out, to be called once; throws when it is full. */
  enter(): () => void {
    if (this.inside >= this.most)
      throw new Refused('too_many', `${this.most} ${this.what} are open already; close one, or come back later`)
    this.inside++
    let left = false
    return () => {
      if (!left) this.inside--
      left = true
    }
  }
}
