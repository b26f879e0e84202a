import type { Change, Records } from '../../store/records.ts'
import type { IdentityRecord } from './identity.ts'

/** What is kept of identities, in memory as in the records. Collections: `identities` (the credentials), `claimed` (which nodes a
 *  person called theirs, and since when each is known), both synced whenever a person changes them; `identity_uses` (who connected
 *  when), with the fleet's checkpoints. */
export class IdentityBook {
  private readonly identities = new Map<string, IdentityRecord>()
  private readonly usedAt = new Map<string, number>()
  private used = new Set<string>()

  /** Answers with the claimed nodes, id and first moment. */
  async load(records: Records): Promise<(readonly [id: string, firstSeen: number])[]> {
    for await (const [id, record] of records.list<IdentityRecord>('identities')) this.identities.set(id, record)
    for await (const [id, at] of records.list<number>('identity_uses')) this.usedAt.set(id, at)
    const claimed: (readonly [string, number])[] = []
    for await (const [id, claim] of records.list<Claim>('claimed')) claimed.push([id, claim.first_seen])
    return claimed
  }

  get(id: string): IdentityRecord | undefined {
    return this.identities.get(id)
  }

  all(): IdentityRecord[] {
    return [...this.identities.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  set(record: IdentityRecord): void {
    this.identities.set(record.id, record)
  }

  lastUse(id: string): number | null {
    return this.usedAt.get(id) ?? null
  }

  noteUse(id: string, now: number): void {
    this.usedAt.set(id, now)
    this.used.add(id)
  }

  /** Uses since the last call, for a checkpoint. */
  takeUses(): { readonly changes: Change[]; putBack(): void } {
    const taken = this.used
    this.used = new Set()
    return {
      changes: [...taken].map(key => ({ collection: 'identity_uses', key, value: this.usedAt.get(key) })),
      putBack: () => {
        for (const id of taken) if (this.usedAt.has(id)) this.used.add(id)
      },
    }
  }

  forget(id: string): void {
    this.identities.delete(id)
    this.usedAt.delete(id)
    this.used.delete(id)
  }
}

export interface Claim {
  readonly time: number
  readonly first_seen: number
}

export const identityChange = (record: IdentityRecord): Change => ({ collection: 'identities', key: record.id, value: record })

export const claimChange = (id: string, claim: Claim): Change => ({ collection: 'claimed', key: id, value: claim })

/** What goes with a removed node. */
export const forgetChanges = (id: string): Change[] =>
  ['identities', 'claimed', 'identity_uses'].map(collection => ({ collection, key: id, remove: true }))
