import { describe, expect, test, vi } from 'vitest'
import type { Applier } from '../../src/contract/events.ts'
import { LaneClosed } from '../../src/ingest/ingest.ts'
import { JournalClosed } from '../../src/journal/journal.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { message, openWorld, t0, telemetry, witness } from './lane-world.ts'

const numbered = (seq: number, timestamp: number, sensors: object, boot = 7) => ({ boot, seq, timestamp, sensors })
const reasons = (world: ReturnType<typeof openWorld>) => world.rejects().map(reject => reject.reason)
const duplicates = (world: ReturnType<typeof openWorld>) =>
  world.events().reduce((sum, event) => sum + (event.kind === 'counts' ? event.duplicates : 0), 0)

describe('durability', () => {
  test("the contract's example is stored exactly", async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { temperature: 22.5, humidity: 45.2 }, wifi_rssi: -65, uptime: 3600 })
    expect(await world.rows()).toEqual({ [t0 * 1000]: { temperature: 22.5, humidity: 45.2, wifi_rssi: -65, uptime: 3600 } })
  })

  test('a group is accepted only after the append has answered and the appliers have it', async () => {
    const seen = witness()
    const world = openWorld({ appliers: [seen] })
    world.journal.hold()
    let accepted = false
    const accepting = world.send({ timestamp: t0, sensors: { t: 1 } }).then(() => {
      accepted = true
    })
    await new Promise(resolve => setImmediate(resolve))
    expect([world.journal.appends, accepted, seen.batches.length]).toEqual([1, false, 0])
    world.journal.release()
    await accepting
    expect([accepted, seen.batches.length]).toEqual([true, 1])
  })

  test('while an append hangs no further group is judged, however many wait', async () => {
    const world = openWorld()
    world.journal.hold()
    const groups = Array.from({ length: 50 }, (_, i) => world.send({ timestamp: t0 + i, sensors: { t: i } }))
    await new Promise(resolve => setImmediate(resolve))
    expect(world.journal.appends).toBe(1)
    world.journal.release()
    await Promise.all(groups)
    expect(Object.keys(await world.rows())).toHaveLength(50)
  })

  test('a big group becomes several batches, each durable before the next is judged', async () => {
    const world = openWorld({ batchBounds: { events: 10, bytes: 1e6 } })
    await world.send(...Array.from({ length: 35 }, (_, i) => ({ timestamp: t0 + i, sensors: { t: i } })))
    expect(world.journal.batches.map(batch => batch.events.length)).toEqual([10, 10, 10, 5])
  })

  test('the store without room holds the group back', async () => {
    const base = openWorld().store
    let makeRoom = (): void => {}
    const room = new Promise<void>(resolve => {
      makeRoom = resolve
    })
    let full = true
    const world = openWorld({ store: { ...base, room: () => (full ? room : undefined) } })
    const accepting = world.send({ timestamp: t0, sensors: { t: 1 } })
    await new Promise(resolve => setImmediate(resolve))
    expect(world.journal.appends).toBe(0)
    expect(world.lane.stats().ok).toBe(false)
    full = false
    makeRoom()
    await accepting
    expect(world.journal.appends).toBe(1)
  })

  test('a journal that is closed before the batch is durable: nothing is accepted, nothing is applied, the ledger knows nothing', async () => {
    const seen = witness()
    const world = openWorld({ appliers: [seen] })
    world.journal.append = async () => {
      throw new JournalClosed()
    }
    const reading = numbered(0, t0, { t: 1 })
    await expect(world.send(reading)).rejects.toThrow(JournalClosed)
    await expect(world.send(reading)).rejects.toThrow(JournalClosed)
    expect([seen.batches, world.published, world.ledger.nodes(), world.lane.stats().ok]).toEqual([[], [], [], false])
    expect(await world.lane.between(() => 'a last checkpoint')).toBe('a last checkpoint')
  })

  test('closing waits for the group under way and refuses those that were not judged', async () => {
    const world = openWorld()
    world.journal.hold()
    const first = world.send({ timestamp: t0, sensors: { t: 1 } })
    const second = world.send({ timestamp: t0 + 1, sensors: { t: 1 } })
    await new Promise(resolve => setImmediate(resolve))
    const closing = world.lane.close()
    world.journal.release()
    await Promise.all([first, closing, expect(second).rejects.toThrow(LaneClosed)])
    expect(Object.keys(await world.rows())).toHaveLength(1)
  })

  test('work between batches does not wait for an append that hangs, and holds the apply back', async () => {
    const seen = witness()
    const world = openWorld({ appliers: [seen] })
    world.journal.hold()
    const accepting = world.send({ timestamp: t0, sensors: { t: 1 } })
    await new Promise(resolve => setImmediate(resolve))
    await world.lane.between(async () => {
      world.journal.release()
      await new Promise(resolve => setImmediate(resolve))
      expect(seen.batches).toHaveLength(0)
    })
    await accepting
    expect(seen.batches).toHaveLength(1)
  })
})

