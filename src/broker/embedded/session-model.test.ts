import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delivery, Message, Qos, Sink } from './message.ts'
import { Session } from './session.ts'

/** The session beside a model that is a list: what was promised to a subscriber, message by message. The model knows nothing of
 *  windows or queues; it only says what may never happen: a loss that is not counted, a repeat without DUP, two of one packet id
 *  under way, more than the window, another order, something kept that is settled or the other way round. */

const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const bounds = { window: 3, windowBytes: 400, queueMessages: 5, queueBytes: 600 }

interface Sent {
  readonly n: number
  readonly qos: Qos
  readonly id: number
  readonly dup: boolean
}

class Model {
  n = 0
  /** Offered with QoS > 0 and not yet settled or dropped, in order. */
  open: { n: number; qos: Qos; state: 'new' | 'sent' | 'released'; id: number; size: number }[] = []
  connected = false
  qos0Sent: number[] = []
}

class Real implements Sink {
  session: Session
  persistent: boolean
  full = false
  out: Sent[] = []
  rels: number[] = []
  kept = new Map<number, Delivery>()
  reserved: { n: number; delivery: Delivery }[] = []
  numbers = new Map<Message, number>()

  constructor(persistent: boolean) {
    this.persistent = persistent
    this.session = new Session(
      { key: 's', client: 's', persistent, number: 1, identity: { role: 'local', user: null } },
      bounds,
      (_, delivery) => expect(this.kept.delete(delivery.order)).toBe(true),
    )
  }
  publish(message: Message, qos: Qos, id: number, _retain: boolean, dup: boolean): boolean {
    if (this.full && qos === 0) return false
    this.out.push({ n: Number(Buffer.from(message.payload).toString('latin1', 0, 6)), qos, id, dup })
    return true
  }
  pubrel(id: number): void {
    this.rels.push(id)
  }
  ready(): boolean {
    return !this.full
  }
}

const message = (n: number, size: number, qos: Qos): Message => ({
  known: {} as Message['known'],
  payload: Buffer.from(`${n}`.padStart(6, '0').padEnd(Math.max(6, size), '.')),
  qos,
})

/** After each step: what came out is what the model allows, and the model learns of it. */
function settle(model: Model, real: Real): void {
  const { session } = real
  for (const sent of real.out.splice(0)) {
    if (sent.qos === 0) {
      expect(model.qos0Sent.at(-1) ?? 0).toBeLessThan(sent.n)
      model.qos0Sent.push(sent.n)
      continue
    }
    const entry = model.open.find(({ n }) => n === sent.n)
    expect(entry).toBeDefined()
    expect(sent.dup).toBe(entry!.state === 'sent')
    if (entry!.id !== 0) expect(sent.id).toBe(entry!.id)
    expect(model.open.some(other => other !== entry && other.state !== 'new' && other.id === sent.id)).toBe(false)
    entry!.id = sent.id
    entry!.state = 'sent'
  }
  const underWay = model.open.filter(({ state }) => state !== 'new')
  expect(underWay.length).toBeLessThanOrEqual(bounds.window)
  if (model.connected) expect(session.inflight).toBe(underWay.length)
  // Nothing waits without a reason.
  const next = model.open.find(({ state }) => state === 'new')
  if (model.connected && !real.full && next !== undefined && underWay.length < bounds.window) {
    const bytes = underWay.reduce((sum, { size }) => sum + size, 0)
    expect(underWay.length).toBeGreaterThan(0)
    expect(bytes + next.size).toBeGreaterThan(bounds.windowBytes)
  }
  // Sent ones are a prefix of what is open: nothing overtook.
  const firstNew = model.open.findIndex(({ state }) => state === 'new')
  if (firstNew >= 0) expect(model.open.slice(firstNew).every(({ state }) => state === 'new')).toBe(true)
  // Reserved ones wait for their commit and stand in no queue yet.
  expect(session.queued).toBeLessThanOrEqual(bounds.queueMessages)
  if (real.persistent) {
    const keptNow = [...real.kept.values()].filter(({ state }) => state !== 'reserved').length
    expect(keptNow).toBe(model.open.length)
  }
}

/** The oldest waiting ones that the session says it dropped. */
function drop(model: Model, count: number): void {
  for (let i = 0; i < count; i++) {
    const oldest = model.open.findIndex(({ state }) => state === 'new')
    expect(oldest).toBeGreaterThanOrEqual(0)
    model.open.splice(oldest, 1)
  }
}

type Step = fc.Command<Model, Real>

