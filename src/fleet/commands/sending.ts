import type { CommandView } from '../../api/commands.ts'
import { limits } from '../../contract/limits.ts'
import type { Clock } from '../../kit/clock.ts'
import type { CommandBook } from './book.ts'
import { mayPublish } from './machine.ts'

/** Which commands may leave for a node now (wire contract §5). Remembers when each left last, in this run only: after a restart the
 *  30 s begin anew. Publishes nothing itself. */
export interface Sending {
  /** Oldest first. `birth`: the node is back, so what left before is due again at once. */
  due(node: string, birth: boolean): CommandView[]
  /** Its time has passed; never while the wall clock is not believed (§8). */
  isOver(command: CommandView): boolean
  sent(id: string): void
  ended(id: string): void
}

const resendEveryMs = 30_000

export function createSending(
  parts: {
    readonly clock: Clock
    readonly clockSuspect: () => boolean
    readonly delivery: (node: string) => { readonly reachable: boolean; readonly dedupe: boolean }
  },
  book: CommandBook,
): Sending {
  const { clock } = parts
  const startedAt = clock.monoMs()
  const lastSent = new Map<string, number>()

  const isOver = (command: CommandView): boolean => !parts.clockSuspect() && clock.wallMs() >= command.expires

  return {
    isOver,
    due(node, birth) {
      const { reachable, dedupe } = parts.delivery(node)
      if (!reachable) return []
      const open = book.open(node)
      let room = limits.commandsInFlight - open.filter(command => command.attempts > 0).length
      return open.filter(command => {
        if (isOver(command) || !mayPublish(command, dedupe)) return false
        if (command.attempts > 0) return birth || clock.monoMs() - (lastSent.get(command.id) ?? startedAt) >= resendEveryMs
        return room-- > 0
      })
    },
    sent: id => void lastSent.set(id, clock.monoMs()),
    ended: id => void lastSent.delete(id),
  }
}
