import type { Credential, IdentityView, NodeAddition, NodeRotation } from '../../api/identities.ts'
import type { NodeView } from '../../api/nodes.ts'
import type { Credentials, Identity } from '../../broker/broker.ts'
import type { CertificateIssuer } from './issuer.ts'

/** identities: who may connect as which node, and which nodes are a person's own. Credentials come in from HTTP and leave once, as
 *  they are made; what is kept is a hash or a fingerprint, synced before it is answered. A board shows a password or a client
 *  certificate; what it may then do is the broker's table, not decided here. A revoked, replaced or removed credential is refused
 *  from the moment the call is judged, and its live session is closed; nothing ever makes a secret readable again. */
export interface Identities {
  /** A credential for a node; the node is there from now on, claimed, and its tombstone (if it was removed) is lifted. Must run
   *  between two batches: what was said before the removal must not come back as the new node's. */
  add(addition: NodeAddition): Promise<IdentityResult<Credential>>
  /** A new credential in place of the old one, which is invalid from now on, or with a grace from the new one's first use or the end of the
   *  grace on; also of a revoked one, which lets the node in again. */
  rotate(id: string, rotation: NodeRotation): Promise<IdentityResult<Credential>>
  /** The credential is invalid from now on; the node and its history stay. Again: nothing more happens. */
  revoke(id: string): Promise<IdentityResult<IdentityView>>
  /** "That's mine": the node is a person's own, also without a credential. Again: nothing more happens. */
  claim(id: string): Promise<IdentityResult<NodeView>>
  /** By id; never a secret. */
  list(): IdentityView[]
  /** Who is it? null: nobody, or no more. Asked by the broker at each CONNECT that shows something. */
  authenticate(shown: Credentials): Identity | null
  /** Does it have a credential, did a person claim it, or is it virtual? */
  claimed(id: string): boolean
  /** Policy `quarantine` and `refuse`: what a node that nobody claimed says is kept apart, as a reject. Asked by ingest. */
  quarantines(id: string): boolean
  /** Policy `refuse`: what a node that nobody claimed publishes is denied. Asked by the broker; the node is shown, so that it can be
   *  claimed. */
  refuses(id: string): boolean
  /** From here on sessions of credentials that are no longer valid are closed. */
  disconnectThrough(sessions: LiveSessions): void
}

/** What the identities are told from outside; functions, because it may come later or change. */
export interface IdentitySources {
  /** null: there is no own CA. */
  readonly issuer: () => CertificateIssuer | null
  /** Of the TLS listener, 0 while there is none: boards with a certificate need it. */
  readonly mqttsPort: () => number
  readonly policy: () => UnclaimedPolicy
  /** Ids of virtual nodes that run here: nobody's to take, and never unclaimed. */
  readonly standsIn: (id: string) => boolean
  /** null: credentials are ours to give. Else why not, and where they are: somebody else's broker keeps them. */
  readonly elsewhere: () => string | null
}

/** What of the broker the identities use. */
export interface LiveSessions {
  /** Closes the sessions of a user, without a will, and forgets the kept ones. */
  disconnect(user: string): Promise<void>
  /** Users with a live session. */
  connected(): ReadonlySet<string>
  /** Publishes retained in the node's name, for a node that can't any more: that it is offline, or null, nothing. */
  speakFor(node: string, status: Uint8Array | null): Promise<void>
}

export type IdentityResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: IdentityRefusal; readonly detail: string }

export type IdentityRefusal = 'no_such_node' | 'exists' | 'no_identity' | 'virtual' | 'no_issuer' | 'elsewhere'

/** What happens to nodes that nobody added. */
export type UnclaimedPolicy = 'accept' | 'quarantine' | 'refuse'
