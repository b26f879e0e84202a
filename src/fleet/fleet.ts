import type { CommandRequest, CommandState, CommandView } from '../api/commands.ts'
import type { NodePatch, NodeView, PresenceState } from '../api/nodes.ts'
import type { Broker } from '../broker/broker.ts'
import type { Applier } from '../contract/events.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Records } from '../store/records.ts'
import type { Identities, IdentitySources } from './identities/identities.ts'

export type { Alerts, AlertsParts, MachineState } from './alerts/alerts.ts'
export { openAlerts } from './alerts/open.ts'
export { type Audit, openAudit } from './audit.ts'
export type {
  Identities,
  IdentityRefusal,
  IdentityResult,
  IdentitySources,
  LiveSessions,
  UnclaimedPolicy,
} from './identities/identities.ts'
export type { CertificateIssuer, IssuedCertificate } from './identities/issuer.ts'
export { openFleet } from './open.ts'
export { openUpdates } from './updates/open.ts'
export {
  type FirmwareKeys,
  KeyAway,
  type OpenedKey,
  type UpdateRefusal,
  type UpdateResult,
  type Updates,
} from './updates/updates.ts'

/** fleet: who the nodes are, whether they are there, and what they were told. Durable batches come in as an applier; commands
 *  come in from HTTP and go out through the broker. It promises that a command's state moves only on evidence and is kept before
 *  it is acted on, and that the registry never runs ahead of the journal. It never judges a payload and never opens a socket.
 *  The ledger is kept here too: restored at open, written with the fleet's watermark at each checkpoint. Whoever replays the journal
 *  applies to the ledger exactly the batches that are new to the fleet. */
export interface Fleet extends Applier {
  nodes(): NodeView[]
  node(id: string): NodeView | undefined
  /** The last status message as it came. */
  status(id: string): Record<string, unknown> | null
  /** The last status with online:true: what the node says of itself outlives its will. */
  described(id: string): Record<string, unknown> | null
  patch(id: string, patch: NodePatch): Promise<NodeView | undefined>
  /** Tombstone: if the id speaks again it is quarantined. Its credential goes with it, and its session is closed. Waits for open
   *  commands to be cancelled or unknown. */
  remove(id: string): Promise<boolean>
  removed(id: string): boolean
  /** Stand-ins that are started again: their tombstones are lifted, nothing else. Between two batches. */
  readmit(ids: readonly string[]): Promise<void>
  readonly commands: Commands
  readonly identities: Identities
  /** Queued commands may leave from here on; presence and deadlines tick. */
  sendThrough(broker: Broker): void
  reachability(node: string, reachable: boolean): void
  /** Called between two batches: what changed since the last call, and the watermark, in one atomic unsynced write. */
  checkpoint(options: { sync: boolean }): Promise<void>
  on(listener: (event: FleetEvent) => void): () => void
  /** A node is back, or has booted anew (wire contract §4): what it may have missed is sent again. `time`: arrival, Unix ms. */
  onBirth(listener: (node: string, time: number) => void): () => void
  close(): Promise<void>
}

export interface FleetParts {
  readonly records: Records
  readonly ledger: Ledger
  readonly clock: Clock
  /** Is this wall clock not to be believed (wire contract §8)? Then no command expires. Default: never. */
  readonly clockSuspect?: () => boolean
  /** Where certificates come from, and what is to be done with nodes that nobody added. Default: none, and they are accepted. */
  readonly identities?: Partial<IdentitySources>
  /** Fills bytes with chance, for the ids of commands and for passwords. Default: node:crypto. */
  readonly random?: (bytes: Uint8Array) => void
  /** What the secrets of commands are sealed with in the records. Default: drawn, so that none outlives this process. */
  readonly sealKey?: string
  /** Calls `work` again and again; answers with how to stop it. Default: a timer that keeps no process alive. */
  readonly every?: (ms: number, work: () => void) => () => void
  /** Records that can't be written, a broker that does not take a command: one sentence for the log. It is tried again. */
  readonly onProblem?: (detail: string) => void
}

export type FleetEvent =
  | { readonly type: 'presence'; readonly node: string; readonly state: PresenceState; readonly time: number }
  | { readonly type: 'command'; readonly command: CommandView }

export interface Commands {
  /** Keeps the command (synced) as `queued`, then sends it as soon as the node can be reached. `key`: Idempotency-Key, scope the
   *  node, kept 24 h: same body → the same command with `repeated`, other body → `conflict`. Rejects when the records can't be written: then it was not taken. */
  send(node: string, request: CommandRequest, by: string, key?: string): Promise<SendResult>
  get(id: string): CommandView | undefined
  /** Newest first; `before` = a command id. */
  list(query: { node?: string; state?: CommandState; before?: string; limit: number }): CommandView[]
  cancel(
    id: string,
  ): Promise<{ ok: true; command: CommandView } | { ok: false; why: 'not_found' | 'not_queued'; command?: CommandView }>
  /** Does this ack belong to a command? Asked by ingest before it makes an event of it. */
  matches(node: string, ack: { id?: string; command: string }): boolean
  counts(): Readonly<Record<CommandState, number>>
}

export type SendResult =
  | { readonly ok: true; readonly command: CommandView; readonly repeated: boolean }
  | {
      readonly ok: false
      readonly why: 'no_such_node' | 'queue_full' | 'too_large' | 'conflict' | 'bad_request'
      readonly detail: string
    }
