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
}

export type Proof =
  | { readonly kind: 'password'; readonly hash: string }
  | { readonly kind: 'certificate'; readonly serial: string; readonly fingerprint: string; readonly expires: number }

/** Does what a client shows prove that it is this identity, now? A certificate counts only if it is the current one: an older one of
 *  the same CA and name was replaced for a reason. */
export function proves(identity: IdentityRecord | undefined, shown: Credentials): boolean {
  const { password, certificate } = shown
  const proof = identity?.proof
  if (certificate !== undefined) {
    return proof?.kind === 'certificate' && identity!.revoked === null && proof.fingerprint === certificate.fingerprint
  }
  // Hashed in any case: how long the answer takes tells nobody which ids there are.
  const right = passwordMatches(password, proof?.kind === 'password' ? proof.hash : nobodysHash)
  return right && identity!.revoked === null
}

/** A hash that no password has: it says 512 zero bits. */
const nobodysHash = `$7$101$${Buffer.alloc(12).toString('base64')}$${Buffer.alloc(64).toString('base64')}`

export function viewOfIdentity(record: IdentityRecord, lastConnected: number | null, connected: boolean): IdentityView {
  const { id, created, rotated, revoked, proof } = record
  return {
    id,
    kind: proof.kind,
    created,
    rotated,
    revoked,
    expires: proof.kind === 'certificate' ? proof.expires : null,
    last_connected: lastConnected,
    connected,
  }
}
