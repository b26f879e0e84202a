import { isFinal } from './machine.ts'
import type { KeptCommand } from './proof.ts'

/** Of each node the command it said done of, while its status has yet to bear that out. */
export class Claims {
  readonly #byNode = new Map<string, string>()

  /** A command as it stands now. */
  take({ id, node, state, claimed }: KeptCommand): void {
    if (claimed && (!isFinal(state) || state === 'unknown')) this.#byNode.set(node, id)
    else if (this.#byNode.get(node) === id) this.#byNode.delete(node)
  }

  /** The id of a command. */
  of(node: string): string | undefined {
    return this.#byNode.get(node)
  }
}
