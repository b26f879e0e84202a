import { randomFillSync } from 'node:crypto'
import type { NodePatch, NodeView } from '../api/nodes.ts'
import type { Broker } from '../broker/broker.ts'
import { comparePositions, type DurableBatch, firstPosition, type JournalEvent, type Position } from '../contract/events.ts'
import type { Change } from '../store/records.ts'
import { reportedIn } from './commands/proof.ts'
import { openCommandQueue } from './commands/queue.ts'
import type { Fleet, FleetEvent, FleetParts } from './fleet.ts'
import { forgetChanges, IdentityBook } from './identities/book.ts'
import { openIdentities } from './identities/open.ts'
import { type Labels, type NodeRecord, viewOf } from './node.ts'
import { Registry } from './registry.ts'

/** Joins registry, presence, commands and the ledger's records into the fleet's door. Collections: `nodes`, `ledger` and `fleet`
 *  (watermarks) change together at a checkpoint; `labels` and `removed` whenever a person changes them; `commands` by queue.ts; those
 *  of identities by identities/book.ts. */
export async function openFleet(parts: FleetParts): Promise<Fleet> {
  const { records, ledger, clock } = parts
  const every = parts.every ?? timer
  const listeners = new Set<(event: FleetEvent) => void>()
  const birthListeners = new Set<(node: string, time: number) => void>()
  const emit = (event: FleetEvent): void => listeners.forEach(listener => void listener(event))
  const problem = parts.onProblem ?? (() => undefined)

  const registry = new Registry({
    onPresence: (node, state, time) => emit({ type: 'presence', node, state, time }),
    onBirth: (node, time) => {
      if (commands.hasOpen(node)) void commands.pump(node, true)
      for (const listener of birthListeners) listener(node, time)
    },
  })
  for await (const [id] of records.list('removed')) registry.loadRemoved(id)
  for await (const [id, labels] of records.list<Labels>('labels')) registry.label(id, labels)
  for await (const [id, record] of records.list<NodeRecord>('nodes'))
    if (!registry.removed(id)) registry.load(record, clock.monoMs())
  const book = new IdentityBook()
  for (const [id, firstSeen] of await book.load(records)) registry.introduce(id, firstSeen)
  for await (const [id, snapshot] of records.list('ledger')) if (!registry.removed(id)) ledger.restore(id, snapshot)

  let applied = (await records.get<Position>('fleet', 'applied')) ?? firstPosition
  /** What the journal may drop: only what a synced write covers. What was found at the opening LevelDB has written anew. */
  let kept = applied
  let batches = 0
  let broker: Broker | undefined
  let stopTicking: (() => void) | undefined
  let ticking = false
  const ledgerChanged = new Set<string>()
  const leaving = new Set<string>()
  let turn: Promise<unknown> = Promise.resolve()

  /** What people change, one after the other. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  const random = parts.random ?? (bytes => void randomFillSync(bytes))
  const commands = await openCommandQueue({
    records,
    clock,
    random,
    sealKey: parts.sealKey ?? drawKey(random),
    clockSuspect: parts.clockSuspect ?? (() => false),
    nodeExists: id => registry.get(id) !== undefined && !leaving.has(id),
    delivery,
    emit: command => emit({ type: 'command', command }),
    problem,
  })

  const identities = openIdentities({
    records,
    clock,
    random,
    book,
    registry,
    inTurn,
    checkpoint: () => checkpoint({ sync: true }),
    issuer: () => null,
    mqttsPort: () => 0,
    policy: () => 'accept',
    standsIn: () => false,
    elsewhere: () => null,
    ...parts.identities,
    problem,
  })

  /** Its latest status says online, or it never published one and spoke lately; and the broker can reach it (§5). */
  function delivery(id: string): { reachable: boolean; dedupe: boolean } {
    const node = registry.get(id)
    if (node === undefined || broker === undefined) return { reachable: false, dedupe: false }
    const there = node.status === null ? registry.spokeLately(node, clock.monoMs()) : node.presence.declared === 'online'
    return {
      reachable: there && broker.reachable(id),
      dedupe: node.status !== null && (node.described?.caps ?? []).includes('dedupe'),
    }
  }

  function apply(batch: DurableBatch, live: boolean): void {
    const monoMs = clock.monoMs()
    const news = comparePositions(batch.end, applied) > 0
    const commandNews = commands.isNews(batch.end)
    const spoke = new Set<string>()
    batches++
    for (const event of batch.events) {
      if (event.node === null || registry.removed(event.node)) continue
      if (news) registry.apply(event, live, monoMs, batches)
      if (commandNews) tellCommands(event, live)
      if (live && commands.hasOpen(event.node)) spoke.add(event.node)
    }
    if (news) applied = batch.end
    if (commandNews) commands.reached(batch.end)
    // It can be reached now, or an ack made room for the next one.
    for (const node of spoke) void commands.pump(node)
  }

  /** An ack; or a status that may bear one out. The registry has it already. */
  function tellCommands(event: JournalEvent, live: boolean): void {
    if (event.kind === 'ack') commands.applyAck(event, live, reportedIn(registry.get(event.node)?.described ?? null))
    else if (event.kind === 'status' && event.live && event.status?.online)
      commands.applyStatus(event.node, reportedIn(event.status), event.arrived, live)
  }

  function ledgerChanges(): Change[] {
    for (const id of ledger.takeChanged()) ledgerChanged.add(id)
    return [...ledgerChanged].map(id => {
      if (registry.removed(id)) ledger.forget(id) // a message that was being judged when the node was removed
      const snapshot = ledger.snapshot(id)
      return snapshot === undefined
        ? { collection: 'ledger', key: id, remove: true }
        : { collection: 'ledger', key: id, value: snapshot }
    })
  }

  async function checkpoint({ sync }: { sync: boolean }): Promise<void> {
    const position = applied
    const nodes = registry.takeChanged()
    const waiting = commands.pending()
    const uses = book.takeUses()
    const changes: Change[] = [
      ...ledgerChanges(),
      ...waiting.changes,
      ...uses.changes,
      { collection: 'fleet', key: 'applied', value: position },
    ]
    for (const [key, value] of nodes)
      changes.push(value === null ? { collection: 'nodes', key, remove: true } : { collection: 'nodes', key, value })
    const ledgerIds = [...ledgerChanged]
    ledgerChanged.clear()
    try {
      await records.write(changes, { sync })
      if (sync) kept = position
    } catch (error) {
      waiting.written(false)
      uses.putBack()
      registry.putBackChanged(nodes.keys())
      for (const id of ledgerIds) ledgerChanged.add(id)
      throw error
    }
  }

  async function relabel(id: string, patch: NodePatch): Promise<NodeView | undefined> {
    const node = registry.get(id)
    if (node === undefined) return undefined
    const labels: Labels = {
      name: patch.name === undefined ? node.name : patch.name,
      tags: patch.tags === undefined ? node.tags : [...new Set(patch.tags)],
    }
    await records.write([{ collection: 'labels', key: id, value: labels }], { sync: true })
    registry.label(id, labels)
    return viewOf(node)
  }

  async function remove(id: string): Promise<boolean> {
    if (registry.get(id) === undefined) return false
    leaving.add(id)
    try {
      await commands.abandon(id)
      const gone: Change[] = ['nodes', 'labels', 'ledger'].map(collection => ({ collection, key: id, remove: true }))
      const tombstone = { collection: 'removed', key: id, value: { time: clock.wallMs() } }
      await records.write([tombstone, ...gone, ...forgetChanges(id)], { sync: true })
      registry.remove(id)
      ledger.forget(id)
      await identities.removed(id)
      return true
    } finally {
      leaving.delete(id)
    }
  }

  async function readmit(ids: readonly string[]): Promise<void> {
    const gone = ids.filter(id => registry.removed(id))
    if (gone.length === 0) return
    // What the journal has of its earlier life must be behind the watermark by then.
    await checkpoint({ sync: true })
    await records.write(
      gone.map(key => ({ collection: 'removed', key, remove: true })),
      { sync: true },
    )
    for (const id of gone) registry.readmit(id)
  }

  async function tick(): Promise<void> {
    registry.tick(clock.monoMs(), clock.wallMs())
    if (ticking) return // the records are slow: the next tick finds what this one would
    ticking = true
    await commands.tick()
    await identities.tick()
    ticking = false
  }

  return {
    apply,
    watermark: () => kept,
    nodes: () => registry.views(),
    node: id => {
      const node = registry.get(id)
      return node && viewOf(node)
    },
    status: id => registry.get(id)?.status ?? null,
    described: id => registry.get(id)?.described ?? null,
    patch: (id, patch) => inTurn(() => relabel(id, patch)),
    remove: id => inTurn(() => remove(id)),
    removed: id => registry.removed(id),
    readmit: ids => inTurn(() => readmit(ids)),
    commands,
    identities,
    sendThrough(through) {
      broker = through
      commands.sendThrough(through)
      stopTicking ??= every(tickMs, () => void tick())
    },
    reachability(node, reachable) {
      if (reachable && commands.hasOpen(node)) void commands.pump(node)
    },
    checkpoint,
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onBirth(listener) {
      birthListeners.add(listener)
      return () => void birthListeners.delete(listener)
    },
    async close() {
      stopTicking?.()
      await commands.close()
      await turn
    },
  }
}

/** Silence and deadlines are noticed this late at most. */
const drawKey = (random: (bytes: Uint8Array) => void): Uint8Array => {
  const key = new Uint8Array(32)
  random(key)
  return key
}

const tickMs = 500

function timer(ms: number, work: () => void): () => void {
  const handle = setInterval(work, ms)
  handle.unref()
  return () => clearInterval(handle)
}