describe('repeats by boot and seq', () => {
  test('the same reading again is a duplicate, in the same group and in a later one', async () => {
    const world = openWorld()
    const reading = numbered(0, t0, { t: 1 })
    await world.send(reading, reading)
    await world.send(reading)
    expect(duplicates(world)).toBe(2)
    expect(world.events().filter(event => event.kind === 'reading')).toHaveLength(1)
  })

  test('a late reading below others is stored: being ≤ the last seq repeats nothing', async () => {
    const world = openWorld()
    await world.send(numbered(5, t0 + 5, { t: 5 }), numbered(2, t0 + 2, { t: 2 }))
    expect(Object.keys(await world.rows())).toHaveLength(2)
  })

  test('another time under the same number is boot_reused and settles nothing', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: 1 }), numbered(0, t0 + 1, { t: 1 }))
    expect(world.rejects()).toMatchObject([{ reason: 'boot_reused', settles: null, count: 1, indices: null }])
  })

  test('another value under the same number is boot_reused', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: 1 }))
    await world.send(numbered(0, t0, { t: 2 }))
    expect(reasons(world)).toEqual(['boot_reused'])
  })

  test('the time of another row with equal values is boot_reused all the same', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: 1 }), numbered(1, t0 + 1, { t: 1 }))
    await world.send(numbered(0, t0 + 1, { t: 1 }))
    expect(reasons(world)).toEqual(['boot_reused'])
  })

  test('two numbers in one millisecond with equal values: both settled, and their repeats are duplicates', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: 1 }), numbered(1, t0, { t: 1 }))
    expect(world.events().map(event => event.kind)).toEqual(['reading', 'settled'])
    await world.send(numbered(0, t0, { t: 1 }), numbered(1, t0, { t: 1 }))
    expect([duplicates(world), reasons(world)]).toEqual([2, []])
  })

  test('a rejected number that comes again is a duplicate, even when it would be good now', async () => {
    const world = openWorld()
    const ahead = numbered(0, t0 + 10_000, { t: 1 })
    await world.send(ahead)
    expect(world.rejects()).toMatchObject([{ reason: 'timestamp_in_future', settles: { boot: 7, seqs: [0] } }])
    world.clock.advance(20_000_000)
    await world.send(ahead)
    expect([duplicates(world), reasons(world).length, await world.rows()]).toEqual([1, 1, {}])
  })

  test('a stored reading that comes again after our clock stepped back is a duplicate', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: 1 }))
    world.clock.advance(-3_600_000)
    await world.send(numbered(0, t0, { t: 1 }))
    expect([duplicates(world), reasons(world)]).toEqual([1, []])
  })

  test('all sensors null: settled without a row, its repeat is a duplicate, values under its number are boot_reused', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { t: null }))
    await world.send(numbered(0, t0, { t: null }))
    await world.send(numbered(0, t0, { t: 1 }))
    expect(world.events().map(event => event.kind)).toEqual(['settled', 'counts', 'counts', 'reject'])
    expect([duplicates(world), reasons(world), await world.rows()]).toEqual([1, ['boot_reused'], {}])
  })
})

