import type { CommandRequest, CommandView } from '../../api/commands.ts'
import type { Broker } from '../../broker/broker.ts'
import type { AckEvent } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import { ulidGenerator } from '../../kit/ulid.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Commands, SendResult } from '../fleet.ts'
import { CommandBook } from './book.ts'
import { Claims } from './claims.ts'
import { CommandKeys, canonicalBody, type KeptKey, keyName, keysCollection } from './keys.ts'
import { type Evidence, isFinal, isRefusal, step } from './machine.ts'
import type { Reported } from './proof.ts'
import { shown } from './redact.ts'
import { faultOf, newCommand, payloadOf, tooMuch, ulidMs } from './request.ts'
import { createSending } from './sending.ts'
import { type CommandWrites, commandsCollection, openCommandWrites } from './writes.ts'

/** The durable queue of commands. Every step of machine.ts is written before it is acted on: a command before it is answered for,
 *  the intent before the publish, an ack by the journal before it comes here. All changes but acks go through one line of writes;
 *  acks are applied at once and written behind (writes.ts). */
export interface CommandQueue extends Commands, Pick<CommandWrites, 'isNews' | 'reached' | 'pending'> {
  sendThrough(broker: Pick<Broker, 'sendCommand'>): void
  /** Sends what may leave now: to one node, or to all. `birth`: what left before is sent again, to nodes that know a repeat. */
  pump(node?: string, birth?: boolean): Promise<void>
  hasOpen(node: string): boolean
  /** Deadlines, resends, and once an hour the sweeping out of what is long over. */
  tick(): Promise<void>
  /** `reported`: what the node last said of its firmware. */
  applyAck(event: AckEvent, live: boolean, reported: Reported): void
  /** A live status of a node that is there. */
  applyStatus(node: string, reported: Reported, arrived: number, live: boolean): void
  /** The node is removed: ends its commands. */
  abandon(node: string): Promise<void>
  /** Waits for writes under way. */
  close(): Promise<void>
}

export interface CommandQueueParts {
  readonly records: Records
  readonly clock: Clock
  readonly random: (bytes: Uint8Array) => void
  readonly sealKey: string | Uint8Array
  readonly clockSuspect: () => boolean
  readonly nodeExists: (node: string) => boolean
  /** Can a command leave for this node now, and does it know a repeat? */
  readonly delivery: (node: string) => { readonly reachable: boolean; readonly dedupe: boolean }
  readonly emit: (command: CommandView) => void
  /** The records can't be written: one sentence for health and log. Tried again at the next tick. */
  readonly problem: (detail: string) => void
}

const sweepEveryMs = 3_600_000
const finishedKept = 10_000
const finishedKeptMs = 30 * 24 * 3_600_000

type Move = readonly [id: string, evidence: Evidence]

