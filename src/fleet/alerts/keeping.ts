import type { AlertRule } from '../../contract/alert-rules.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Book } from './book.ts'
import type { Message } from './channels/channel.ts'
import type { Instance, Moment } from './instance.ts'
import { type Envelope, outboxCollection } from './outbox.ts'
import type { Silences } from './silences.ts'
import type { Switchboard } from './switchboard.ts'

/** Writes alerts down, and what is to be told of them in the same synced write; only then the channels get it. So a crash neither
 *  forgets a message nor makes a second one of it. A write that fails is repeated with everything that has changed since. */
export interface Keeping {
  /** It fired or ended: to be written now, synced. */
  changed(id: string): void
  /** What samples would bring again (pending, good since): written with the next write that is due for it, unsynced. */
  touched(id: string): void
  /** Begins a write of what waits, if there is any. */
  save(): void
  /** Everything, also what is not due yet. */
  saveAll(): void
  /** Resolves when the writes that were begun have ended, well or not. */
  settled(): Promise<void>
}

export interface KeepingParts {
  readonly records: Records
  readonly book: Book
  readonly silences: Silences
  readonly board: Pick<Switchboard, 'names' | 'has' | 'push' | 'turn'>
  readonly now: () => Moment
  readonly nextId: () => string
  readonly rule: (name: string) => AlertRule | undefined
  readonly message: (instance: Instance, event: 'firing' | 'resolved') => Message
  /** It is kept: whoever listens may know. */
  readonly kept: (instance: Instance) => void
  readonly problem: (detail: string) => void
}

const softEveryMs = 10_000

export function createKeeping(parts: KeepingParts): Keeping {
  const { records, book, silences, board, now, nextId } = parts
  const hard = new Set<string>()
  const soft = new Set<string>()
  let softMs = now().monoMs
  let writing: Promise<void> = Promise.resolve()
  let waiting = false
  let writable = true

  /** Messages that are due for it, and what it is to remember of them. */
  function due(i: Instance): { envelopes: Envelope[]; told: Instance['told']; closed: boolean } {
    const envelopes: Envelope[] = []
    const put = (event: 'firing' | 'resolved', channels: readonly string[]): void => {
      const message = parts.message(i, event)
      for (const channel of channels)
        if (board.has(channel)) envelopes.push({ key: `${channel}/${nextId()}`, channel, alert: i.id, message })
    }
    let { told, closed } = i
    if (told === null && i.firedAt !== null && silences.until(i.rule, i.node) === null) {
      told = (parts.rule(i.rule)?.channels ?? board.names()).filter(board.has)
      put('firing', told)
    }
    if (i.phase === null && !closed) {
      closed = true
      if (told !== null) put('resolved', told)
    }
    return { envelopes, told, closed }
  }

  async function write(): Promise<void> {
    waiting = false
    const moment = now()
    const softDue = moment.monoMs - softMs >= softEveryMs
    const urgent = [...hard]
    const rest = softDue ? [...soft].filter(id => !hard.has(id)) : []
    const before = new Map<Instance, Pick<Instance, 'told' | 'closed'>>()
    const envelopes: Envelope[] = []
    for (const id of urgent) {
      const instance = book.get(id)
      if (instance === undefined) continue
      before.set(instance, { told: instance.told, closed: instance.closed })
      const { told, closed, envelopes: own } = due(instance)
      Object.assign(instance, { told, closed })
      envelopes.push(...own)
    }
    const changes: Change[] = [
      ...[...urgent, ...rest].map(id => book.change(id, moment)),
      ...envelopes.map(envelope => ({ collection: outboxCollection, key: envelope.key, value: envelope })),
      ...silences.expire(moment),
      ...book.overdue(),
    ]
    if (changes.length === 0) return
    hard.clear()
    for (const id of [...urgent, ...rest]) soft.delete(id)
    if (softDue) softMs = moment.monoMs
    try {
      await records.write(changes, { sync: urgent.length > 0 })
    } catch (error) {
      // Nothing was told, and all of it is due again.
      for (const [instance, was] of before) Object.assign(instance, was)
      for (const id of urgent) hard.add(id)
      for (const id of rest) soft.add(id)
      throw error
    }
    for (const instance of before.keys()) parts.kept(instance)
    board.push(envelopes)
    board.turn()
  }

  const succeeded = (): void => {
    writable = true
  }
  const failed = (error: Error): void => {
    if (writable) parts.problem(`alerts can't be written, and nobody is told (${error.message}); tried again every second`)
    writable = false
  }

  function save(): void {
    if (waiting) return // the write that has not begun takes it along
    waiting = true
    writing = writing.then(write).then(succeeded, failed)
  }

  return {
    changed: id => void hard.add(id),
    touched: id => void soft.add(id),
    save,
    saveAll() {
      softMs = Number.NEGATIVE_INFINITY
      save()
    },
    settled: () => writing,
  }
}