describe('repeats by node and time', () => {
  test('new fields at the same time are merged', async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { a: 1 } }, { timestamp: t0, sensors: { a: 1, b: 2 } })
    await world.send({ timestamp: t0, sensors: { c: 3 } })
    expect(await world.rows()).toEqual({ [t0 * 1000]: { a: 1, b: 2, c: 3 } })
  })

  test('all equal is a duplicate', async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { a: 1 } }, { timestamp: t0, sensors: { a: 1 } })
    expect(duplicates(world)).toBe(1)
  })

  test('a different value rejects the whole reading, also its new fields', async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { a: 1 } }, { timestamp: t0, sensors: { a: 2, b: 3 } })
    expect(reasons(world)).toEqual(['conflict'])
    expect(await world.rows()).toEqual({ [t0 * 1000]: { a: 1 } })
  })

  test('a conflict of a numbered reading settles its number', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { a: 1 }), numbered(1, t0, { a: 2 }))
    expect(world.rejects()).toMatchObject([{ reason: 'conflict', settles: { boot: 7, seqs: [1] } }])
  })

  test('what only files know is asked of them, once for a backlog', async () => {
    const behind = openWorld()
    await behind.send(...Array.from({ length: 4 }, (_, i) => ({ timestamp: t0 + i, sensors: { a: i } })))
    const asked: [number, number][] = []
    const world = openWorld({
      store: {
        ...behind.store,
        rowAt: () => undefined,
        rows: (node, from, to) => {
          asked.push([from, to])
          return behind.store.rows(node, from, to)
        },
      },
    })
    await world.send({ readings: Array.from({ length: 5 }, (_, i) => ({ timestamp: t0 + i, sensors: { a: i === 2 ? 9 : i } })) })
    expect(asked).toEqual([[t0 * 1000, (t0 + 4) * 1000 + 1]])
    expect([duplicates(world), reasons(world)]).toEqual([3, ['conflict']])
  })

  test('readings far apart do not fetch the years between', async () => {
    const base = openWorld().store
    const asked: [number, number][] = []
    const world = openWorld({
      store: {
        ...base,
        rowAt: () => undefined,
        rows: async (_node, from, to) => {
          asked.push([from, to])
          return []
        },
      },
    })
    await world.send({
      readings: [
        { timestamp: t0 - 1e8, sensors: { a: 1 } },
        { timestamp: t0, sensors: { a: 1 } },
      ],
    })
    expect(asked.map(([from, to]) => to - from)).toEqual([1, 1])
  })
})

describe('arrival-dated readings', () => {
  test('never share a millisecond', async () => {
    const world = openWorld()
    await world.send({ sensors: { a: 1 } }, { sensors: { a: 2 } }, { sensors: { a: 2 } })
    await world.send({ sensors: { a: 3 } })
    const at = world.clock.wall
    expect(await world.rows()).toEqual({ [at]: { a: 1 }, [at + 1]: { a: 2 }, [at + 2]: { a: 2 }, [at + 3]: { a: 3 } })
  })

  test('not over a restart either, and whether memory or files know the row', async () => {
    const before = openWorld()
    await before.send({ sensors: { a: 1 } })
    for (const rowAt of [before.store.rowAt, () => undefined]) {
      const store = openWorld().store
      store.apply({ events: before.events(), end: { segment: 0, offset: 1 } }, false)
      const world = openWorld({ store: { ...store, rowAt: rowAt === before.store.rowAt ? store.rowAt : rowAt } })
      await world.send({ sensors: { a: 2 } })
      expect(await world.rows()).toEqual({ [before.clock.wall]: { a: 1 }, [before.clock.wall + 1]: { a: 2 } })
    }
  })

  test('a reading that is dated ahead does not push them', async () => {
    const world = openWorld()
    await world.send({ timestamp: world.clock.wall / 1000 + 200, sensors: { a: 1 } })
    await world.send({ sensors: { a: 2 } })
    expect(Object.keys(await world.rows()).map(Number)).toContain(world.clock.wall)
  })
})

