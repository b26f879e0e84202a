import { type CommandState, type CommandView, commandStates } from '../../api/commands.ts'
import { answerable, isFinal } from './machine.ts'

/** All commands in memory, in the order they were made (which is the order of their ids). Keeps nothing on disk. */
export class CommandBook {
  readonly #byId = new Map<string, CommandView>()
  /** Ascending. */
  #ids: string[] = []
  /** Those without a final state, by node, oldest first. */
  readonly #open = new Map<string, Map<string, CommandView>>()

  get(id: string): CommandView | undefined {
    return this.#byId.get(id)
  }

  newestId(): string | undefined {
    return this.#ids.at(-1)
  }

  /** New, or the next state of one that is there. New ids must sort behind all others. */
  put(command: CommandView): void {
    if (!this.#byId.has(command.id)) this.#ids.push(command.id)
    this.#byId.set(command.id, command)
    const open = this.#open.get(command.node)
    if (!isFinal(command.state)) {
      if (open === undefined) this.#open.set(command.node, new Map([[command.id, command]]))
      else open.set(command.id, command)
    } else if (open?.delete(command.id) && open.size === 0) this.#open.delete(command.node)
  }

  open(node: string): CommandView[] {
    return [...(this.#open.get(node)?.values() ?? [])]
  }

  hasOpen(node: string): boolean {
    return this.#open.has(node)
  }

  nodesWithOpen(): string[] {
    return [...this.#open.keys()]
  }

  /** The command an ack belongs to: by id, else the oldest of that name that may have reached the node and has not ended. */
  match(node: string, ack: { id?: string; command: string }): { command: CommandView; matched: 'id' | 'name' } | undefined {
    if (ack.id !== undefined) {
      const command = this.#byId.get(ack.id)
      return command !== undefined && answerable(command, node) ? { command, matched: 'id' } : undefined
    }
    for (const command of this.#open.get(node)?.values() ?? [])
      if (command.command === ack.command && answerable(command, node)) return { command, matched: 'name' }
    return undefined
  }

  /** Newest first; `before` exclusive. */
  list(query: { node?: string; state?: CommandState; before?: string; limit: number }): CommandView[] {
    const found: CommandView[] = []
    const end = query.before === undefined ? this.#ids.length : placeOf(this.#ids, query.before)
    for (let i = end - 1; i >= 0 && found.length < query.limit; i--) {
      const command = this.#byId.get(this.#ids[i]!)!
      if (query.node !== undefined && command.node !== query.node) continue
      if (query.state !== undefined && command.state !== query.state) continue
      found.push(command)
    }
    return found
  }

  counts(): Record<CommandState, number> {
    const counts = Object.fromEntries(commandStates.map(state => [state, 0])) as Record<CommandState, number>
    for (const command of this.#byId.values()) counts[command.state]++
    return counts
  }

  /** Drops what has ended: all but the newest `keep`, and what ended before `endedBefore` (Unix ms). Answers with the ids. */
  prune(keep: number, endedBefore: number, held: (id: string) => boolean): string[] {
    let finished = 0
    const dropped = new Set<string>()
    for (let i = this.#ids.length - 1; i >= 0; i--) {
      const command = this.#byId.get(this.#ids[i]!)!
      if (!isFinal(command.state)) continue
      finished++
      if ((finished > keep || command.final_at! < endedBefore) && !held(command.id)) dropped.add(command.id)
    }
    for (const id of dropped) this.#byId.delete(id)
    if (dropped.size > 0) this.#ids = this.#ids.filter(id => !dropped.has(id))
    return [...dropped]
  }
}

/** The first place in an ascending list that is not below `id`. */
function placeOf(ids: readonly string[], id: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ids[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}
