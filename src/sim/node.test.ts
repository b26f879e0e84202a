import { expect, test } from 'vitest'
import { seeded } from '../kit/random.ts'
import { memoryFlash } from './command-memory.ts'
import { type Published, readingsOf, world } from './suite.ts'

const seqs = (messages: Published[]): number[] =>
  messages.flatMap(m => Array.from({ length: m.json.readings?.length ?? 1 }, (_, i) => m.json.seq + i))

test('the birth is the first message of a connection, retained, and says who it is', () => {
  const w = world()
  w.run(3_000)
  const [birth] = w.connect()
  expect(birth).toMatchObject({ channel: 'status', retain: true })
  expect(birth!.json).toMatchObject({
    node_id: 'node_n1',
    online: true,
    boot: w.node.boot,
    interval: 1,
    board: 'virtual',
    virtual: true,
    keep: 'puback',
    caps: ['dedupe'],
    firmware: { version: '1.2.3', slot: 'a', confirmed: true },
    reset_reason: 'power_on',
    backlog: 3,
    dropped: 0,
    dropped_undatable: 0,
    config_rev: 0,
    sensors: [
      { name: 'temperature', unit: '°C' },
      { name: 'humidity', unit: '%' },
      { name: 'pressure', unit: 'hPa' },
    ],
  })
})

test('status comes again every 60 s and when the interval changes', () => {
  const w = world()
  w.connect()
  const later = w.run(121_000, { acknowledge: true }).filter(m => m.channel === 'status')
  expect(later.map(m => Math.round(m.atMs / 1_000))).toEqual([60, 120])
  const changed = w.command({ id: 'a', command: 'set_interval', params: { seconds: 5 } }).filter(m => m.channel === 'status')
  expect(changed.map(m => m.json.interval)).toEqual([5])
})

test('the will says offline with the boot of the connection', () => {
  const w = world()
  expect(w.node.will()).toEqual({
    topic: 'iot/node/n1/status',
    payload: `{"node_id":"node_n1","online":false,"boot":${w.node.boot}}`,
  })
})

test('a reading carries boot, rising seq from 0, oldest, sensors, RSSI and uptime', () => {
  const w = world()
  w.connect()
  const readings = w.run(3_000, { acknowledge: true }).filter(m => m.channel === 'telemetry')
  expect(readings.map(m => m.json.seq)).toEqual([0, 1, 2])
  for (const { json, retain } of readings) {
    expect(retain).toBe(false)
    expect(json).toMatchObject({ node_id: 'node_n1', boot: w.node.boot, oldest: { boot: w.node.boot, seq: json.seq } })
    expect(Object.keys(json.sensors)).toEqual(['temperature', 'humidity', 'pressure'])
    expect(json.wifi_rssi).toBeLessThan(0)
    expect(json.uptime).toBeGreaterThanOrEqual(0)
  }
})

test('with receipts a reading stays until a receipt covers it', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(5_000, { acknowledge: true })
  expect(w.node.held).toBe(5)
  w.receipt(w.node.boot, 2, 4)
  expect(w.node.held).toBe(2)
  expect(w.node.counters).toMatchObject({ attempted: 5, acknowledged: 5, receipted: 3, dropped: 0 })
})

test('without receipts a reading is free at its PUBACK, and not before', () => {
  const w = world({ keep: 'puback' })
  w.connect()
  w.run(3_000)
  expect(w.node.held).toBe(3)
  w.acknowledgeAll()
  expect(w.node.held).toBe(0)
})

test('the mode becomes receipt at the first true and goes back on an explicit false only', () => {
  const w = world()
  expect(w.node.keep).toBe('puback')
  w.connect()
  w.brokerStatus({ online: true, receipts: true })
  expect(w.node.keep).toBe('receipt')
  w.brokerStatus({ online: false })
  w.brokerStatus({ online: true, receipts: null })
  expect(w.node.keep).toBe('receipt')
  w.brokerStatus({ online: true, receipts: false })
  expect(w.node.keep).toBe('puback')
})

test('the mode outlives a restart', () => {
  const flash = memoryFlash()
  const before = world({ flash })
  before.connect()
  before.brokerStatus({ receipts: true })
  expect(world({ flash }).node.keep).toBe('receipt')
})

test('when receipts end, what was acknowledged meanwhile is free', () => {
  const w = world()
  w.connect()
  w.brokerStatus({ receipts: true })
  w.run(4_000, { acknowledge: true })
  expect(w.node.held).toBe(4)
  w.brokerStatus({ receipts: false })
  expect(w.node.held).toBe(0)
})

