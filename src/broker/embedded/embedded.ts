import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { defaultRoot, nodeTopic } from '../../contract/topics.ts'
import type { Broker, BrokerHandlers, BrokerHealth, BrokerNotice } from '../broker.ts'
import { Connection } from './connection.ts'
import { Entrance } from './entrance.ts'
import { Exchange } from './exchange.ts'
import { forgetfulKeep, type KeepSnapshot, type Kept, openKeep } from './keep.ts'
import { type Arrival, type Listener, openListener } from './listener.ts'
import { defaultLimits, type EmbeddedOptions, type ListenerOptions } from './options.ts'
import { contractPermissions } from './permissions.ts'
import type { Shared } from './shared.ts'
import { SysTopics } from './sys.ts'

export type { BrokerLimits, EmbeddedOptions, ListenerOptions } from './options.ts'

/** What the embedded broker can do beyond the port. */
export interface EmbeddedBroker extends Broker {
  readonly kind: 'embedded'
  /** The ports that are listened on, in the order of `options.listeners`. */
  readonly ports: readonly number[]
  /** An identity lost its rights: its connections are closed without a will, its kept sessions forgotten. */
  revoke(user: string): Promise<void>
  /** Handshakes from now on get this certificate; connections that are open stay. */
  secure(context: SecureContextOptions): void
  /** One line a session, connected or kept. */
  sessions(): SessionView[]
  /** What would survive a restart at this moment, for a backup; null without `keepDir`. */
  snapshot(): KeepSnapshot | null
}

export interface SessionView {
  readonly client: string
  readonly user: string | null
  readonly connected: boolean
  readonly persistent: boolean
  readonly subscriptions: number
  readonly queued: number
  readonly inflight: number
  /** Messages this session lost: from a full queue, or QoS 0 past the unsent bound. */
  readonly dropped: number
}

const checkEveryMs = 500

/** The default's broker: MQTT 3.1.1 (and 3.1) over TCP and TLS. Sockets in, the port of broker.ts out. A publish is acknowledged
 *  when ingest has made it durable and it is kept for every persistent session that gets it; a slow subscriber harms only itself,
 *  a fast publisher is slowed. It never judges a payload. Resolves when all ports listen; rejects with the error of the first
 *  that doesn't (EADDRINUSE), or when another process holds `keepDir`. */