describe('rejects', () => {
  test('bad readings of a batch are one reject a reason, and the good ones are stored', async () => {
    const world = openWorld()
    const good = (i: number) => ({ timestamp: t0 + i, sensors: { a: i } })
    const bad = (i: number) => ({ timestamp: t0 + i, sensors: { a: 'x' } })
    await world.send({ boot: 7, seq: 10, readings: [good(0), bad(1), good(2), { sensors: { a: 1 } }, bad(4)] })
    expect(world.rejects()).toMatchObject([
      { reason: 'bad_sensor_value', count: 2, indices: [1, 4], settles: { boot: 7, seqs: [11, 14] } },
      { reason: 'no_time', count: 1, indices: [3], settles: { boot: 7, seqs: [13] } },
    ])
    expect(new TextDecoder().decode(world.rejects()[0]!.raw)).toBe(JSON.stringify(bad(1)))
    expect(Object.keys(await world.rows())).toHaveLength(2)
  })

  test('a conflict in a batch is kept with its own text', async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { a: 1 } })
    await world.send({
      readings: [
        { timestamp: t0 + 1, sensors: { a: 1 } },
        { timestamp: t0, sensors: { a: 2 } },
      ],
    })
    expect(new TextDecoder().decode(world.rejects()[0]!.raw)).toBe(`{"timestamp":${t0},"sensors":{"a":2}}`)
    expect(world.rejects()[0]!.indices).toEqual([1])
  })

  test('a message that is rejected as a whole settles nothing and keeps its first 4 KiB', async () => {
    const world = openWorld()
    await world.send(message('iot/node/01/telemetry', `{"node_id":"node_01",${'x'.repeat(5000)}`))
    expect(world.rejects()).toMatchObject([{ reason: 'bad_json', settles: null, truncated: true, size: 5021, node: '01' }])
    expect(world.rejects()[0]!.raw).toHaveLength(4096)
  })

  test('an id that fits no node makes a reject of no node; a log never makes one', async () => {
    const world = openWorld()
    await world.send(message('iot/node/-x/telemetry', '{}'), message('iot/node/-x/log', 'hi'), message('iot/node/01/log', '\xff'))
    expect(world.rejects()).toMatchObject([{ reason: 'bad_topic', node: null, topic: 'iot/node/-x/telemetry' }])
    expect(world.lane.stats().logs).toBe(2)
  })

  test('telemetry that a subscription delivers as retained is not stored; one published with retain is', async () => {
    const world = openWorld()
    const sent = telemetry({ timestamp: t0, sensors: { a: 1 } })
    await world.send({ ...sent, replay: true })
    expect([reasons(world), await world.rows()]).toEqual([['retained_replay'], {}])
    await world.send({ ...sent, retain: true })
    expect(Object.keys(await world.rows())).toHaveLength(1)
  })

  test('what a removed node says is quarantined', async () => {
    const world = openWorld({ removed: node => node === '01' })
    await world.send(
      telemetry({ timestamp: t0, sensors: { a: 1 } }),
      message('iot/node/01/status', '{"node_id":"node_01","online":true}'),
      message('iot/node/01/status', '', { retain: true }),
      telemetry({ timestamp: t0, sensors: { a: 1 } }, world.clock.wall, '02'),
    )
    expect(reasons(world)).toEqual(['removed', 'removed'])
    expect(Object.keys(await world.rows('02'))).toHaveLength(1)
  })

  test('what a node says that nobody claimed is kept apart whole, with its raw bytes, until it is claimed', async () => {
    const claimed = new Set(['02'])
    const world = openWorld({ unclaimed: node => !claimed.has(node) })
    const reading = { timestamp: t0, boot: 1, seq: 0, sensors: { a: 1 } }
    const birth = '{"node_id":"node_01","online":true}'
    await world.send(
      reading,
      message('iot/node/01/status', birth),
      message('iot/node/01/status', '', { retain: true }),
      message('iot/node/01/ack', '{"node_id":"node_01","command":"ping","state":"done"}'),
      telemetry({ timestamp: t0, sensors: { a: 1 } }, world.clock.wall, '02'),
    )
    expect(reasons(world)).toEqual(['unclaimed', 'unclaimed', 'unclaimed'])
    expect(Buffer.from(world.rejects()[1]!.raw).toString()).toBe(birth)
    expect(world.rejects()[0]).toMatchObject({
      node: '01',
      settles: null,
      detail: expect.stringContaining('espalier node claim'),
    })
    expect([Object.keys(await world.rows('01')), Object.keys(await world.rows('02'))]).toEqual([[], [`${t0 * 1000}`]])
    claimed.add('01')
    await world.send(reading) // the node still has it: nothing settled it
    expect(Object.keys(await world.rows('01'))).toHaveLength(1)
  })

  test('the 129th sensor name of a node is refused; wifi_rssi and uptime are no sensors', async () => {
    const world = openWorld()
    const names = (from: number, to: number) =>
      Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`s${from + i}`, 1]))
    await world.send({ timestamp: t0, sensors: names(0, 64), wifi_rssi: -60, uptime: 1 })
    await world.send({ timestamp: t0 + 1, sensors: names(64, 128) })
    await world.send({ timestamp: t0 + 2, sensors: { s0: 1, s128: 1 } }, { timestamp: t0 + 3, sensors: { s127: 1 } })
    expect(reasons(world)).toEqual(['column_limit'])
    expect(Object.keys(await world.rows())).toHaveLength(3)
  })

  test('a configured rate limit refuses what is over it, and forgives with time', async () => {
    const world = openWorld({ rateLimit: { readingsPerS: 1, burst: 2 } })
    const reading = (i: number) => ({ timestamp: t0 + i, sensors: { a: 1 } })
    await world.send(reading(0), reading(1), reading(2))
    world.clock.advance(1000)
    await world.send(reading(3))
    expect(reasons(world)).toEqual(['quota'])
    expect(Object.keys(await world.rows())).toHaveLength(3)
  })

  test('a packet over the limit is a reject of the user that sent it', async () => {
    const world = openWorld()
    world.lane.oversize({ client: '01', user: '01', size: 70_000, arrived: 1 })
    world.lane.oversize({ client: 'x', user: null, size: 80_000, arrived: 2 })
    await world.send()
    expect(world.rejects()).toMatchObject([
      { reason: 'packet_too_large', node: '01', size: 70_000, topic: null },
      { reason: 'packet_too_large', node: null, size: 80_000 },
    ])
  })

  test('thousands of such packets while the journal hangs take no more memory, and all are counted', async () => {
    const world = openWorld()
    world.journal.hold()
    for (let i = 0; i < 5000; i++) world.lane.oversize({ client: 'x', user: i % 2 ? '01' : null, size: 70_000, arrived: i })
    world.journal.release()
    await world.send()
    expect(world.rejects().length).toBeLessThanOrEqual(260)
    expect(world.rejects().reduce((sum, reject) => sum + reject.count, 0)).toBe(5000)
  })
})