test('a receipt for another boot, a null seq and nonsense free nothing', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(3_000, { acknowledge: true })
  w.receipt((w.node.boot + 1) >>> 0, 5, 5)
  w.receipt(w.node.boot, null, 2)
  w.do({
    kind: 'message',
    topic: 'iot/node/n1/receipt',
    payload: Buffer.from('{"receipts":[{"boot":-1,"seq":"x"},null]'),
    retain: false,
    dup: false,
  })
  w.do({
    kind: 'message',
    topic: 'iot/node/n1/receipt',
    payload: Buffer.from('{"receipts":[null,7,{"boot":1}]}'),
    retain: false,
    dup: false,
  })
  expect(w.node.held).toBe(3)
})

test('after a reconnect what is uncovered goes out again, oldest first and in batch form', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(5_000, { acknowledge: true })
  w.receipt(w.node.boot, 1, 4)
  w.do({ kind: 'disconnected' })
  w.run(2_000)
  const again = w.connect().filter(m => m.channel === 'telemetry')
  expect(again).toHaveLength(1)
  expect(again[0]!.json.readings).toHaveLength(5)
  expect(seqs(again)).toEqual([2, 3, 4, 5, 6])
  expect(again[0]!.json.oldest).toEqual({ boot: w.node.boot, seq: 2 })
  expect(again[0]!.json).not.toHaveProperty('timestamp')
})

test('a reading keeps every digit from live to backlog', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  const live = w.run(3_000, { acknowledge: true }).filter(m => m.channel === 'telemetry')
  w.do({ kind: 'disconnected' })
  const [backlog] = w.connect().filter(m => m.channel === 'telemetry')
  const bodies = live.map(m => m.text.slice(m.text.indexOf('"timestamp"'), -1))
  expect(bodies).toHaveLength(3)
  expect(backlog!.text).toContain(`"readings":[${bodies.map(b => `{${b}}`).join(',')}]`)
})

test('backlog takes at most four batches a second', () => {
  const w = world({ keep: 'receipt', ringSize: 5_000 })
  w.run(3_000_000)
  w.connect()
  w.run(2_000, { acknowledge: true })
  const batches = w.telemetry().filter(m => m.json.readings)
  expect(batches.length).toBeGreaterThan(6)
  for (const b of batches) {
    expect(b.json.readings.length).toBeLessThanOrEqual(256)
    expect(batches.filter(other => other.atMs >= b.atMs && other.atMs < b.atMs + 1_000).length).toBeLessThanOrEqual(4)
  }
})

test('a live reading does not wait behind the backlog', () => {
  const w = world({ keep: 'receipt', ringSize: 5_000 })
  w.run(3_000_000)
  const takenBefore = w.node.counters.attempted
  w.connect()
  const live = w.run(3_000, { acknowledge: true }).filter(m => m.channel === 'telemetry' && !m.json.readings)
  expect(live.map(m => m.json.seq)).toEqual([takenBefore, takenBefore + 1, takenBefore + 2])
  for (const m of live) expect(m.json.timestamp * 1_000).toBe(1_704_844_900_000 + m.atMs)
})

test('at most eight messages are without PUBACK, and what waited follows as one batch', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(20_000)
  expect(w.node.unacknowledged).toBeLessThanOrEqual(8)
  const before = w.telemetry().length
  w.acknowledgeAll()
  const [waited] = w.telemetry().slice(before)
  expect(waited!.json.readings.length).toBeGreaterThan(10)
})

test('what seen passed 30 s ago and no receipt covers is sent again in the same connection, at most once each 30 s', () => {
  const w = world({ keep: 'receipt', intervalS: 100_000 })
  w.connect()
  w.command({ command: 'read_now' })
  w.command({ command: 'read_now' })
  w.acknowledgeAll()
  w.receipt(w.node.boot, null, 1)
  const again = w.run(65_000, { acknowledge: true }).filter(m => m.channel === 'telemetry')
  expect(again.map(m => Math.round(m.atMs / 1_000))).toEqual([30, 60])
  expect(seqs(again)).toEqual([0, 1, 0, 1])
})