export async function openEmbeddedBroker(options: EmbeddedOptions, handlers: BrokerHandlers): Promise<EmbeddedBroker> {
  const { clock } = options
  const root = options.root ?? defaultRoot
  const limits = { ...defaultLimits, ...options.limits }
  let trouble = ''
  const alarm = (sentence: string): void => {
    trouble = sentence
    options.onAlarm?.(sentence)
  }
  const nothing: Kept = { sessions: [], retained: [] }
  const { keep, kept } = options.keepDir
    ? await openKeep(options.keepDir, () => clock.wallMs(), alarm)
    : { keep: forgetfulKeep, kept: nothing }
  const permissions = options.permissions ?? contractPermissions(root, options.refuses)
  const commitWindowMs = options.commitWindowMs ?? 5
  const notice = (what: BrokerNotice): void => options.onNotice?.(what)
  const exchange = new Exchange({ root, limits, permissions, handlers, keep, clock, commitWindowMs, alarm, notice })
  exchange.sessions.restore(kept)

  let up = true
  const connections = new Set<Connection>()
  const counters = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }
  const shared: Shared = {
    exchange,
    limits,
    clock,
    counters,
    entrance: new Entrance(credentials => handlers.authenticate(credentials), clock, limits.clientIdBytes),
    oversize: large => handlers.oversize(large),
    notice,
    fault: (client, why) => options.onFault?.(client, why),
    gone: connection => connections.delete(connection),
  }
  const sockets = new Set<Socket>()
  const take = (arrival: Arrival): void => {
    if (up) connections.add(new Connection(arrival, shared))
    else arrival.socket.destroy()
  }

  const listeners: Listener[] = []
  try {
    for (const listener of options.listeners) listeners.push(await openListener(listener, { limits, sockets, take, notice }))
  } catch (failure) {
    for (const listener of listeners) listener.close()
    await keep.close()
    throw failure
  }
  const ports = listeners.map(({ port }) => port)

  const timer = setInterval(() => {
    const now = clock.monoMs()
    for (const connection of connections) connection.check(now)
    exchange.tick()
  }, checkEveryMs)

  const health = (): BrokerHealth => {
    let queued = 0
    let inflight = 0
    for (const session of exchange.sessions.byKey.values()) {
      queued += session.queued
      inflight += session.inflight
    }
    return {
      up: up && keep.ok,
      detail: up ? trouble : 'stopped',
      version: options.version,
      listeners: options.listeners.map(({ host, tls, anonymous }, i) => ({
        host,
        port: ports[i]!,
        tls: tls !== undefined,
        auth: authOf(anonymous, tls !== undefined),
      })),
      denied: Object.fromEntries(exchange.sessions.denied),
      ...counters,
      clients: exchange.online.size,
      subscriptions: exchange.sessions.router.size,
      retained: exchange.sessions.retained.size,
      queued,
      inflight,
      droppedTotal: exchange.sessions.dropped(),
    }
  }
  const sys = new SysTopics(exchange, health, clock, limits.sysEveryMs)

  return {
    kind: 'embedded',
    ports,
    publish: ({ topic, payload, qos, retain }) => exchange.publishOwn(topic, payload, qos, retain),
    sendCommand: (node, payload, evidence) => exchange.publishOwn(nodeTopic(node, 'command', root), payload, 1, false, evidence),
    reachable: node => exchange.sessions.reach.reachable(node),
    localAddress(node) {
      const [own] = exchange.sessions.reach.ownOf(node)
      for (const { session, socket } of connections)
        if (session !== null && session === own) return socket.localAddress?.replace(/^::ffff:/, '') ?? null
      return null
    },
    cut: async node => {
      const { reach } = exchange.sessions
      const sinks = new Set(reach.own(reach.entry(node)).map(session => session.sink))
      const own = [...connections].filter(connection => sinks.has(connection.writer))
      for (const connection of own) connection.cutOff(true)
      return own.length > 0
    },
    revoke: user => exchange.revoke(user),
    secure: context => {
      for (const listener of listeners) listener.secure(context)
    },
    health,
    snapshot: () => keep.snapshot(),
    sessions: () =>
      [...exchange.sessions.byKey.values()].map(session => ({
        client: session.client,
        user: session.identity.user,
        connected: session.sink !== null,
        persistent: session.persistent,
        subscriptions: session.subscriptions.size,
        queued: session.queued,
        inflight: session.inflight,
        dropped: session.dropped,
      })),
    async close() {
      if (!up) return
      up = false
      sys.close()
      for (const listener of listeners) listener.close()
      for (const connection of [...connections]) connection.stop()
      await Promise.race([exchange.queue.drained(), after(limits.closeMs)])
      // What was acknowledged last is on its way; who doesn't take it within a moment is cut off.
      const gone = allGone(connections)
      await Promise.race([gone, after(limits.closeMs / 8)])
      clearInterval(timer)
      for (const connection of [...connections]) connection.cutOff(false)
      for (const socket of sockets) socket.destroy() // still in a handshake
      exchange.queue.flushLazy()
      await keep.close()
    },
  }
}

/** Who may connect, in words. */
function authOf(anonymous: ListenerOptions['anonymous'], tls: boolean): string {
  if (anonymous === true) return 'anonymous or password'
  const credentials = tls ? 'password or client certificate' : 'password'
  return anonymous === false ? credentials : `${credentials}; anonymous from this machine`
}

const after = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms).unref())

async function allGone(connections: ReadonlySet<Connection>): Promise<void> {
  while (connections.size > 0) await after(5)
}
