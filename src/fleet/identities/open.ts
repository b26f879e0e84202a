import type { Credential, NodeAddition, NodeRotation } from '../../api/identities.ts'
import { encodeStatus } from '../../contract/encode.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Change, Records } from '../../store/records.ts'
import { type Labels, viewOf } from '../node.ts'
import type { Registry } from '../registry.ts'
import { claimChange, type IdentityBook, identityChange } from './book.ts'
import type { Identities, IdentityRefusal, IdentityResult, IdentitySources, LiveSessions } from './identities.ts'
import { type IdentityRecord, type Proof, proves, viewOfIdentity, withoutPrevious } from './identity.ts'
import { drawPassword, hashPassword } from './secret.ts'

export interface IdentitiesParts extends IdentitySources {
  readonly records: Records
  readonly clock: Clock
  /** Fills bytes with chance fit for secrets. */
  readonly random: (bytes: Uint8Array) => void
  readonly book: IdentityBook
  readonly registry: Registry
  /** Runs one change of the registry's people's part after the other. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** Writes down (synced) what was applied so far, so that no replay brings back what came before. */
  readonly checkpoint: () => Promise<void>
  readonly problem: (detail: string) => void
}

/** Also what the fleet calls when it removes a node. */
export interface OpenIdentities extends Identities {
  /** Its credential is gone with it: the session is closed, what is retained of it cleared. Resolves when a certificate is on the list. */
  removed(id: string): Promise<void>
  /** Ends the graces that are over. */
  tick(): Promise<void>
}

