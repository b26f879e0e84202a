import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Broker } from '../broker/broker.ts'
import type { JournalEvent, Position } from '../contract/events.ts'
import { comparePositions } from '../contract/events.ts'
import type { Status } from '../contract/schemas.ts'
import { ManualClock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import type { Records } from '../store/records.ts'
import type { Fleet, FleetEvent } from './fleet.ts'
import { openFleet } from './fleet.ts'

/** Counts the events of each node: enough to see that the fleet keeps and restores exactly what was applied. */
function countingLedger(): Ledger & { count(node: string): number } {
  const counts = new Map<string, number>()
  const changed = new Set<string>()
  return {
    count: node => counts.get(node) ?? 0,
    known: () => 'no',
    oldestIsNews: () => true,
    apply(event) {
      if (event.node === null) return
      counts.set(event.node, (counts.get(event.node) ?? 0) + 1)
      changed.add(event.node)
    },
    receipt: () => [],
    report: node => ({ node, expected: 0, stored: 0, duplicates: 0, rejected: 0, missing: 0, lost: 0, gaps: [] }),
    nodes: () => [...counts.keys()],
    snapshot: node => counts.get(node),
    restore: (node, snapshot) => void counts.set(node, snapshot as number),
    takeChanged() {
      const taken = [...changed]
      changed.clear()
      return taken
    },
    forget: node => void counts.delete(node),
  }
}

/** The manager's part: the journal's batches in order, the fleet behind them. */
class World {
  clock = new ManualClock()
  records: Records = createMemoryRecords()
  ledger = countingLedger()
  journal: { events: JournalEvent[]; end: Position }[] = []
  events: FleetEvent[] = []
  births: string[] = []
  problems: string[] = []
  published: { node: string; payload: string; evidence: (kind: 'write' | 'puback') => void }[] = []
  reachable = new Set<string>(['01', '02'])
  tick: () => void = () => undefined
  fleet!: Fleet

  /** Opens as a start does: what the records hold, then the journal from the watermark on. */
  async start(): Promise<this> {
    this.ledger = countingLedger()
    this.fleet = await openFleet({
      records: this.records,
      ledger: this.ledger,
      clock: this.clock,
      every: (_ms, work) => {
        this.tick = work
        return () => undefined
      },
      onProblem: detail => this.problems.push(detail),
    })
    const from = this.fleet.watermark()
    for (const batch of this.journal) {
      if (comparePositions(batch.end, from) <= 0) continue
      for (const event of batch.events) this.ledger.apply(event)
      this.fleet.apply(batch, false)
    }
    this.fleet.on(event => this.events.push(event))
    this.fleet.onBirth(node => this.births.push(node))
    return this
  }

  connect(): void {
    this.fleet.sendThrough({
      kind: 'embedded',
      reachable: (node: string) => this.reachable.has(node),
      sendCommand: async (node: string, payload: Uint8Array, evidence: (kind: 'write' | 'puback') => void) => {
        this.published.push({ node, payload: new TextDecoder().decode(payload), evidence })
      },
    } as unknown as Broker)
  }

  batch(...events: JournalEvent[]): void {
    const end = { segment: 0, offset: 100 * (this.journal.length + 1) }
    const batch = { events, end }
    this.journal.push(batch)
    for (const event of events) this.ledger.apply(event)
    this.fleet.apply(batch, true)
  }

  reading(node: string, fields: Record<string, number>, more: { time?: number } = {}): JournalEvent {
    const arrived = this.clock.wall
    const names = Object.keys(fields)
    return {
      kind: 'reading',
      node,
      arrived,
      time: more.time ?? arrived,
      boot: null,
      seq: null,
      names,
      values: Object.values(fields),
    }
  }
  status(node: string, status: Partial<Status>, live = true): JournalEvent {
    return { kind: 'status', node, arrived: this.clock.wall, live, status: { node_id: `node_${node}`, online: true, ...status } }
  }
  reject(node: string | null, count = 1, topic = `iot/node/${node}/telemetry`): JournalEvent {
    const raw = new Uint8Array()
    const rest = { detail: '', size: 0, raw, truncated: false, indices: null, settles: null }
    return { kind: 'reject', node, topic, arrived: this.clock.wall, reason: 'bad_json', count, ...rest }
  }
  counts(node: string, duplicates: number, nullValues: number, ignoredKeys: number): JournalEvent {
    return { kind: 'counts', node, arrived: this.clock.wall, duplicates, nullValues, ignoredKeys }
  }
  ack(node: string, ack: { id?: string; command: string; state: 'done' | 'running' }): JournalEvent {
    return { kind: 'ack', node, arrived: this.clock.wall, ack: { node_id: `node_${node}`, ...ack } }
  }
}

/** Lets writes that were begun come to their end. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

let world: World
beforeEach(async () => {
  world = await new World().start()
})

describe('a node', () => {
  test('exists from its first accepted message: a reading, a status, an ack; what was rejected before is counted', () => {
    world.batch(world.reject('01', 3), world.reject('02'), world.reject(null), world.counts('04', 0, 1, 2))
    expect(world.fleet.nodes()).toEqual([])
    world.clock.advance(1000)
    const now = world.clock.wall
    world.batch(world.reading('01', { t: 1 }), world.status('02', {}), world.ack('03', { command: 'ping', state: 'done' }))
    const seen = world.fleet.nodes().map(node => [node.id, node.rejected, node.first_seen, node.last_seen, node.claimed])
    expect(seen).toEqual([
      ['01', 3, now, now, false],
      ['02', 1, now, now, false],
      ['03', 0, now, now, false],
    ])
    expect(world.fleet.node('04')).toBeUndefined()
    world.batch(world.reading('04', { t: 1 }))
    expect(world.fleet.node('04')).toMatchObject({ null_values: 1, ignored_keys: 2, stored: 1 })
  })

  test('ids that are only ever rejected are remembered up to a bound', async () => {
    for (let i = 0; i < 1500; i++) world.batch(world.reject(`n${i}`))
    await world.fleet.checkpoint({ sync: true })
    let kept = 0
    for await (const _ of world.records.list('nodes')) kept++
    expect(kept).toBe(1000)
  })

  test('counts what it sent', () => {
    const settledEvent: JournalEvent = { kind: 'settled', node: '01', arrived: 5, time: 1, boot: 1, seq: 1 }
    world.batch(world.reading('01', { t: 1 }), settledEvent, world.counts('01', 2, 3, 4), world.reject('01', 5))
    expect(world.fleet.node('01')).toMatchObject({ stored: 2, rejected: 5, duplicates: 2, null_values: 3, ignored_keys: 4 })
  })

  test('shows the newest values by their own time, whatever order they come in', () => {
    world.batch(
      world.reading('01', { t: 1, h: 10, wifi_rssi: -50, uptime: 9 }, { time: 2000 }),
      world.reading('01', { t: 2, p: 7, wifi_rssi: -80 }, { time: 1000 }),
    )
    expect(world.fleet.node('01')).toMatchObject({ last: { t: 1, h: 10, p: 7 }, last_reading: 2000, rssi: -50 })
    expect(Object.keys(world.fleet.node('01')!.last)).toEqual(['t', 'h', 'p'])
    const names = ['t']
    const shared = { kind: 'reading', node: '01', arrived: 1, boot: null, seq: null, names } as const
    world.batch({ ...shared, time: 3000, values: [3] }, { ...shared, time: 2500, values: [4] })
    expect(world.fleet.node('01')!.last).toEqual({ t: 3, h: 10, p: 7 })
  })

  test('is described by its status, also after its will', () => {
    const about = { interval: 10, board: 'esp32', ip: '10.0.0.7', virtual: true, wifi_rssi: -61, firmware: { version: '1.2.0' } }
    world.batch(world.status('01', { boot: 1, ...about, sensors: [{ name: 't', unit: '°C' }] }))
    const described = { interval: 10, board: 'esp32', ip: '10.0.0.7', virtual: true, rssi: -61, firmware: '1.2.0' }
    expect(world.fleet.node('01')).toMatchObject(described)
    world.clock.advance(5000)
    const seen = world.fleet.node('01')!.last_seen
    world.batch(world.status('01', { online: false, boot: 1 }))
    expect(world.fleet.node('01')).toMatchObject({ ...described, state: 'offline', last_seen: seen })
    expect(world.fleet.status('01')).toEqual({ node_id: 'node_01', online: false, boot: 1 })
    expect(world.fleet.described('01')).toMatchObject({ sensors: [{ name: 't', unit: '°C' }] })
  })

  test('a will of an earlier boot is not its latest status', () => {
    world.batch(world.status('01', { boot: 1 }), world.status('01', { boot: 2 }), world.status('01', { online: false, boot: 1 }))
    expect(world.fleet.status('01')).toMatchObject({ online: true, boot: 2 })
    expect(world.fleet.node('01')!.state).toBe('online')
  })

  test('clearing a status nobody knows makes no node', () => {
    world.batch({ kind: 'status', node: '01', arrived: 1, live: true, status: null })
    expect(world.fleet.nodes()).toEqual([])
  })
})

describe('presence', () => {
  test('is told once a change, with the moment, and births beside it', () => {
    world.connect()
    world.batch(world.status('01', { boot: 1, interval: 1 }))
    world.batch(world.reading('01', { t: 1 }))
    world.clock.advance(3000)
    world.tick()
    world.clock.advance(1)
    world.tick()
    world.tick()
    world.batch(world.reading('01', { t: 1 }))
    world.batch(world.status('01', { online: false, boot: 1, reason: 'sleep' }))
    expect(world.events.map(event => event.type === 'presence' && event.state)).toEqual(['online', 'late', 'online', 'asleep'])
    expect(world.births).toEqual(['01'])
  })

  test('telemetry that was rejected or known already is a sign of life; a retained replay is none', () => {
    world.connect()
    world.batch(world.reading('01', { t: 1 }), world.reading('02', { t: 1 }))
    for (const event of [world.reject('01'), world.counts('01', 1, 0, 0)]) {
      world.clock.advance(29_000)
      world.batch(event, { ...world.reject('02'), reason: 'retained_replay' } as JournalEvent)
      world.tick()
    }
    expect(world.fleet.nodes().map(node => node.state)).toEqual(['online', 'late'])
  })

  test('is told of nobody who was only ever rejected, and of a node from its first accepted message', () => {
    world.batch(world.reject('01'), world.counts('02', 0, 1, 1))
    expect(world.events).toEqual([])
    world.batch(world.reject('01'), world.reading('01', { t: 1 }))
    expect(world.events).toMatchObject([{ type: 'presence', node: '01', state: 'online' }])
  })

  test('after a restart only what was declared gone is known, and the next status is a birth', async () => {
    world.batch(world.status('01', { boot: 1 }), world.status('02', { boot: 1 }), world.reading('03', { t: 1 }))
    world.batch(world.status('02', { online: false, boot: 1 }))
    for (const checkpointed of [false, true]) {
      if (checkpointed) await world.fleet.checkpoint({ sync: false })
      await world.start()
      expect(world.fleet.nodes().map(node => node.state)).toEqual(['unknown', 'offline', 'unknown'])
    }
    expect(world.births).toEqual(['01', '02'])
    world.batch(world.status('01', { online: false, boot: 2 }, false)) // not of the birth that was recorded
    expect(world.fleet.node('01')!.state).toBe('unknown')
    world.batch(world.status('01', { boot: 1 }))
    expect(world.births).toEqual(['01', '02', '01'])
    expect(world.fleet.node('01')!.state).toBe('online')
  })
})

describe('commands', () => {
  const send = async (node = '01'): Promise<string> => {
    const result = await world.fleet.commands.send(node, { command: 'ping' }, 'test')
    if (!result.ok) throw new Error(result.why)
    await settled()
    return result.command.id
  }

  test('leave for a node whose latest status is online and that the broker can reach', async () => {
    world.connect()
    world.batch(world.status('01', {}))
    world.reachable.clear()
    await send()
    expect(world.published.length).toBe(0)
    world.reachable.add('01')
    world.fleet.reachability('01', true)
    await settled()
    expect(world.published.length).toBe(1)
  })

  test('wait for a node that is gone, until its birth', async () => {
    world.connect()
    world.batch(world.status('01', {}), world.status('01', { online: false }))
    await send()
    world.batch(world.reading('01', { t: 1 })) // telemetry alone does not bring it back
    await settled()
    expect(world.published.length).toBe(0)
    world.batch(world.status('01', {}))
    await settled()
    expect(world.published.length).toBe(1)
  })

  test('leave for one that never published a status while it spoke within 3 of its gaps, or 60 s', async () => {
    world.connect()
    world.batch(world.reading('01', { t: 1 }))
    world.clock.advance(60_001)
    await send()
    expect(world.published.length).toBe(0)
    world.batch(world.reading('01', { t: 1 })) // a gap of 60.001 s is known now
    await settled()
    expect(world.published.length).toBe(1)
    world.clock.advance(180_003)
    await send()
    expect(world.published.length).toBe(2)
    world.clock.advance(1)
    await send()
    expect(world.published.length).toBe(2)
  })

  test('wait for one that spoke each second and has been silent for longer than makes it late', async () => {
    world.connect()
    world.batch(world.reading('01', { t: 1 }))
    world.clock.advance(1000)
    world.batch(world.reading('01', { t: 1 }))
    world.clock.advance(30_001)
    world.tick()
    expect(world.fleet.node('01')!.state).toBe('late')
    await send()
    expect(world.published.length).toBe(0)
    world.batch(world.reading('01', { t: 1 }))
    await settled()
    expect(world.published.length).toBe(1)
  })

  test('that left are sent again at a birth to nodes with dedupe only', async () => {
    world.connect()
    world.batch(world.status('01', { boot: 1, caps: ['dedupe'] }), world.status('02', { boot: 1 }))
    await send('01')
    await send('02')
    world.batch(world.status('01', { boot: 2, caps: ['dedupe'] }), world.status('02', { boot: 2 }))
    await settled()
    expect(world.published.map(p => p.node)).toEqual(['01', '02', '01'])
    expect(world.published[2]!.payload).toBe(world.published[0]!.payload)
  })

  test('end by an ack, which is told live and is there again after a crash', async () => {
    world.connect()
    world.batch(world.status('01', {}))
    const id = await send()
    world.batch(world.ack('01', { command: 'ping', state: 'done' }))
    expect(world.events.at(-1)).toMatchObject({ type: 'command', command: { id, state: 'done', matched: 'name' } })
    const told = world.events.length
    await world.start()
    expect(world.fleet.commands.get(id)).toMatchObject({ state: 'done', matched: 'name' })
    expect(world.events.length).toBe(told)
  })

  test('an ack without id that is replayed does not close a later command', async () => {
    world.connect()
    world.batch(world.status('01', {}))
    const first = await send()
    world.batch(world.ack('01', { command: 'ping', state: 'done' }))
    const second = await send() // written with the first's end, while nodes and watermark are not
    await world.start()
    expect(world.fleet.commands.get(first)!.state).toBe('done')
    expect(world.fleet.commands.get(second)!.state).toBe('queued')
    expect(world.fleet.node('01')).toBeDefined()
  })

  test('expire by the tick', async () => {
    world.connect()
    world.batch(world.status('01', { online: false }))
    const id = await send()
    world.clock.advance(300_000)
    world.tick()
    await settled()
    expect(world.fleet.commands.get(id)!.state).toBe('expired')
  })
})

describe('labels and removal', () => {
  test('name and tags outlive a crash before any checkpoint', async () => {
    world.batch(world.reading('01', { t: 1 }))
    expect(await world.fleet.patch('01', { name: 'Greenhouse', tags: ['a', 'b', 'a'] })).toMatchObject({
      name: 'Greenhouse',
      tags: ['a', 'b'],
    })
    await Promise.all([world.fleet.patch('01', { tags: ['c'] }), world.fleet.patch('01', { name: null })])
    await world.start()
    expect(world.fleet.node('01')).toMatchObject({ name: null, tags: ['c'], stored: 1 })
    expect(await world.fleet.patch('02', { name: 'x' })).toBeUndefined()
  })

  test('a removed id is gone for good, its commands ended, and what it says no longer counts', async () => {
    world.batch(world.status('01', { online: false }))
    await world.fleet.checkpoint({ sync: true })
    const sent = await world.fleet.commands.send('01', { command: 'ping' }, 'test')
    expect(await world.fleet.remove('01')).toBe(true)
    expect(await world.fleet.remove('01')).toBe(false)
    for (let restarts = 0; restarts < 2; restarts++) {
      expect(world.fleet.removed('01')).toBe(true)
      world.batch(world.reading('01', { t: 1 }), world.reject('01'))
      expect(world.fleet.nodes()).toEqual([])
      expect(sent.ok && world.fleet.commands.get(sent.command.id)!.state).toBe('cancelled')
      expect(await world.fleet.commands.send('01', { command: 'ping' }, 'test')).toMatchObject({ ok: false, why: 'no_such_node' })
      await world.fleet.checkpoint({ sync: true })
      expect(await world.records.get('nodes', '01')).toBeUndefined()
      expect(await world.records.get('ledger', '01')).toBeUndefined()
      await world.start()
    }
  })
})

describe('checkpoints', () => {
  test('the journal may drop only what a synced one covers', async () => {
    world.batch(world.reading('01', { t: 1 }))
    expect(world.fleet.watermark()).toEqual({ segment: 0, offset: 0 })
    await world.fleet.checkpoint({ sync: false })
    expect(world.fleet.watermark()).toEqual({ segment: 0, offset: 0 })
    await world.fleet.checkpoint({ sync: true })
    expect(world.fleet.watermark()).toEqual({ segment: 0, offset: 100 })
  })

  test('one that fails loses nothing: the next one has it all', async () => {
    world.batch(world.reading('01', { t: 1 }))
    const write = world.records.write
    world.records.write = () => Promise.reject(new Error('disk full'))
    await expect(world.fleet.checkpoint({ sync: true })).rejects.toThrow('disk full')
    expect(world.fleet.watermark()).toEqual({ segment: 0, offset: 0 })
    world.records.write = write
    await world.fleet.checkpoint({ sync: true })
    world.journal = []
    await world.start()
    expect(world.fleet.node('01')).toMatchObject({ stored: 1 })
    expect(world.ledger.count('01')).toBe(1)
  })

  test('a batch behind the watermark is not applied again', async () => {
    world.batch(world.reading('01', { t: 1 }))
    await world.fleet.checkpoint({ sync: true })
    await world.start()
    world.fleet.apply(world.journal[0]!, false)
    expect(world.fleet.node('01')).toMatchObject({ stored: 1 })
  })
})

/** All but presence, which begins anew with each run. */
const durable = (world: World): unknown => [
  world.fleet.nodes().map(node => ({ ...node, state: null })),
  world.fleet.nodes().map(node => [world.fleet.status(node.id), world.fleet.described(node.id), world.ledger.count(node.id)]),
  world.fleet.commands.list({ limit: 1000 }).map(command => ({ ...command, id: null, attempts: null })),
]

test('crashed after any batch, with checkpoints anywhere, the replay gives the same fleet', async () => {
  const node = fc.constantFrom('01', '02', '03')
  const number = fc.integer({ min: 0, max: 5 })
  const happening = fc.oneof(
    { weight: 3, arbitrary: fc.record({ what: fc.constant('reading' as const), node, a: number, b: number }) },
    fc.record({ what: fc.constantFrom('status' as const, 'will' as const), node, a: number, b: number }),
    fc.record({ what: fc.constantFrom('counts' as const, 'reject' as const), node, a: number, b: number }),
    fc.record({ what: fc.constantFrom('ack' as const, 'command' as const), node, a: number, b: number }),
    fc.record({ what: fc.constantFrom('checkpoint' as const, 'sync' as const, 'crash' as const), node, a: number, b: number }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async story => {
      const steady = await new World().start()
      const crashing = await new World().start()
      for (const { what, node, a, b } of story) {
        for (const world of [steady, crashing]) {
          if (what === 'reading') world.batch(world.reading(node, { t: a, [`s${b}`]: b, wifi_rssi: -1 - a }, { time: 1000 * b }))
          if (what === 'status') world.batch(world.status(node, { boot: a, interval: b + 1, caps: ['dedupe'] }))
          if (what === 'will') world.batch(world.status(node, { online: false, boot: a }))
          if (what === 'counts') world.batch(world.counts(node, a, b, 1), world.reject(node, a + 1))
          if (what === 'reject') world.batch(world.reject(node, b + 1))
          if (what === 'ack') world.batch(world.ack(node, { command: 'ping', state: a > 2 ? 'done' : 'running' }))
          if (what === 'command') {
            if (a > 2) world.connect()
            await world.fleet.commands.send(node, { command: 'ping' }, 'test')
            await settled()
          }
          world.clock.advance(10)
        }
        if (what === 'checkpoint') await crashing.fleet.checkpoint({ sync: false })
        if (what === 'sync') await crashing.fleet.checkpoint({ sync: true })
        if (what === 'crash') {
          await crashing.start()
          // Presence decides what can be sent: let both managers start, the steady one with all it had written down.
          await steady.fleet.checkpoint({ sync: true })
          await steady.start()
        }
        expect(durable(crashing)).toEqual(durable(steady))
      }
      await crashing.start()
      expect(durable(crashing)).toEqual(durable(steady))
    }),
    { numRuns: 150 * Number(process.env.ESPALIER_TEST_SCALE ?? 1) },
  )
})
