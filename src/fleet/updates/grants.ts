import { createHash } from 'node:crypto'
import type { CommandView } from '../../api/commands.ts'

/** Tokens that open an image: each for one update of one node. It opens that image as often as the node needs it (a download that is cut
 *  goes on where it was) until the command has ended or its time is over; so it is worth nothing afterwards. Only hashes are held. */
export class Grants {
  readonly #byHash = new Map<string, Grant>()

  /** The token of a command as it is kept, in the address of its image. */
  take({ id, params }: Pick<CommandView, 'id' | 'params'>): void {
    const [, sha256, token] = /\/fw\/([0-9a-f]{64})\?t=([A-Za-z0-9_-]{16,})$/.exec(String(params.url)) ?? []
    if (sha256 !== undefined && token !== undefined) this.#byHash.set(hashOf(token), { command: id, sha256 })
  }

  find(token: string): Grant | undefined {
    return this.#byHash.get(hashOf(token))
  }

  /** Drops those whose command `isOver`. */
  sweep(isOver: (command: string) => boolean): void {
    for (const [hash, { command }] of this.#byHash) if (isOver(command)) this.#byHash.delete(hash)
  }
}

export interface Grant {
  readonly command: string
  readonly sha256: string
}

/** Looking up a hash tells nothing of the token by the time it takes. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64')