describe('status and ack', () => {
  const status = (body: object, more = {}) =>
    message('iot/node/01/status', JSON.stringify({ node_id: 'node_01', ...body }), { retain: true, ...more })

  test('a status is live unless a subscription delivered it as retained; empty is cleared', async () => {
    const world = openWorld()
    await world.send(status({ online: true, boot: 7 }), status({ online: true }, { replay: true }))
    await world.send(message('iot/node/01/status', '', { retain: true }))
    expect(world.events()).toMatchObject([
      { kind: 'status', live: true, status: { online: true, boot: 7 } },
      { kind: 'status', live: false },
      { kind: 'status', live: true, status: null },
    ])
  })

  test('a status that is none is bad_status, with node_id faults under their own reason', async () => {
    const world = openWorld()
    await world.send(status({ online: 'yes' }), message('iot/node/01/status', '{"node_id":"node_02","online":true}'))
    expect(reasons(world)).toEqual(['bad_status', 'node_id_mismatch'])
  })

  test('an ack that matches a command is an event, any other a reject', async () => {
    const world = openWorld({ ackMatches: (_node, ack) => ack.id === 'A' })
    const ack = (id: string) =>
      message('iot/node/01/ack', JSON.stringify({ node_id: 'node_01', id, command: 'ping', state: 'done' }))
    await world.send(ack('A'), ack('B'), message('iot/node/01/ack', '{"node_id":"node_01"}'))
    expect(world.events().map(event => event.kind)).toEqual(['ack', 'reject', 'reject'])
    expect(reasons(world)).toEqual(['unknown_command_id', 'bad_ack'])
  })

  test('an ack is applied before the next one of its node is asked about', async () => {
    const open = new Set(['ping'])
    const closes = { ...witness(), apply: () => void open.clear() }
    const world = openWorld({ appliers: [closes], ackMatches: (_node, ack) => open.has(ack.command) })
    const ack = message('iot/node/01/ack', '{"node_id":"node_01","command":"ping","state":"done"}')
    await world.send(ack, ack)
    expect(world.events().map(event => event.kind)).toEqual(['ack', 'reject'])
  })
})

