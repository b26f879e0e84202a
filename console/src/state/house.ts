import { batch, computed, type Signal, signal } from '@preact/signals'
import type { BrokerView } from '../../../src/api/broker.ts'
import type { CommandView } from '../../../src/api/commands.ts'
import type { ApiEvent, LiveReading } from '../../../src/api/events.ts'
import type { Health } from '../../../src/api/health.ts'
import type { NodeView } from '../../../src/api/nodes.ts'
import type { RejectView } from '../../../src/api/rejects.ts'
import { askDoctor, loadAlerts, takeAlert } from './alarms.ts'
import { client, connections, live, now, session } from './connection.ts'
import { takeMessage } from './feed.ts'
import { askLedger } from './lost.ts'
import { tell } from './notices.ts'
import { askSiteName } from './site.ts'
import { readEvents } from './stream.ts'

/** What the page knows of the house: loaded once, then kept by one event stream. */
export const nodes = signal<ReadonlyMap<string, Signal<NodeView>>>(new Map())
export const loaded = signal(false)
export const commands = signal<readonly CommandView[]>([])
export const rejects = signal<readonly RejectView[]>([])
export const broker = signal<BrokerView | null>(null)
export const health = signal<Health | null>(null)

/** Readings a second over the last ten; null before the first second is over. */
export const rate = signal<number | null>(null)

const keptInLists = 100

/** Hands every live reading on as it comes (charts). */
export const readingListeners = new Set<(reading: LiveReading) => void>()

const trouble: Readonly<Record<NodeView['state'], number>> = { offline: 0, late: 1, unknown: 2, online: 3, asleep: 3 }

// Sorting 1,000 nodes is for a change of state, not for every reading: this counts the former.
const stateChanges = signal(0)
const byId = new Intl.Collator('en', { numeric: true })

const states = computed(() => {
  stateChanges.value
  return [...nodes.value].map(([id, node]) => [id, node.peek().state] as const)
})

/** Ids, trouble first, then by id. */
export const order = computed(() =>
  [...states.value].sort((a, b) => trouble[a[1]] - trouble[b[1]] || byId.compare(a[0], b[0])).map(([id]) => id),
)
export const countOf = (state: NodeView['state']): number => states.value.filter(([, is]) => is === state).length

function put(node: Signal<NodeView>, view: NodeView): void {
  const changed = node.peek().state !== view.state
  node.value = view
  // Behind the value: who sorts now must see the new state.
  if (changed) stateChanges.value++
}

export async function loadAll(): Promise<void> {
  const [list, recent, rejected, view, state] = await Promise.all([
    client.nodes(),
    client.commands({ limit: keptInLists }),
    client.rejects({ limit: 20 }),
    client.broker(),
    client.health(),
  ])
  batch(() => {
    putNodes(list)
    commands.value = recent
    rejects.value = rejected
    broker.value = view
    health.value = state
    loaded.value = true
  })
}

function putNodes(list: readonly NodeView[]): void {
  const next = new Map<string, Signal<NodeView>>()
  for (const node of list) {
    const known = nodes.peek().get(node.id)
    if (loaded.peek() && node.last_reading !== null && (known?.peek().last_reading ?? null) === null) tellFirst(node)
    if (known) put(known, node)
    next.set(node.id, known ?? signal(node))
  }
  nodes.value = next
}

/** Who sits at the bench with a first board looks here for one sentence. */
function tellFirst({ id, name }: NodeView): void {
  tell(`${name ?? id} spoke for the first time`, `/nodes/${id}`)
}

/** Follows the house for as long as the page is open. */
export async function follow(): Promise<void> {
  setInterval(
    () =>
      void client.health().then(
        value => (health.value = value),
        () => undefined,
      ),
    10_000,
  )
  setInterval(askBeside, 60_000)
  setInterval(showPending, 200)
  setInterval(measureRate, 1000)
  try {
    await readEvents(take, onConnection)
  } catch {
    // The stream ends for good only when the session does.
    session.value = 'out'
  }
}

/** What the cards do not wait for. */
function askBeside(): void {
  for (const ask of [loadAlerts, askDoctor, askLedger, askSiteName]) void ask().catch(() => undefined)
}

function onConnection(open: boolean, refused = false): void {
  const before = live.peek()
  if (!open) {
    live.value = { state: 'lost', since: before.state === 'lost' ? before.since : Date.now(), refused }
    return
  }
  live.value = { state: before.state === 'lost' ? 'back' : 'open' }
  connections.value++
  if (before.state === 'lost') setTimeout(() => live.peek().state === 'back' && (live.value = { state: 'open' }), 4000)
  void loadAll()
    .catch(() => undefined)
    .then(askBeside)
}

function take(event: ApiEvent): void {
  switch (event.type) {
    case 'readings':
      for (const reading of event.data) takeReading(reading)
      return
    case 'presence': {
      const node = nodes.peek().get(event.data.node)
      if (node) put(node, { ...node.peek(), state: event.data.state })
      else reloadSoon()
      return
    }
    case 'command':
      commands.value = [event.data, ...commands.peek().filter(one => one.id !== event.data.id)]
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, keptInLists)
      return
    case 'reject':
      rejects.value = [event.data, ...rejects.peek()].slice(0, keptInLists)
      return
    case 'broker':
      broker.value = event.data
      return
    case 'message':
      takeMessage(event.data)
      return
    case 'alert':
      takeAlert(event.data)
      return
    case 'gap':
      reloadSoon()
  }
}

// A fleet of 1,000 sends faster than anybody reads: cards are painted five times a second, with the newest values.
const pending = new Map<string, { last: Record<string, number>; time: number; count: number }>()

function takeReading(reading: LiveReading): void {
  arrivals++
  for (const listener of readingListeners) listener(reading)
  const waiting = pending.get(reading.node)
  if (!waiting) pending.set(reading.node, { last: { ...reading.fields }, time: reading.time, count: 1 })
  else {
    // A backlog must not show as the present.
    if (reading.time >= waiting.time) Object.assign(waiting.last, reading.fields)
    waiting.time = Math.max(waiting.time, reading.time)
    waiting.count++
  }
}

function showPending(): void {
  if (pending.size === 0) return
  batch(() => {
    for (const [id, { last, time, count }] of pending) {
      const node = nodes.peek().get(id)
      if (!node) {
        reloadSoon()
        continue
      }
      const view = node.peek()
      if (view.last_reading === null) tellFirst(view)
      const newer = time >= (view.last_reading ?? 0)
      node.value = {
        ...view,
        last: newer ? { ...view.last, ...withoutExtras(last) } : view.last,
        rssi: (newer ? last.wifi_rssi : undefined) ?? view.rssi,
        last_reading: Math.max(view.last_reading ?? 0, time),
        last_seen: now.peek(),
        stored: view.stored + count,
      }
    }
  })
  pending.clear()
}

function withoutExtras({ wifi_rssi: _, uptime: __, ...sensors }: Record<string, number>): Record<string, number> {
  return sensors
}

let arrivals = 0
const perSecond: number[] = []

function measureRate(): void {
  perSecond.push(arrivals)
  arrivals = 0
  if (perSecond.length > 10) perSecond.shift()
  rate.value = perSecond.reduce((sum, n) => sum + n, 0) / perSecond.length
}

let reloading = false

function reloadSoon(): void {
  if (reloading) return
  reloading = true
  setTimeout(() => {
    reloading = false
    void loadAll().catch(() => undefined)
  }, 300)
}
