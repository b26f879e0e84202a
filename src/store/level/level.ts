import { mkdir, open, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { checkCollection, type KeyRange, type Records, type RecordsDamage } from '../records.ts'
import { levelAt, openMended } from './damage.ts'
import { decodeEntry, encodeEntry, entryKey } from './entry.ts'

/** Records on LevelDB (classic-level). Its LOCK file, held by the operating system, is the lock of the data directory: it is free
 *  again the moment the holder dies. */
export interface LevelRecords extends Records {
  /** What was found damaged when it was opened, and since. Empty: all is well. */
  readonly damage: readonly RecordsDamage[]
  /** Everything as it is at this moment, as it is stored; writes go on meanwhile. To be closed. */
  snapshot(): RecordsSnapshot
}

export interface RecordsSnapshot {
  readonly pairs: AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  close(): Promise<void>
}

export interface LevelRecordsOptions {
  /** Called for each damage found, also later, when a value fails its checksum on reading. */
  readonly onDamage?: (damage: RecordsDamage) => void
}

/** Opens (or makes) the records in `dir`. Rejects with `RecordsLocked` while another holds them, and with the system's own error
 *  when the folder can't be used at all (permissions, a file in its place). Damage is mended or set aside, never an error. */
export async function openLevelRecords(dir: string, options: LevelRecordsOptions = {}): Promise<LevelRecords> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const damage: RecordsDamage[] = []
  const report = (found: RecordsDamage): void => {
    damage.push(found)
    options.onDamage?.(found)
  }
  let db = await openMended(dir, report)
  let turn: Promise<unknown> = Promise.resolve()
  let failed = false
  let closed = false
  /** There are writes that no sync has covered. */
  let unsynced = false

  // After a failed write the end of LevelDB's log is torn, and what it would append behind that is skipped by the next recovery: no
  // write before the log has been read anew. That itself writes a table, so on a full disk it waits; reading goes on meanwhile.
  const reopen = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(dir)
    if (bavail * bsize < roomToReopen)
      throw new Error(
        `records: the disk is full (${bavail * bsize} bytes free in ${dir}, ${roomToReopen} needed); make room, it goes on by itself`,
      )
    await db.close()
    await reach()
    failed = false
  }

  /** Open, also after an opening anew that failed half-way. */
  const reach = async (): Promise<void> => {
    if (db.status === 'open') return
    db = levelAt(dir)
    await db.open()
  }

  const check = (collection: string): void => {
    if (closed) throw new Error('records are closed')
    checkCollection(collection)
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    damage,

    async get<T>(collection: string, key: string) {
      check(collection)
      if (failed) await inTurn(reach)
      const full = entryKey(collection, key)
      const stored = await db.get(full)
      if (stored === undefined) return undefined
      const decoded = decodeEntry(full, stored)
      if (decoded === undefined) report(wrongEntries([`${collection}/${key}`]))
      return decoded?.value as T | undefined
    },

    async write(changes, { sync }) {
      for (const change of changes) check(change.collection)
      const batch = changes.map(change => {
        const key = entryKey(change.collection, change.key)
        return 'remove' in change
          ? { type: 'del' as const, key }
          : { type: 'put' as const, key, value: encodeEntry(key, change.value) }
      })
      if (batch.length === 0 && !sync) return
      // LevelDB skips an empty batch, sync or not; removing what is not there carries the sync.
      if (batch.length === 0) batch.push({ type: 'del', key: entryKey('sync', '') })
      await inTurn(async () => {
        if (failed) await reopen()
        try {
          if (sync && unsynced) await syncLogs(dir)
          await db.batch(batch, { sync })
          unsynced = !sync
        } catch (error) {
          failed = true
          throw error
        }
      })
    },

    list<T>(collection: string, range: KeyRange = {}) {
      check(collection)
      const from = range.after === undefined ? { gte: entryKey(collection, '') } : { gt: entryKey(collection, range.after) }
      const to = { lt: range.before === undefined ? `${collection}\x01` : entryKey(collection, range.before) }
      const bounds = { ...from, ...to, reverse: range.reverse ?? false, limit: range.limit ?? -1 }
      return (async function* () {
        if (failed) await inTurn(reach)
        for await (const [full, stored] of db.iterator(bounds)) {
          const key = full.slice(collection.length + 1)
          const decoded = decodeEntry(full, stored)
          if (decoded === undefined) report(wrongEntries([`${collection}/${key}`]))
          else yield [key, decoded.value as T] as const
        }
      })()
    },

    snapshot() {
      if (closed) throw new Error('records are closed')
      const snapshot = db.snapshot()
      const level = db
      const pairs = async function* () {
        yield* level.iterator<Buffer, Buffer>({ snapshot, keyEncoding: 'buffer', valueEncoding: 'buffer' })
      }
      return { pairs: pairs(), close: () => snapshot.close() }
    },

    async close() {
      if (closed) return
      closed = true
      await inTurn(() => db.close())
    },
  }
}

/** Before a synced write, what was written before it: LevelDB syncs only the log it writes on, and one that it left full a moment ago
 *  stays in the page cache until its table stands. A power cut then lost 93 entries that came before a synced one (3 times in 6). */
async function syncLogs(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.endsWith('.log')) continue
    const log = await open(join(dir, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined // its table stands
      throw error
    })
    await log?.datasync().finally(() => log.close())
  }
}

/** LevelDB's write buffer (4 MiB) as a table, and its small files. */
const roomToReopen = 8 * 1024 * 1024

/** The report on values that failed their checksum. */
function wrongEntries(keys: readonly string[]): RecordsDamage {
  return {
    what: 'entries',
    keys,
    detail: `${keys.length} record(s) failed their checksum and count as absent: ${keys.join(', ')}`,
  }
}
