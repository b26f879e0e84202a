import type { IdentityView } from '../../api/identities.ts'
import type { Credentials } from '../../broker/broker.ts'
import { passwordMatches } from './secret.ts'

/** What the records keep of a credential: of a password its hash, of a certificate which one it is. Never a secret. */
export interface IdentityRecord {
  readonly id: string
  readonly created: number
  readonly rotated: number | null
  readonly revoked: number | null
  readonly proof: Proof
  /** What counted before the last rotation and still does: until the new one is used, or the grace is over. */
  readonly previous?: { readonly proof: Proof; readonly until: number }
}

export type Proof =
  | { readonly kind: 'password'; readonly hash: string }
  | { readonly kind: 'certificate'; readonly serial: string; readonly fingerprint: string; readonly expires: number }

/** Does what a client shows prove that it is this identity, now (Unix ms), and by which credential? A certificate counts only if it is
 *  the current one, or the one before in its grace: an older one of the same CA and name was replaced for a reason. */
export function proves(identity: IdentityRecord | undefined, shown: Credentials, now: number): 'current' | 'previous' | null {
  // Compared in any case: how long the answer takes tells nobody which ids there are.
  const current = matches(identity?.proof, shown)
  if (identity === undefined || identity.revoked !== null) return null
  if (current) return 'current'
  const { previous } = identity
  return previous !== undefined && now < previous.until && matches(previous.proof, shown) ? 'previous' : null
}

function matches(proof: Proof | undefined, { password, certificate }: Credentials): boolean {
  if (certificate !== undefined) return proof?.kind === 'certificate' && proof.fingerprint === certificate.fingerprint
  return passwordMatches(password, proof?.kind === 'password' ? proof.hash : nobodysHash)
}

export const withoutPrevious = ({ previous: _, ...record }: IdentityRecord): IdentityRecord => record

/** A hash that no password has: it says 512 zero bits. */
const nobodysHash = `$7$101$${Buffer.alloc(12).toString('base64')}$${Buffer.alloc(64).toString('base64')}`

export function viewOfIdentity(record: IdentityRecord, lastConnected: number | null, connected: boolean): IdentityView {
  const { id, created, rotated, revoked, proof, previous } = record
  return {
    id,
    kind: proof.kind,
    created,
    rotated,
    revoked,
    grace_until: previous?.until ?? null,
    expires: proof.kind === 'certificate' ? proof.expires : null,
    last_connected: lastConnected,
    connected,
  }
}