test('a reading that receipts stop at after three sends is given up and counted as dropped', () => {
  const w = world({ keep: 'receipt', intervalS: 100_000 })
  w.connect()
  w.command({ command: 'read_now' })
  w.command({ command: 'read_now' })
  w.acknowledgeAll()
  w.receipt(w.node.boot, null, 1)
  w.run(80_000, { acknowledge: true })
  w.receipt(w.node.boot, null, 1)
  expect(w.node.held).toBe(2)
  w.run(20_000, { acknowledge: true })
  w.receipt(w.node.boot, null, 1)
  expect(w.node.counters.dropped).toBe(1)
  expect(w.node.held).toBe(1)
  w.receipt(w.node.boot, 1, 1)
  expect(w.node.counters).toMatchObject({ dropped: 1, receipted: 1 })
})

test('while the manager is away nothing is given up, however often it was sent again', () => {
  const w = world({ keep: 'receipt', intervalS: 100_000 })
  w.connect()
  w.command({ command: 'read_now' })
  w.acknowledgeAll()
  w.receipt(w.node.boot, null, 0)
  w.run(600_000, { acknowledge: true })
  expect(w.node.held).toBe(1)
  expect(w.telemetry().length).toBeGreaterThan(10)
})

test('a reading that seen never passed is kept, however often it was sent', () => {
  const w = world({ keep: 'receipt', intervalS: 100_000 })
  w.connect()
  w.command({ command: 'read_now' })
  for (let i = 0; i < 6; i++) {
    w.do({ kind: 'disconnected' })
    w.run(40_000)
    w.connect()
    w.run(1_000, { acknowledge: true })
  }
  expect(w.node.held).toBe(1)
})

test('a full ring drops the oldest reading, counts it, and oldest moves', () => {
  const w = world({ keep: 'receipt', ringSize: 4 })
  w.run(10_000)
  const [, backlog] = w.connect()
  expect(seqs([backlog!])).toEqual([6, 7, 8, 9])
  expect(backlog!.json.oldest.seq).toBe(6)
  expect(w.node.counters.dropped).toBe(6)
  expect(w.sent[0]!.json.dropped).toBe(6)
})

test('two readings never share a millisecond, whatever the wall clock does', () => {
  const w = world({ keep: 'receipt', intervalS: 0.01 })
  w.connect()
  w.run(100)
  w.clock.wall -= 70
  w.run(100)
  for (let i = 0; i < 5; i++) w.command({ command: 'read_now' })
  w.acknowledgeAll()
  const times = w.telemetry().flatMap(m => (m.json.readings ?? [m.json]).map((r: { timestamp: number }) => r.timestamp))
  expect(times.length).toBeGreaterThan(20)
  expect(new Set(times).size).toBe(times.length)
})

test('a clock that was set back for good is followed', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(2_000, { acknowledge: true })
  w.clock.wall -= 3_600_000
  const [after] = w.run(1_000, { acknowledge: true }).filter(m => m.channel === 'telemetry')
  expect(after!.json.timestamp * 1_000).toBeLessThan(1_704_844_900_000)
})

test('readings of before a reboot keep their boot and seq, in a batch of their own', () => {
  const w = world({ keep: 'receipt' })
  w.connect()
  w.run(2_000, { acknowledge: true })
  const oldBoot = w.node.boot
  w.command({ id: 'r', command: 'reboot' })
  w.run(4_000, { acknowledge: true })
  expect(w.node.boot).not.toBe(oldBoot)
  w.connect()
  const batches = w.run(2_000, { acknowledge: true }).filter(m => m.channel === 'telemetry')
  const all = [...w.telemetry().slice(2), ...batches]
  const old = all.find(m => m.json.readings && m.json.boot === oldBoot)
  expect(seqs([old!])).toEqual([0, 1])
  for (const m of all) expect(new Set(readingsOf(m).map(r => r.split('/')[0])).size).toBe(1)
})

test('a stopped node says goodbye and leaves when that is acknowledged', () => {
  const w = world()
  w.connect()
  w.acknowledgeAll()
  const [goodbye] = w.do({ kind: 'stop' })
  expect(goodbye!.json).toEqual({ node_id: 'node_n1', online: false, boot: w.node.boot })
  expect(goodbye!.retain).toBe(true)
  expect(w.leaves).toEqual([])
  w.acknowledge(goodbye!)
  expect(w.leaves).toEqual([null])
  expect(w.run(5_000)).toEqual([])
})

test('a node at rest takes no more readings but sends what it holds', () => {
  const w = world({ keep: 'receipt' })
  w.run(3_000)
  w.do({ kind: 'rest' })
  w.run(3_000)
  w.connect()
  expect(seqs(w.telemetry())).toEqual([0, 1, 2])
})

