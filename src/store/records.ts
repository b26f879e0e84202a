/** The port for small state (registry, commands, ledger marks, rejects): JSON values in named collections, by string key in
 *  byte order. A write is atomic; durable at once with `sync`, otherwise after the next synced write or with the disk's own time
 *  (then only what the journal can replay may be written so). A failed write changes nothing that a reader sees; whether it is
 *  there after a restart is open, so it is written again. Every implementation runs records-suite.ts. */
export interface Records {
  get<T>(collection: string, key: string): Promise<T | undefined>
  /** Writes are served in the order of the calls. */
  write(changes: readonly Change[], options: { sync: boolean }): Promise<void>
  /** In key order; `after`/`before` exclusive. Shows the state of its first step. */
  list<T>(collection: string, range?: KeyRange): AsyncIterable<readonly [key: string, value: T]>
  close(): Promise<void>
}

export type Change =
  | { readonly collection: string; readonly key: string; readonly value: unknown }
  | { readonly collection: string; readonly key: string; readonly remove: true }

export interface KeyRange {
  readonly after?: string
  readonly before?: string
  readonly reverse?: boolean
  readonly limit?: number
}

/** Another process (or another part of this one) has the data directory open: exit code 8. */
export class RecordsLocked extends Error {
  readonly dir: string
  constructor(dir: string) {
    super(`data directory in use: ${dir} is locked by another espalier process; stop that one, or give another --data`)
    this.name = 'RecordsLocked'
    this.dir = dir
  }
}

/** What an opening found damaged, and what was done about it. */
export interface RecordsDamage {
  /** `repaired`: entries may be missing. `aside`: the old files lie in `movedTo`, what could be read of them was copied.
   *  `entries`: a value failed its checksum when it was read, later. `emptied`: tables or logs were there, and nothing of them
   *  could be read. */
  readonly what: 'repaired' | 'aside' | 'entries' | 'emptied'
  /** A sentence for people: what, where, what it means. */
  readonly detail: string
  readonly movedTo?: string
  /** Keys whose values failed their checksum, as `collection/key`. */
  readonly keys?: readonly string[]
}

const collectionPattern = /^[a-z][a-z0-9_]*$/

/** A collection's name is ours, never a user's: a wrong one is a bug. */
export function checkCollection(name: string): void {
  if (!collectionPattern.test(name)) throw new Error(`collection name ${JSON.stringify(name)}: allowed are a-z, 0-9 and _`)
}