class Publish implements Step {
  readonly size: number
  readonly qos: Qos
  constructor(size: number, qos: Qos) {
    this.size = size
    this.qos = qos
  }
  check = () => true
  run(model: Model, real: Real): void {
    const n = ++model.n
    const before = real.session.dropped
    if (this.qos === 0) {
      real.session.deliver(message(n, this.size, 0), 0, false)
      expect(real.session.dropped - before).toBe(model.connected && real.full ? 1 : 0)
    } else {
      const delivery = real.session.reserve(message(n, this.size, this.qos), this.qos, false)!
      if (real.session.keeps(delivery)) real.kept.set(delivery.order, delivery)
      model.open.push({ n, qos: this.qos, state: 'new', id: 0, size: Math.max(6, this.size) })
      // What is sent now must be learned before what is dropped: a full queue drops what was not sent.
      real.session.offer(delivery)
      const dropped = real.session.dropped - before
      drop(model, dropped)
    }
    settle(model, real)
  }
  toString = () => `publish ${this.size} at ${this.qos}`
}

class Acknowledge implements Step {
  readonly which: number
  constructor(which: number) {
    this.which = which
  }
  check = (model: Readonly<Model>) => model.connected && model.open.some(({ state }) => state !== 'new')
  run(model: Model, real: Real): void {
    const underWay = model.open.filter(({ state }) => state !== 'new')
    const entry = underWay[this.which % underWay.length]!
    if (entry.qos === 1) expect(real.session.acked(entry.id)).toBe(true)
    else if (entry.state === 'sent') {
      expect(real.session.received(entry.id)).not.toBeNull()
      expect(real.session.received(entry.id)).toBeNull()
      entry.state = 'released'
      settle(model, real)
      return
    } else expect(real.session.completed(entry.id)).toBe(true)
    model.open.splice(model.open.indexOf(entry), 1)
    settle(model, real)
  }
  toString = () => `acknowledge ${this.which}`
}

class Nonsense implements Step {
  readonly id: number
  constructor(id: number) {
    this.id = id
  }
  check = (model: Readonly<Model>) => model.open.every(({ id }) => id !== this.id)
  run(model: Model, real: Real): void {
    expect([real.session.acked(this.id), real.session.received(this.id), real.session.completed(this.id)]).toEqual([
      false,
      null,
      false,
    ])
    settle(model, real)
  }
  toString = () => `nonsense ${this.id}`
}

class Connect implements Step {
  check = (model: Readonly<Model>) => !model.connected
  run(model: Model, real: Real): void {
    model.connected = true
    real.full = false
    const expectedRels = model.open.filter(({ state }) => state === 'released').map(({ id }) => id)
    const again = model.open.filter(({ state }) => state === 'sent').map(({ n }) => n)
    real.session.attach(real)
    expect(real.rels.splice(0)).toEqual(expectedRels)
    expect(real.out.filter(({ dup }) => dup).map(({ n }) => n)).toEqual(again)
    settle(model, real)
  }
  toString = () => 'connect'
}

class Disconnect implements Step {
  check = (model: Readonly<Model>) => model.connected
  run(model: Model, real: Real): void {
    model.connected = false
    real.session.detach()
    if (!real.persistent) {
      real.session = new Real(false).session
      model.open = []
      model.qos0Sent = []
    }
    settle(model, real)
  }
  toString = () => 'disconnect'
}

class Socket implements Step {
  readonly full: boolean
  constructor(full: boolean) {
    this.full = full
  }
  check = (model: Readonly<Model>) => model.connected
  run(model: Model, real: Real): void {
    real.full = this.full
    if (!this.full) real.session.drain()
    settle(model, real)
  }
  toString = () => (this.full ? 'socket full' : 'socket free')
}

const steps = fc.commands(
  [
    fc.tuple(fc.constantFrom(10, 20, 100, 350), fc.constantFrom<Qos>(0, 1, 2)).map(([size, qos]) => new Publish(size, qos)),
    fc.nat(5).map(which => new Acknowledge(which)),
    fc.nat(5).map(which => new Acknowledge(which)),
    fc.integer({ min: 40_000, max: 65_535 }).map(id => new Nonsense(id)),
    fc.constant(new Connect()),
    fc.constant(new Disconnect()),
    fc.boolean().map(full => new Socket(full)),
  ],
  { maxCommands: 80, size: 'max' },
)

test.each([true, false])('any history of a session (persistent: %s) keeps its promises', persistent => {
  fc.assert(
    fc.property(steps, commands => {
      fc.modelRun(() => ({ model: new Model(), real: new Real(persistent) }), commands)
    }),
    { numRuns: 1_000 * scale },
  )
})
