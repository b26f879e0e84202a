import { detached, type Message } from './message.ts'

/** The last retained message of each topic: an exact map for the filters nodes use, a trie for wildcards. In memory, bounded. */
export class RetainedMessages {
  private readonly exact = new Map<string, Message>()
  private readonly top = new Level()
  private readonly bounds: { retainedTopics: number; retainedBytes: number }
  private held = 0

  constructor(bounds: { retainedTopics: number; retainedBytes: number }) {
    this.bounds = bounds
  }

  get size(): number {
    return this.exact.size
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.held
  }

  get(topic: string): Message | undefined {
    return this.exact.get(topic)
  }

  all(): IterableIterator<Message> {
    return this.exact.values()
  }

  /** Keeps the message; an empty payload clears the topic [MQTT-3.3.1-10, -11]. false: full, the topic stays as it was. */
  set(news: Message): boolean {
    const name = news.known.name
    const before = this.exact.get(name)
    if (news.payload.length === 0) {
      if (before !== undefined) this.clear(name, before)
      return true
    }
    const bytes = this.held - (before?.payload.length ?? 0) + news.payload.length
    if (bytes > this.bounds.retainedBytes || (before === undefined && this.exact.size >= this.bounds.retainedTopics)) return false
    const message = detached(news)
    this.held = bytes
    this.exact.set(name, message)
    let at = this.top
    for (const level of message.known.levels) {
      let next = at.children.get(level)
      if (next === undefined) at.children.set(level, (next = new Level()))
      at = next
    }
    at.message = message
    return true
  }

  /** What a new subscription to this filter gets. */
  matching(filter: string): Message[] {
    if (!/[+#]/.test(filter)) {
      const message = this.exact.get(filter)
      return message === undefined ? [] : [message]
    }
    const found: Message[] = []
    seek(this.top, filter.split('/'), 0, found)
    return found
  }

  private clear(name: string, before: Message): void {
    this.exact.delete(name)
    this.held -= before.payload.length
    const levels = before.known.levels
    const path = [this.top]
    for (const level of levels) path.push(path[path.length - 1]!.children.get(level)!)
    path[levels.length]!.message = null
    for (let i = levels.length; i > 0 && path[i]!.empty; i--) path[i - 1]!.children.delete(levels[i - 1]!)
  }
}

class Level {
  readonly children = new Map<string, Level>()
  message: Message | null = null
  get empty(): boolean {
    return this.children.size === 0 && this.message === null
  }
}

function seek(at: Level, filter: readonly string[], depth: number, found: Message[]): void {
  const level = filter[depth]
  if (level === undefined) {
    if (at.message !== null) found.push(at.message)
    return
  }
  if (level === '#') {
    everything(at, depth === 0, found)
    return
  }
  if (level !== '+') {
    const next = at.children.get(level)
    if (next !== undefined) seek(next, filter, depth + 1, found)
    return
  }
  for (const [name, next] of at.children) {
    if (depth > 0 || !name.startsWith('$')) seek(next, filter, depth + 1, found)
  }
}

/** All below, and the level itself (`a/#` matches `a`); from the top without $-topics [MQTT-4.7.2-1]. */
function everything(at: Level, fromTop: boolean, found: Message[]): void {
  if (at.message !== null) found.push(at.message)
  for (const [name, next] of at.children) {
    if (!fromTop || !name.startsWith('$')) everything(next, false, found)
  }
}
