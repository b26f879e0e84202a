import type { Session } from './session.ts'

/** One session that gets a topic's messages, at the highest QoS of all its filters that match [MQTT-3.3.5-1]. */
export interface Target {
  readonly session: Session
  readonly qos: 0 | 1 | 2
}

/** An answer of the router. Never changed once given, so a group may hold on to it. */
export interface Targets {
  readonly all: readonly Target[]
  /** One of them is kept over restarts: the message has to be written before it is acknowledged. */
  readonly anyPersistent: boolean
}

export const noTargets: Targets = { all: [], anyPersistent: false }

/** Who subscribed to what: a trie of filter levels. It finds the sessions of a topic; answers are remembered by the topic until
 *  any subscription changes. */
export class Router {
  /** Rises with each change; an answer with an older version is stale. */
  version = 0
  private readonly top = new Branch()
  private held = 0

  /** Subscriptions held by all sessions. */
  get size(): number {
    return this.held
  }

  add(filter: string, session: Session, qos: 0 | 1 | 2): void {
    let at = this.top
    for (const level of filter.split('/')) {
      let next = at.children.get(level)
      if (next === undefined) at.children.set(level, (next = new Branch()))
      at = next
    }
    if (!at.sessions.has(session)) this.held++
    at.sessions.set(session, qos)
    this.version++
  }

  remove(filter: string, session: Session): void {
    const levels = filter.split('/')
    const path = [this.top]
    for (const level of levels) {
      const next = path[path.length - 1]!.children.get(level)
      if (next === undefined) return
      path.push(next)
    }
    if (!path[path.length - 1]!.sessions.delete(session)) return
    this.held--
    this.version++
    for (let i = levels.length; i > 0 && path[i]!.empty; i--) path[i - 1]!.children.delete(levels[i - 1]!)
  }

  /** Who gets a message on these levels. */
  match(levels: readonly string[]): Targets {
    const found = new Map<Session, 0 | 1 | 2>()
    // Wildcards in the first level do not see $-topics [MQTT-4.7.2-1].
    walk(this.top, levels, 0, levels[0]!.startsWith('$'), found)
    if (found.size === 0) return noTargets
    const all: Target[] = []
    let anyPersistent = false
    for (const [session, qos] of found) {
      all.push({ session, qos })
      anyPersistent ||= session.persistent
    }
    return { all, anyPersistent }
  }
}

class Branch {
  readonly children = new Map<string, Branch>()
  readonly sessions = new Map<Session, 0 | 1 | 2>()
  get empty(): boolean {
    return this.children.size === 0 && this.sessions.size === 0
  }
}

function walk(at: Branch, levels: readonly string[], depth: number, reserved: boolean, found: Map<Session, 0 | 1 | 2>): void {
  if (!reserved) {
    const rest = at.children.get('#')
    if (rest !== undefined) collect(rest, found) // `a/#` matches `a` too
  }
  if (depth === levels.length) {
    collect(at, found)
    return
  }
  const exact = at.children.get(levels[depth]!)
  if (exact !== undefined) walk(exact, levels, depth + 1, false, found)
  if (reserved) return
  const any = at.children.get('+')
  if (any !== undefined) walk(any, levels, depth + 1, false, found)
}

function collect(branch: Branch, found: Map<Session, 0 | 1 | 2>): void {
  for (const [session, qos] of branch.sessions) {
    const before = found.get(session)
    if (before === undefined || before < qos) found.set(session, qos)
  }
}