test('whatever is lost on the way, every reading ends settled or counted as dropped, and every command runs at most once', () => {
  const rounds = 15 * Number(process.env.ESPALIER_TEST_SCALE ?? 1)
  for (let seed = 1; seed <= rounds; seed++)
    expect(lossyRun(seed), `seed ${seed}`).toEqual({ unsettled: 0, vanished: 0, executedTwice: 0, unanswered: 0 })
})

/** Ten minutes with a broker and a manager that lose messages, acknowledgements and receipts and cut connections, then ten good ones. */
function lossyRun(seed: number): { unsettled: number; vanished: number; executedTwice: number; unanswered: number } {
  const random = seeded(seed)
  const w = world({ keep: 'receipt', random: random.fork('node') })
  const manager = lossyManager()
  const loss = random.next() * 0.5
  const commands = new Map<string, { command: string; answered: boolean }>()
  let good = false
  let connected = false
  let handled = 0
  const lost = (): boolean => !good && random.next() < loss

  const receive = (): void => {
    for (; handled < w.sent.length; handled++) {
      const m = w.sent[handled]!
      if (!connected) continue
      // A birth gets through: it is retained, and the ledger takes what it says of other boots by the latest birth (§3).
      if (m.channel === 'status' || !lost()) {
        manager.take(m)
        const command = m.channel === 'ack' && commands.get(m.json.id)
        if (command && ['done', 'failed', 'rejected'].includes(m.json.state)) command.answered = true
      }
      // The broker may also acknowledge what it then loses.
      if (!lost()) w.acknowledge(m)
    }
  }
  const sendCommands = (second: number): void => {
    if (!good && random.next() < 0.1)
      commands.set(`c${second}`, { command: random.next() < 0.1 ? 'reboot' : 'ping', answered: false })
    if (!connected || second % 5 !== 0) return
    for (const [id, c] of commands) if (!c.answered && !lost()) w.command({ id, command: c.command })
  }
  for (let second = 0; second < 1_200; second++) {
    good = second >= 600
    // What was never acknowledged fills the window; TCP would see to it that such a connection ends. And a broker that loses what it
    // acknowledged has crashed: the end of an older boot, which no `seen` can pass, heals with the connection after that.
    if (connected && (random.next() < (good ? 0 : 0.05) || w.node.unacknowledged >= 7 || second === 600)) {
      w.do({ kind: 'disconnected' })
      connected = false
    } else if (!connected && (good || random.next() < 0.5)) {
      connected = true
      w.connect()
    }
    sendCommands(second)
    receive()
    w.run(1_000)
    receive()
    if (w.leaves.splice(0).length > 0) connected = false
    if (connected) for (const r of manager.receipts()) if (!lost()) w.receipt(r.boot, r.seq, r.seen)
    if (second === 1_190) w.do({ kind: 'rest' })
  }
  const ids = w.executed.map(line => line.id)
  return {
    unsettled: w.node.held,
    vanished: w.node.counters.attempted - w.node.counters.dropped - manager.stored(),
    executedTwice: ids.length - new Set(ids).size,
    unanswered: [...commands.values()].filter(c => !c.answered).length,
  }
}

/** The least of a ledger: what is stored, what the node said is gone, and the receipts that follow. */
function lossyManager() {
  const stored = new Map<number, Set<number>>()
  const gone = new Map<number, number>()
  let born = -1
  const settledUpTo = (boot: number): number => {
    const have = stored.get(boot)!
    let next = 0
    while (have.has(next) || next < (gone.get(boot) ?? 0)) next++
    return next
  }
  return {
    take(m: Published): void {
      if (m.channel === 'status' && m.json.online) born = m.json.boot
      if (m.channel !== 'telemetry') return
      const { boot, oldest } = m.json
      if (!stored.has(boot)) stored.set(boot, new Set())
      for (const seq of seqs([m])) stored.get(boot)!.add(seq)
      gone.set(oldest.boot, Math.max(gone.get(oldest.boot) ?? 0, oldest.seq))
      if (oldest.boot === born)
        for (const other of stored.keys()) if (other !== born) gone.set(other, Math.max(...stored.get(other)!) + 1)
    },
    receipts: () =>
      [...stored].map(([boot, have]) => {
        const next = settledUpTo(boot)
        return { boot, seq: next === 0 ? null : next - 1, seen: Math.max(next - 1, ...have) }
      }),
    stored: () => [...stored.values()].reduce((sum, have) => sum + have.size, 0),
  }
}
