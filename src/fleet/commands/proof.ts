import type { CommandView } from '../../api/commands.ts'
import type { Status } from '../../contract/schemas.ts'

/** `done` of an update is the node's status, not its ack alone (wire contract §6): it reports the new version, confirmed. */

/** What a node said of its firmware in its latest status. */
export interface Reported {
  readonly version: string | null
  readonly confirmed: boolean | null
}

/** A command as it is kept. `claimed`: its node said done, and its status has yet to bear that out. */
export type KeptCommand = CommandView & { readonly claimed?: true }

export const reportedIn = (status: Status | null): Reported => ({
  version: status?.firmware?.version ?? null,
  confirmed: status?.firmware?.confirmed ?? null,
})

export type Proof = 'needless' | 'proven' | 'open' | 'contradicted'

export function proofOf({ command, params }: CommandView, reported: Reported): Proof {
  if (command !== 'update_firmware') return 'needless'
  if (reported.version !== null && reported.version !== params.version) return 'contradicted'
  return reported.version !== null && reported.confirmed === true ? 'proven' : 'open'
}
