import { randomFillSync } from 'node:crypto'
import type { AuditEntry } from '../api/audit.ts'
import type { Clock } from '../kit/clock.ts'
import { ulidGenerator } from '../kit/ulid.ts'
import type { Change, Records } from '../store/records.ts'

/** What is noted: `who` is `token`, `session`, `espalier` (by itself) or `unknown`. Never a secret in `detail` or `subject`. */
export type AuditNote = Pick<AuditEntry, 'who' | 'action' | 'outcome' | 'detail'> &
  Partial<Pick<AuditEntry, 'address' | 'subject'>>

export interface AuditQuery {
  /** The id of the last entry of the page before. */
  readonly before?: string
  /** A whole action (`node.add`) or its first part (`node`). */
  readonly action?: string
  readonly subject?: string
  readonly limit: number
}

/** Who did what, when, and what came of it. Entries are durable soon after `note` (a synced write each, in order); `list` shows only
 *  what is. Bounded by number and age: the oldest go, and are counted. */
export interface Audit {
  note(entry: AuditNote): void
  /** Credentials that were wrong: at most one entry a minute and address, which says how many there were since the last. */
  refusedCaller(address: string, what: string): void
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditEntry[]>
  counts(): { readonly kept: number; readonly dropped: number }
  close(): Promise<void>
}

export interface AuditParts {
  readonly records: Records
  readonly clock: Clock
  readonly random?: (bytes: Uint8Array) => void
  readonly maxEntries?: number
  readonly maxAgeMs?: number
  /** An entry that can't be written: one sentence for the log. */
  readonly onProblem?: (detail: string) => void
}

const collection = 'audit'
const yearMs = 365 * 86_400_000
const quietMs = 60_000
/** Callers whose failures are held apart; further ones share one account, so that invented addresses take no memory. */
const addressesKept = 1_000

interface Refusals {
  since: number
  more: number
  what: string
}

export async function openAudit(parts: AuditParts): Promise<Audit> {
  const { records, clock } = parts
  const maxEntries = parts.maxEntries ?? 50_000
  const maxAgeMs = parts.maxAgeMs ?? yearMs
  const nextId = ulidGenerator(() => clock.wallMs(), parts.random ?? (bytes => void randomFillSync(bytes)))
  /** Ids and times, oldest first: what the bounds are about. */
  const kept: { id: string; time: number }[] = []
  for await (const [id, entry] of records.list<AuditEntry>(collection)) kept.push({ id, time: entry.time })
  let dropped = (await records.get<number>('audit_state', 'dropped')) ?? 0
  let writing: Promise<unknown> = Promise.resolve()
  const refusals = new Map<string, Refusals>()

  async function write(entry: AuditEntry): Promise<void> {
    const changes: Change[] = [{ collection, key: entry.id, value: entry }]
    const oldest = clock.wallMs() - maxAgeMs
    let over = 0
    while (over < kept.length && (kept.length - over >= maxEntries || kept[over]!.time < oldest)) {
      changes.push({ collection, key: kept[over]!.id, remove: true })
      over++
    }
    if (over > 0) changes.push({ collection: 'audit_state', key: 'dropped', value: dropped + over })
    try {
      await records.write(changes, { sync: true })
      kept.splice(0, over)
      kept.push({ id: entry.id, time: entry.time })
      dropped += over
    } catch (error) {
      parts.onProblem?.(`the audit log can't be written (${(error as Error).message}); missing there: ${entry.action}`)
    }
  }

  const note = (entry: AuditNote): void => {
    const full: AuditEntry = {
      id: nextId(),
      time: clock.wallMs(),
      who: entry.who,
      address: entry.address ?? null,
      action: entry.action,
      subject: entry.subject ?? null,
      outcome: entry.outcome,
      detail: entry.detail.slice(0, 500),
    }
    writing = writing.then(() => write(full))
  }

  const noteRefusals = (address: string, refused: Refusals): void => {
    const detail = refused.more > 0 ? `${refused.what}; ${refused.more} more since the last entry` : refused.what
    note({ who: 'unknown', address, action: 'auth.failed', outcome: 'refused', detail })
  }

  /** Those that were held back and whose minute is over. */
  const flush = (all: boolean): void => {
    for (const [address, refused] of refusals) {
      if (!all && clock.monoMs() - refused.since < quietMs) continue
      refusals.delete(address)
      if (refused.more > 0) noteRefusals(address, refused)
    }
  }

  return {
    note,
    refusedCaller(from, what) {
      flush(false)
      const address = refusals.has(from) || refusals.size < addressesKept ? from : 'others'
      const known = refusals.get(address)
      if (known) {
        known.more++
        return
      }
      const first = { since: clock.monoMs(), more: 0, what }
      refusals.set(address, first)
      noteRefusals(address, first)
    },
    async list({ before, action, subject, limit }) {
      flush(false)
      await writing
      const found: AuditEntry[] = []
      const range = { reverse: true, ...(before !== undefined && { before }) }
      for await (const [, entry] of records.list<AuditEntry>(collection, range)) {
        if (action !== undefined && entry.action !== action && !entry.action.startsWith(`${action}.`)) continue
        if (subject !== undefined && entry.subject !== subject) continue
        found.push(entry)
        if (found.length === limit) break
      }
      return found
    },
    counts: () => ({ kept: kept.length, dropped }),
    async close() {
      flush(true)
      await writing
    },
  }
}
