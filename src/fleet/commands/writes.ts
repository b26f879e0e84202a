import type { CommandView } from '../../api/commands.ts'
import { comparePositions, firstPosition, type Position } from '../../contract/events.ts'
import type { Change, Records } from '../../store/records.ts'
import type { CommandBook } from './book.ts'
import { createCommandSeal, type StoredCommand } from './seal.ts'

/** Writing commands down. What acks have changed is not written at once (the journal has them) but goes with the next write, and
 *  every write carries the journal position that the commands stand at: so a replay meets exactly those commands that its acks met
 *  the first time, and an ack without id can't close a later one. */
export interface CommandWrites {
  /** Those that were sealed with another key: they are there, without their secrets. */
  readonly unreadable: readonly string[]
  /** A command as it is written down: its secrets are sealed. */
  toChange(command: CommandView): Change
  /** An ack (or evidence that could not be written) has changed it. */
  changed(id: string): void
  forget(id: string): void
  /** These were written, perhaps: the next write removes them. */
  undo(changes: readonly Change[]): void
  /** Is a batch that ends here still news to the commands? They may be ahead of the registry. */
  isNews(end: Position): boolean
  /** All acks up to here are applied. */
  reached(end: Position): void
  /** What is not written yet, with its position, for somebody else's write; `written` is to be told whether that succeeded. */
  pending(): { changes: Change[]; written: (ok: boolean) => void }
  /** One atomic write: what acks have changed, then these. Later changes of a key win. */
  write(changes: readonly Change[], sync: boolean): Promise<void>
}

export const commandsCollection = 'commands'
const mark = { collection: 'fleet', key: 'commands_applied' } as const

export interface CommandWritesParts {
  readonly records: Records
  readonly random: (bytes: Uint8Array) => void
  /** What secrets are sealed with in the records. */
  readonly sealKey: string | Uint8Array
}

/** Reads what was written down, which `load` takes, and goes on from there. */
export async function openCommandWrites(
  { records, random, sealKey }: CommandWritesParts,
  book: CommandBook,
  load: (command: CommandView) => void,
): Promise<CommandWrites> {
  const seal = createCommandSeal(sealKey, random)
  const unreadable: string[] = []
  for await (const [, stored] of records.list<StoredCommand>(commandsCollection)) {
    const command = seal.open(stored)
    load(command ?? stored)
    if (command === null) unreadable.push(stored.id)
  }
  const toChange = (command: CommandView): Change => ({
    collection: commandsCollection,
    key: command.id,
    value: seal.close(command),
  })
  let applied = (await records.get<Position>(mark.collection, mark.key)) ?? firstPosition
  const dirty = new Set<string>()
  let undone: Change[] = []

  function pending(): { changes: Change[]; written: (ok: boolean) => void } {
    const taken = [...dirty]
    const removals = undone
    dirty.clear()
    undone = []
    return {
      changes: [...removals, ...taken.map(id => toChange(book.get(id)!)), { ...mark, value: applied }],
      written: ok => {
        if (ok) return
        undone = [...removals, ...undone]
        for (const id of taken) if (book.get(id) !== undefined) dirty.add(id)
      },
    }
  }

  return {
    unreadable,
    toChange,
    changed: id => void dirty.add(id),
    forget: id => void dirty.delete(id),
    undo(changes) {
      undone.push(...changes.map(({ collection, key }): Change => ({ collection, key, remove: true })))
    },
    isNews: end => comparePositions(end, applied) > 0,
    reached(end) {
      applied = end
    },
    pending,
    async write(changes, sync) {
      const rest = pending()
      try {
        await records.write([...rest.changes, ...changes], { sync })
      } catch (error) {
        rest.written(false)
        throw error
      }
    },
  }
}
