/** The port for small state (registry, commands, ledger marks, rejects): JSON values in named collections, by string key in
 *  byte order. A write is atomic; durable at once with `sync`, otherwise after the next synced write or with the disk's own time
 *  (then only what the journal can replay may be written so). Every implementation runs suite.ts. */
export interface Records {
  get<T>(collection: string, key: string): Promise<T | undefined>
  write(changes: readonly Change[], options: { sync: boolean }): Promise<void>
  /** In key order; `after`/`before` exclusive. */
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