describe('receipts', () => {
  const receipts = (world: ReturnType<typeof openWorld>) =>
    world.published.map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)).receipts)

  test('a receipt follows the commit, at most one a second a node', async () => {
    const world = openWorld()
    await world.send(numbered(0, t0, { a: 1 }))
    expect(world.published).toMatchObject([{ topic: 'iot/node/01/receipt', qos: 1, retain: false }])
    await world.send(numbered(1, t0 + 1, { a: 1 }))
    expect(receipts(world)).toEqual([[{ boot: 7, seq: 0, seen: 0 }]])
    world.clock.advance(1000)
    await world.send(numbered(2, t0 + 2, { a: 1 }))
    expect(receipts(world)[1]).toEqual([{ boot: 7, seq: 2, seen: 2 }])
  })

  test('what was settled within that second is told at its end, without a further message', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const world = openWorld()
      await world.send(numbered(0, t0, { a: 1 }))
      await world.send(numbered(1, t0 + 1, { a: 1 }))
      expect(receipts(world)).toHaveLength(1)
      world.clock.advance(1000)
      vi.advanceTimersByTime(1000)
      expect(receipts(world)[1]).toEqual([{ boot: 7, seq: 1, seen: 1 }])
      vi.advanceTimersByTime(10_000)
      expect(receipts(world)).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('a resend of settled readings is answered with their boot, however many boots came since', async () => {
    const world = openWorld()
    const of = (boot: number, more = {}) => ({ boot, seq: 0, timestamp: t0 + boot, sensors: { a: 1 }, ...more })
    for (let boot = 0; boot < 20; boot++) await world.send(of(boot))
    const answered = async (...messages: object[]): Promise<number[]> => {
      world.clock.advance(40 * 86_400_000)
      await world.send(...messages)
      return receipts(world)
        .at(-1)
        .map((entry: { boot: number }) => entry.boot)
    }
    expect(await answered(of(3))).toEqual([3])
    expect(await answered(of(2, { timestamp: t0 + 100 }))).toEqual([2])
    expect(await answered(of(1, { sensors: { a: 'x' } }))).toEqual([1])
    expect(await answered(...Array.from({ length: 10 }, (_, boot) => of(boot)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    world.clock.advance(1000)
    await world.send(of(4))
    expect(receipts(world).at(-1)).toMatchObject([{ boot: 8 }, { boot: 9 }, { boot: 4 }])
  })

  test('a broker that fails or hangs stops nothing, and gets one receipt a node at a time', async () => {
    const world = openWorld()
    let calls = 0
    world.lane.sendReceiptsThrough({
      publish: () => {
        calls++
        return calls === 1 ? Promise.reject(new Error('gone')) : new Promise(() => {})
      },
    })
    for (let seq = 0; seq < 5; seq++) {
      await world.send(numbered(seq, t0 + seq, { a: 1 }))
      world.clock.advance(1000)
    }
    expect(calls).toBe(2)
  })

  test('nothing is told before it is durable', async () => {
    const world = openWorld()
    world.journal.hold()
    const accepting = world.send(numbered(0, t0, { a: 1 }))
    await new Promise(resolve => setImmediate(resolve))
    expect(world.published).toEqual([])
    expect(world.ledger.receipt('01', 0)).toEqual([])
    world.journal.release()
    await accepting
    expect(world.published).toHaveLength(1)
  })

  test('a resend of settled readings is answered, and so is each birth', async () => {
    const born = { apply: () => world.lane.born('01'), watermark: () => ({ segment: 0, offset: 0 }) }
    const store = createMemoryReadings()
    const appliers: Applier[] = [store]
    const world = openWorld({ store, appliers })
    await world.send(numbered(0, t0, { a: 1 }))
    world.clock.advance(1000)
    await world.send(numbered(0, t0, { a: 1 }))
    expect(world.published).toHaveLength(2)
    const online = message('iot/node/01/status', '{"node_id":"node_01","online":true,"boot":7}', { retain: true })
    await world.send(online)
    expect(world.published).toHaveLength(2)
    appliers.push(born)
    await world.send(online)
    expect(world.published).toHaveLength(3)
  })

  test('a node without numbers gets none', async () => {
    const world = openWorld()
    await world.send({ timestamp: t0, sensors: { a: 1 } })
    expect(world.published).toEqual([])
  })
})