export async function openCommandQueue(parts: CommandQueueParts): Promise<CommandQueue> {
  const { records, clock } = parts
  const book = new CommandBook()
  const keys = new CommandKeys()
  const claims = new Claims()
  for await (const [name, kept] of records.list<KeptKey>(keysCollection)) keys.load(name, kept)
  const writes = await openCommandWrites(parts, book, take)

  // Ids sort in the order of the commands, also when the wall clock stepped back over a restart.
  const newestMs = ulidMs(book.newestId())
  const newId = ulidGenerator(() => Math.max(clock.wallMs(), newestMs + 1), parts.random)
  const sending = createSending(parts, book)
  let handed: Move[] = []
  let broker: Pick<Broker, 'sendCommand'> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let sweptAt = Number.NEGATIVE_INFINITY
  let troubled = false
  let closed = false

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  function take(command: CommandView): void {
    book.put(command)
    claims.take(command)
  }

  function put(command: CommandView): void {
    take(command)
    if (isFinal(command.state)) sending.ended(command.id)
    parts.emit(shown(command))
  }

  /** From the journal: kept there, written with the next that is written here. */
  function applied(next: CommandView, live: boolean): void {
    writes.changed(next.id)
    take(next)
    if (isFinal(next.state)) sending.ended(next.id)
    if (live) parts.emit(shown(next))
  }

  /** Moves commands by evidence, written first. Only in turn. Answers with those that moved; an ack that came during the write has
   *  the last word on where they stand. */
  async function move(moves: readonly Move[], sync = true): Promise<CommandView[]> {
    const now = clock.wallMs()
    const next = new Map<string, CommandView>()
    for (const [id, evidence] of moves) {
      const command = next.get(id) ?? book.get(id)
      const moved = command === undefined ? undefined : step(command, evidence, now)
      if (moved !== undefined && !isRefusal(moved)) next.set(id, moved)
    }
    if (next.size === 0) return []
    await writes.write([...next.values()].map(writes.toChange), sync)
    troubled = false
    return settle(moves, now)
  }

  function settle(moves: readonly Move[], now: number): CommandView[] {
    const moved = new Map<string, CommandView>()
    for (const [id, evidence] of moves) {
      const command = book.get(id)
      const next = command === undefined ? undefined : step(command, evidence, now)
      if (next === undefined || isRefusal(next)) continue
      put(next)
      moved.set(id, next)
    }
    return [...moved.values()]
  }

  async function keep(node: string, asked: CommandRequest, by: string, key: string | undefined): Promise<SendResult> {
    const now = clock.wallMs()
    if (!parts.nodeExists(node)) return { ok: false, why: 'no_such_node', detail: `no node ${node}; see: espalier nodes` }
    const body = canonicalBody(asked, node)
    const first = key === undefined ? undefined : keys.find(node, key, now)
    const earlier = first === undefined ? undefined : book.get(first.id)
    if (first !== undefined && earlier !== undefined) {
      if (first.body === body) return { ok: true, command: earlier, repeated: true }
      return {
        ok: false,
        why: 'conflict',
        detail: `this Idempotency-Key was used for another command to ${node} (${first.id}) within 24 h`,
      }
    }
    const command = newCommand(newId(), node, asked, by, now)
    const excess = tooMuch(command, book.open(node).filter(({ attempts }) => attempts === 0).length)
    if (excess !== null) return { ok: false, ...excess }
    const changes: Change[] = [writes.toChange(command)]
    const kept: KeptKey = { node, id: command.id, body, time: now }
    if (key !== undefined) changes.push({ collection: keysCollection, key: keyName(node, key), value: kept })
    try {
      await writes.write(changes, true)
    } catch (error) {
      // It may have reached the disk all the same; whoever was refused tries again, and both would be executed after a restart.
      writes.undo(changes)
      throw error
    }
    if (key !== undefined) keys.load(keyName(node, key), kept)
    put(command)
    return { ok: true, command, repeated: false }
  }

  async function pumpInTurn(nodes: readonly string[], birth: boolean): Promise<void> {
    if (broker === undefined || closed) return
    const leaving = nodes.flatMap(node => sending.due(node, birth))
    if (leaving.length === 0) return
    // A repeat has its intent on the disk already; only its count is new.
    const sync = leaving.some(command => command.attempts === 0)
    const moved = await move(
      leaving.map(command => [command.id, { kind: 'intent' }]),
      sync,
    )
    for (const command of moved) publish(command)
  }

  function publish(command: CommandView): void {
    sending.sent(command.id)
    broker!
      .sendCommand(command.node, payloadOf(command), by => note([command.id, { kind: 'handed', by }]))
      // Not taken: whether it left is unknown, so it stays as it is until an ack, a resend or the deadline.
      .catch((error: Error) => parts.problem(`command ${command.id} was not taken by the broker: ${error.message}`))
  }

  /** Evidence of delivery comes in bursts: one write for all that is there. */
  function note(evidence: Move): void {
    if (closed) return
    handed.push(evidence)
    if (handed.length > 1) return
    void inTurn(async () => {
      const moves = handed
      handed = []
      try {
        await move(moves)
      } catch (error) {
        for (const command of settle(moves, clock.wallMs())) writes.changed(command.id)
        trouble(error as Error)
      }
    })
  }

  /** Work nobody waits for: its failure is told, and the next tick tries again. */
  const quietly = (work: () => Promise<unknown>): Promise<void> => inTurn(work).then(() => undefined, trouble)

  /** Told once, not at each tick, until a write succeeds again. */
  function trouble(error: Error): void {
    if (!troubled) parts.problem(`commands can't be kept: ${error.message}`)
    troubled = true
  }

  async function sweep(): Promise<void> {
    if (parts.clockSuspect() || clock.monoMs() - sweptAt < sweepEveryMs) return
    sweptAt = clock.monoMs()
    const now = clock.wallMs()
    const changes = keys.drop(now)
    for (const id of book.prune(finishedKept, now - finishedKeptMs, id => keys.holds(id))) {
      writes.forget(id)
      changes.push({ collection: commandsCollection, key: id, remove: true })
    }
    if (changes.length > 0) await writes.write(changes, false)
  }

  const pump = (node?: string, birth = false): Promise<void> =>
    quietly(() => pumpInTurn(node === undefined ? book.nodesWithOpen() : [node], birth))

  await move(writes.unreadable.map(id => [id, { kind: 'abandon' }])) // they can't be sent any more

  return {
    async send(node, asked, by, key) {
      const fault = faultOf(asked, key)
      if (fault !== null) return { ok: false, why: 'bad_request', detail: fault }
      const result = await inTurn(() => keep(node, asked, by, key))
      if (!result.ok) return result
      if (!result.repeated) void pump(node)
      return { ...result, command: shown(result.command) }
    },

    async cancel(id) {
      return inTurn(async () => {
        const command = book.get(id)
        if (command === undefined) return { ok: false, why: 'not_found' }
        const [cancelled] = await move([[id, { kind: 'cancel' }]])
        return cancelled === undefined
          ? { ok: false, why: 'not_queued', command: shown(book.get(id)!) }
          : { ok: true, command: shown(cancelled) }
      })
    },

    get(id) {
      const command = book.get(id)
      return command && shown(command)
    },
    list: query => book.list(query).map(shown),
    matches: (node, ack) => book.match(node, ack) !== undefined,
    counts: () => book.counts(),
    hasOpen: node => book.hasOpen(node),
    pump,
    isNews: writes.isNews,
    reached: writes.reached,
    pending: writes.pending,

    sendThrough(through) {
      broker = through
      void pump()
    },

    async tick() {
      await quietly(async () => {
        const over = book.nodesWithOpen().flatMap(node => book.open(node).filter(sending.isOver))
        await move(over.map(command => [command.id, { kind: 'deadline' }]))
        await pumpInTurn(book.nodesWithOpen(), false)
        await sweep()
      })
    },

    applyAck({ node, ack, arrived }, live, reported) {
      const match = book.match(node, ack)
      if (match === undefined) return // closed by another ack of the same group; the lane has judged it as known
      const next = step(match.command, { kind: 'ack', ack, matched: match.matched, reported }, arrived)
      if (!isRefusal(next)) applied(next, live)
    },

    applyStatus(node, reported, arrived, live) {
      const command = book.get(claims.of(node) ?? '')
      const next = command && step(command, { kind: 'status', reported }, arrived)
      if (next !== undefined && !isRefusal(next)) applied(next, live)
    },

    async abandon(node) {
      await inTurn(async () => {
        const changes = keys.drop(clock.wallMs(), node)
        await move(book.open(node).map(command => [command.id, { kind: 'abandon' }]))
        if (changes.length > 0) await writes.write(changes, true)
      })
    },

    async close() {
      closed = true
      await turn
    },
  }
}