export function openIdentities(parts: IdentitiesParts): OpenIdentities {
  const { records, clock, book, registry, inTurn } = parts
  let sessions: LiveSessions | null = null

  async function draw(id: string, cert: boolean): Promise<{ proof: Proof; credential: Credential } | null> {
    if (!cert) {
      const password = drawPassword(parts.random)
      const proof: Proof = { kind: 'password', hash: hashPassword(password, parts.random) }
      return { proof, credential: { id, username: id, password } }
    }
    const issued = await parts.issuer()?.issue(id)
    if (issued === undefined) return null
    const { key, ca, serial, fingerprint, expires } = issued
    const proof: Proof = { kind: 'certificate', serial, fingerprint, expires }
    return { proof, credential: { id, cert: issued.cert, key, ca, port: parts.mqttsPort() } }
  }

  async function add({ id, name, cert = false }: NodeAddition): Promise<IdentityResult<Credential>> {
    if (parts.standsIn(id) && registry.get(id)?.claimed !== true)
      return no('virtual', `${id} is a virtual node of this server; take another id, or start with --sim 0`)
    if (book.get(id) !== undefined) return no('exists', `${id} has a credential already; rotate it for a new one, or remove it`)
    const drawn = await draw(id, cert)
    if (drawn === null) return noIssuer()
    // The tombstone is lifted: what is in the journal of its earlier life must be behind every watermark by then.
    if (registry.removed(id)) await parts.checkpoint()
    const now = clock.wallMs()
    const known = registry.get(id)
    const firstSeen = known?.firstSeen ?? now
    const record: IdentityRecord = { id, created: now, rotated: null, revoked: null, proof: drawn.proof }
    const labels: Labels | null = name === undefined ? null : { name, tags: known?.tags ?? [] }
    const changes: Change[] = [
      identityChange(record),
      claimChange(id, { time: now, first_seen: firstSeen }),
      { collection: 'removed', key: id, remove: true },
    ]
    if (labels !== null) changes.push({ collection: 'labels', key: id, value: labels })
    await records.write(changes, { sync: true })
    book.set(record)
    registry.introduce(id, firstSeen)
    if (labels !== null) registry.label(id, labels)
    return { ok: true, value: drawn.credential }
  }

  async function rotate(id: string, { cert, grace = 0 }: NodeRotation): Promise<IdentityResult<Credential>> {
    const before = book.get(id)
    if (before === undefined) return noIdentity(id)
    const drawn = await draw(id, cert ?? before.proof.kind === 'certificate')
    if (drawn === null) return noIssuer()
    const now = clock.wallMs()
    const kept = grace > 0 && before.revoked === null ? inUse(before, now) : null
    const record: IdentityRecord = {
      ...withoutPrevious(before),
      rotated: now,
      revoked: null,
      proof: drawn.proof,
      ...(kept !== null && { previous: { proof: kept, until: now + grace * 1_000 } }),
    }
    await records.write([identityChange(record)], { sync: true })
    book.set(record)
    const over = proofsOf(before).filter(proof => proof !== kept)
    if (kept === null) await end(id, over)
    else await listRevoked(id, over)
    return { ok: true, value: drawn.credential }
  }

  /** What the node has: while it has not used what came last, that is what was before. */
  const inUse = ({ proof, previous }: IdentityRecord, now: number): Proof =>
    previous !== undefined && now < previous.until ? previous.proof : proof

  /** The new credential is in use, or the time is up: what was before is invalid from now on. Nobody waits for the disk. */
  function endGrace(record: IdentityRecord): void {
    const { id } = record
    book.set(withoutPrevious(record))
    void inTurn(async () => {
      const now = book.get(id)
      if (now !== undefined) await records.write([identityChange(now)], { sync: true })
      await listRevoked(id, [record.previous!.proof])
    }).catch(error => parts.problem(`that the old credential of ${id} is over is not written down: ${String(error)}`))
  }

  async function revoke(id: string) {
    const before = book.get(id)
    if (before === undefined) return noIdentity(id)
    const record: IdentityRecord = { ...withoutPrevious(before), revoked: before.revoked ?? clock.wallMs() }
    // Shut out first, written down then: if the disk is full, it is at least out until a restart, and the caller hears of it.
    book.set(record)
    const listed = end(id, proofsOf(before))
    await records.write([identityChange(record)], { sync: true })
    await listed
    return { ok: true, value: view(record) } as const
  }

  async function claim(id: string) {
    const node = registry.get(id)
    if (node === undefined) return noSuchNode(id)
    if (!registry.claimed(id)) {
      await records.write([claimChange(id, { time: clock.wallMs(), first_seen: node.firstSeen })], { sync: true })
      registry.introduce(id, node.firstSeen)
    }
    return { ok: true, value: viewOf(node) } as const
  }

  /** A credential that no broker asks for would be a promise that nobody keeps. */
  async function refusal(detail: string) {
    return no('elsewhere', detail)
  }
  const elsewhere = () => {
    const detail = parts.elsewhere()
    return detail === null ? null : refusal(detail)
  }

  const noIdentity = (id: string) =>
    registry.get(id) === undefined
      ? noSuchNode(id)
      : no('no_identity', `${id} has no credential, so there is none to change; "node add" gives it one`)

  /** The credential is invalid: nobody goes on under it. The sockets are closed when this returns, and nobody waits for the sessions,
   *  because a change may run between two batches, and they are forgotten in one. Resolves when a certificate is on the list. */
  function end(id: string, proofs: readonly Proof[]): Promise<void> {
    const was = sessions?.connected().has(id) ?? false
    const closing = sessions?.disconnect(id) ?? Promise.resolve()
    closing
      .then(() => (was ? sayOffline(id) : undefined))
      .catch(error => parts.problem(`the session of ${id} is closed, but still shown as online: ${String(error)}`))
    return listRevoked(id, proofs)
  }

  /** What the node said last was that it is online. It can't take that back any more, and its will was not heard. */
  async function sayOffline(id: string): Promise<void> {
    const node = registry.get(id)
    if (node?.status?.online !== true || sessions!.connected().has(id)) return
    const boot = node.presence.birthBoot
    await sessions!.speakFor(id, encodeStatus(id, typeof boot === 'number' ? { online: false, boot } : { online: false }))
  }

  async function listRevoked(id: string, proofs: readonly Proof[]): Promise<void> {
    for (const proof of proofs) {
      if (proof.kind !== 'certificate') continue
      await parts
        .issuer()
        ?.revoke(proof.serial)
        .catch(error => parts.problem(`the certificate of ${id} is refused, but not on the revocation list: ${String(error)}`))
    }
  }

  const view = (record: IdentityRecord, connected = sessions?.connected()) =>
    viewOfIdentity(record, book.lastUse(record.id), connected?.has(record.id) ?? false)

  const claimed = (id: string): boolean => registry.claimed(id) || parts.standsIn(id)

  return {
    add: addition => inTurn(() => elsewhere() ?? add(addition)),
    rotate: (id, rotation) => inTurn(() => elsewhere() ?? rotate(id, rotation)),
    revoke: id => inTurn(() => elsewhere() ?? revoke(id)),
    claim: id => inTurn(() => claim(id)),
    list() {
      const connected = sessions?.connected()
      return book.all().map(record => view(record, connected))
    },
    authenticate(shown) {
      const id = shown.certificate?.cn ?? shown.user
      const now = clock.wallMs()
      const record = book.get(id)
      const by = proves(record, shown, now)
      if (by === null) return null
      if (by === 'current' && record!.previous !== undefined) endGrace(record!)
      book.noteUse(id, now)
      return { role: 'node', user: id }
    },
    claimed,
    quarantines: id => parts.policy() !== 'accept' && !claimed(id),
    refuses(id) {
      if (parts.policy() !== 'refuse' || claimed(id) || registry.removed(id)) return false
      registry.knocked(id, clock.wallMs())
      return true
    },
    disconnectThrough(live) {
      sessions = live
      // The list may have been lost, or a process ended before it was written. What is on it already costs nothing.
      for (const { id, proof, revoked } of book.all()) if (revoked !== null) void listRevoked(id, [proof])
    },
    removed(id) {
      const was = book.get(id)
      book.forget(id)
      const listed = listRevoked(id, was === undefined ? [] : proofsOf(was))
      const closing = sessions?.disconnect(id) ?? Promise.resolve()
      closing
        .then(() => sessions?.speakFor(id, null))
        .catch(error => parts.problem(`what is retained of ${id} could not be cleared: ${String(error)}`))
      return listed
    },
    async tick() {
      const now = clock.wallMs()
      for (const record of book.all()) {
        if (record.previous === undefined || now < record.previous.until) continue
        endGrace(record)
        // The new one was never used, so whoever is there came with the old one.
        await end(record.id, [])
      }
    },
  }
}

const proofsOf = ({ proof, previous }: IdentityRecord): Proof[] => (previous === undefined ? [proof] : [proof, previous.proof])

const no = (why: IdentityRefusal, detail: string) => ({ ok: false, why, detail }) as const

const noSuchNode = (id: string) => no('no_such_node', `no node has the id ${JSON.stringify(id)}; "node add" makes one`)

const noIssuer = () =>
  no('no_issuer', 'client certificates are signed by the own CA, which there is with "espalier up --lan"; or leave --cert out')
