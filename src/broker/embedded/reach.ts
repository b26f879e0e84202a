import type { Session } from './session.ts'

/** What the broker knows of one node id beyond its messages. */
export interface NodeReach {
  readonly id: string
  /** Sessions that subscribed to exactly its command topic. */
  readonly holders: Set<Session>
  /** Anonymous session that published its telemetry or status last. */
  lastSpeaker: Session | null
  /** Boot of its last birth; null when none was seen, or it names none. */
  boot: number | null
  /** What was last told to the manager. */
  reported: boolean
}

/** Which connection is a node's own (wire contract §5): the one whose user name is the id; among anonymous ones, that which holds
 *  the exact filter and published telemetry or status of the id last; until one has, any with the exact filter. */
export class Reach {
  private nodes = new Map<string, NodeReach>()
  private readonly spoken = new WeakMap<Session, Map<NodeReach, number>>()
  private spokenCount = 0
  private readonly tell: (node: string, reachable: boolean) => void

  constructor(tell: (node: string, reachable: boolean) => void) {
    this.tell = tell
  }

  entry(id: string): NodeReach {
    let entry = this.nodes.get(id)
    if (entry === undefined) {
      entry = { id, holders: new Set(), lastSpeaker: null, boot: null, reported: false }
      this.nodes.set(id, entry)
    }
    return entry
  }

  /** An anonymous session published telemetry or status of the node. On the way of every message: one comparison, mostly. */
  spoke(node: NodeReach, session: Session): void {
    if (node.lastSpeaker === session) return
    node.lastSpeaker = session
    let of = this.spoken.get(session)
    if (of === undefined) this.spoken.set(session, (of = new Map()))
    of.set(node, ++this.spokenCount)
  }

  /** The node's own sessions among those connected: none, one, or (nobody spoke yet) several. */
  own(node: NodeReach): Session[] {
    const connected = [...node.holders].filter(session => session.sink !== null && !session.ended)
    const named = connected.filter(session => session.identity.role === 'node' && session.identity.user === node.id)
    if (named.length > 0) return named
    const anonymous = connected.filter(session => session.identity.role === 'local')
    let last: Session | null = null
    let lastCount = 0
    for (const session of anonymous) {
      const count = this.spoken.get(session)?.get(node) ?? 0
      if (count > lastCount) {
        last = session
        lastCount = count
      }
    }
    return last === null ? anonymous : [last]
  }

  reachable(id: string): boolean {
    return this.ownOf(id).length > 0
  }

  ownOf(id: string): Session[] {
    const node = this.nodes.get(id)
    return node === undefined ? [] : this.own(node)
  }

  /** Tells the manager if it changed since it was last told. */
  settle(node: NodeReach): void {
    const reachable = this.own(node).length > 0
    if (reachable === node.reported) return
    node.reported = reachable
    this.tell(node.id, reachable)
  }

  /** The session is over: it speaks for nobody any more. */
  gone(session: Session): void {
    for (const node of this.spoken.get(session)?.keys() ?? []) if (node.lastSpeaker === session) node.lastSpeaker = null
    this.spoken.delete(session)
  }
}
