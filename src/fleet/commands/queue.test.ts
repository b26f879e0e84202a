import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CommandView } from '../../api/commands.ts'
import type { Position } from '../../contract/events.ts'
import type { AckState } from '../../contract/schemas.ts'
import { ManualClock } from '../../kit/clock.ts'
import { seeded } from '../../kit/random.ts'
import { createMemoryRecords } from '../../store/memory/records.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Reported } from './proof.ts'
import { type CommandQueue, openCommandQueue } from './queue.ts'
import { commandsCollection } from './writes.ts'

/** A manager with its queue, and a world around it: one clock, records that outlive the manager, a broker that notes what it was
 *  given and hands evidence over only when the test says so. */
class World {
  clock = new ManualClock()
  disk: Records = createMemoryRecords()
  records: Records = this.disk
  reachable = true
  dedupe = false
  suspect = false
  published: { node: string; text: string; evidence: (kind: 'write' | 'puback') => void }[] = []
  events: CommandView[] = []
  problems: string[] = []
  position = 0
  reported: Reported = { version: null, confirmed: null }
  seed = 1
  queue!: CommandQueue

  async start(): Promise<this> {
    const random = seeded(this.seed++)
    this.queue = await openCommandQueue({
      records: this.records,
      clock: this.clock,
      random: bytes => bytes.fill(random.below(256)),
      sealKey: 'key',
      clockSuspect: () => this.suspect,
      nodeExists: node => node !== 'nobody',
      delivery: () => ({ reachable: this.reachable, dedupe: this.dedupe }),
      emit: command => this.events.push(command),
      problem: detail => this.problems.push(detail),
    })
    this.queue.sendThrough({
      sendCommand: async (node, payload, evidence) => {
        this.published.push({ node, text: new TextDecoder().decode(payload), evidence })
      },
    })
    return this
  }

  /** kill -9 and a new start: only the records are left. */
  async restart(): Promise<void> {
    await this.queue.close()
    await this.start()
  }

  async send(
    command = 'set_led',
    more: { expires?: number; params?: Record<string, unknown> } = {},
    node = '01',
    key?: string,
  ): Promise<CommandView> {
    const result = await this.queue.send(node, { command, ...more }, 'test', key)
    if (!result.ok) throw new Error(`${result.why}: ${result.detail}`)
    await this.idle()
    return result.command
  }

  /** All that was begun is done. */
  idle(): Promise<void> {
    return this.queue.pump()
  }

  async tick(ms = 0): Promise<void> {
    this.clock.advance(ms)
    await this.queue.tick()
  }

  /** What node 01 says of its firmware from now on. */
  says(version: string, confirmed: boolean): void {
    this.reported = { version, confirmed }
    this.queue.applyStatus('01', this.reported, this.clock.wallMs(), true)
    this.queue.reached(at(++this.position))
  }

  ack(state: AckState, id?: string, command = 'set_led', node = '01'): void {
    const ack = { node_id: `node_${node}`, command, state, ...(id === undefined ? {} : { id }) }
    this.queue.applyAck({ kind: 'ack', node, arrived: this.clock.wallMs(), ack }, true, this.reported)
    this.queue.reached(at(++this.position))
  }

  state(id: string): string {
    return this.queue.get(id)!.state
  }

  kept(id: string): Promise<CommandView | undefined> {
    return this.disk.get(commandsCollection, id)
  }
}

const at = (segment: number): Position => ({ segment, offset: 0 })

let world: World
beforeEach(async () => {
  world = await new World().start()
})

describe('sending', () => {
  test('a command leaves at once for a node that can be reached, as the contract writes it', async () => {
    const command = await world.send('set_led', { params: { state: 'on', brightness: 128 } })
    expect(world.published.map(p => p.node)).toEqual(['01'])
    expect(JSON.parse(world.published[0]!.text)).toEqual({
      id: command.id,
      command: 'set_led',
      params: { state: 'on', brightness: 128 },
      expires: command.expires / 1000,
    })
    expect(command).toMatchObject({ state: 'queued', expires: world.clock.wall + 300_000, by: 'test', attempts: 0 })
  })

  test('sent comes with evidence of delivery only, and is kept', async () => {
    const { id } = await world.send()
    expect(world.state(id)).toBe('queued')
    expect(world.queue.get(id)!.attempts).toBe(1)
    world.published[0]!.evidence('write')
    await world.idle()
    expect(world.queue.get(id)).toMatchObject({ state: 'sent', history: [{}, { state: 'sent', evidence: 'write' }] })
    expect(await world.kept(id)).toEqual(world.queue.get(id))
  })

  test('it waits as queued while the node can not be reached', async () => {
    world.reachable = false
    const { id } = await world.send()
    await world.tick(1000)
    expect(world.published).toEqual([])
    world.reachable = true
    await world.queue.pump('01')
    expect(world.published.length).toBe(1)
    expect(world.queue.get(id)!.attempts).toBe(1)
  })

  test('at most 8 are sent and unfinished, in order; an end makes room for the next', async () => {
    const ids: string[] = []
    for (let i = 0; i < 10; i++) ids.push((await world.send('set_led', { params: { i } })).id)
    expect(world.published.map(p => JSON.parse(p.text).id)).toEqual(ids.slice(0, 8))
    world.ack('running', ids[0])
    await world.idle()
    expect(world.published.length).toBe(8)
    world.ack('done', ids[3])
    await world.idle()
    expect(world.published.map(p => JSON.parse(p.text).id)).toEqual(ids.slice(0, 9))
  })

  test('100 may wait for a node, the next is refused, others are not concerned', async () => {
    world.reachable = false
    for (let i = 0; i < 100; i++) await world.send()
    expect(await world.queue.send('01', { command: 'ping' }, 'test')).toMatchObject({ ok: false, why: 'queue_full' })
    expect(await world.queue.send('02', { command: 'ping' }, 'test')).toMatchObject({ ok: true })
  })

  test('2,048 bytes as published are allowed, one more is refused and leaves nothing behind', async () => {
    const base = await world.send('set_led', { params: { x: '' } })
    const room = 2048 - new TextEncoder().encode(world.published[0]!.text).length
    expect(base.params).toEqual({ x: '' })
    await world.send('set_led', { params: { x: 'a'.repeat(room) } })
    expect(world.published[1]!.text.length).toBe(2048)
    const refused = await world.queue.send('01', { command: 'set_led', params: { x: 'a'.repeat(room + 1) } }, 'test')
    expect(refused).toMatchObject({ ok: false, why: 'too_large' })
    expect(world.queue.list({ limit: 10 }).length).toBe(2)
  })

  test('an unknown node and a malformed request are refused', async () => {
    expect(await world.queue.send('nobody', { command: 'ping' }, 'test')).toMatchObject({ ok: false, why: 'no_such_node' })
    expect(await world.queue.send('01', { command: '' }, 'test')).toMatchObject({ ok: false, why: 'bad_request' })
    expect(await world.queue.send('01', { command: 'ping', expires: 604_801 }, 'test')).toMatchObject({
      ok: false,
      why: 'bad_request',
    })
  })
})

describe('repeats', () => {
  test('without dedupe nothing is published twice, not at a birth, not after a restart', async () => {
    const { id } = await world.send()
    await world.queue.pump('01', true)
    await world.tick(60_000)
    await world.restart()
    await world.queue.pump('01', true)
    await world.tick(60_000)
    expect(world.published.length).toBe(1)
    await world.tick(300_000)
    expect(world.state(id)).toBe('unknown')
  })

  test('with dedupe it is sent again at each birth and every 30 s, byte for byte, until it ends', async () => {
    world.dedupe = true
    const { id } = await world.send('set_led', { params: { b: 1, a: -0, 10: 'x', 9: 'y' } })
    await world.tick(29_999)
    expect(world.published.length).toBe(1)
    await world.tick(1)
    expect(world.published.length).toBe(2)
    await world.queue.pump('01', true)
    expect(world.published.length).toBe(3)
    await world.restart()
    await world.queue.pump('01', true)
    expect(world.published.length).toBe(4)
    expect(new Set(world.published.map(p => p.text)).size).toBe(1)
    world.ack('running', id)
    await world.tick(30_000)
    expect(world.published.length).toBe(5)
    expect(world.queue.get(id)).toMatchObject({ state: 'running', attempts: 5 })
    world.ack('done', id)
    await world.tick(30_000)
    await world.queue.pump('01', true)
    expect(world.published.length).toBe(5)
  })

  test('killed between publish and PUBACK: dedupe nodes get it again 30 s after the restart', async () => {
    world.dedupe = true
    const { id } = await world.send()
    await world.restart()
    expect(world.queue.get(id)).toMatchObject({ state: 'queued', attempts: 1 })
    await world.tick(30_000)
    expect(world.published.length).toBe(2)
  })

  test('the intent is on the disk before the publish', async () => {
    let intentAtPublish: number | undefined
    world.queue.sendThrough({
      sendCommand: async node => {
        for await (const [, command] of world.disk.list<CommandView>(commandsCollection)) intentAtPublish = command.attempts
        expect(node).toBe('01')
      },
    })
    await world.send()
    await world.idle()
    expect(intentAtPublish).toBe(1)
  })

  test('a broker that does not take it changes nothing: it may have left', async () => {
    world.queue.sendThrough({ sendCommand: () => Promise.reject(new Error('gone')) })
    const { id } = await world.send()
    await world.idle()
    expect(world.queue.get(id)).toMatchObject({ state: 'queued', attempts: 1 })
    expect(world.problems[0]).toMatch(/gone/)
    expect(await world.queue.cancel(id)).toMatchObject({ ok: false, why: 'not_queued' })
  })
})

describe('deadlines', () => {
  test('what never left expires, what left becomes unknown, and a late final ack still corrects that', async () => {
    const left = await world.send('set_led', { expires: 5 })
    world.reachable = false
    const waits = await world.send('set_led', { expires: 5 })
    await world.tick(4999)
    expect([world.state(left.id), world.state(waits.id)]).toEqual(['queued', 'queued'])
    await world.tick(1)
    expect([world.state(left.id), world.state(waits.id)]).toEqual(['unknown', 'expired'])
    expect(world.queue.get(left.id)!.history.at(-1)).toMatchObject({ state: 'unknown', evidence: 'clock' })
    world.ack('done', left.id)
    expect(world.state(left.id)).toBe('done')
  })

  test('they go by the wall clock over a restart, and rest while that is suspect', async () => {
    const { id } = await world.send('set_led', { expires: 5 })
    world.suspect = true
    await world.tick(10_000)
    expect(world.state(id)).toBe('queued')
    world.suspect = false
    await world.restart()
    await world.tick()
    expect(world.state(id)).toBe('unknown')
  })

  test('a command whose time is over never leaves', async () => {
    world.reachable = false
    const { id } = await world.send('set_led', { expires: 1 })
    world.clock.advance(1000)
    world.reachable = true
    await world.queue.pump()
    expect(world.published).toEqual([])
    await world.tick()
    expect(world.state(id)).toBe('expired')
  })
})

describe('acks', () => {
  test('by id, whatever came before; a repetition changes nothing', async () => {
    const { id } = await world.send()
    world.ack('done', id)
    const done = world.queue.get(id)
    expect(done).toMatchObject({ state: 'done', matched: 'id' })
    world.ack('failed', id)
    world.ack('done', id)
    expect(world.queue.get(id)).toEqual(done)
  })

  test('without id the oldest of that name that left and has not ended; unknown is not matched', async () => {
    const first = await world.send('set_led', { expires: 1 })
    const other = await world.send('ping')
    const second = await world.send()
    const third = await world.send()
    await world.tick(1000)
    expect(world.state(first.id)).toBe('unknown')
    world.ack('done')
    expect([first, other, second, third].map(c => world.state(c.id))).toEqual(['unknown', 'queued', 'done', 'queued'])
    expect(world.queue.get(second.id)!.matched).toBe('name')
  })

  test('what belongs to no command is said so: other node, other name, never left, no such id', async () => {
    const { id } = await world.send()
    world.reachable = false
    const waits = await world.send('ping')
    const { matches } = world.queue
    expect(matches('01', { id, command: 'set_led' })).toBe(true)
    expect(matches('02', { id, command: 'set_led' })).toBe(false)
    expect(matches('01', { command: 'set_led' })).toBe(true)
    expect(matches('01', { command: 'reboot' })).toBe(false)
    expect(matches('01', { id: waits.id, command: 'ping' })).toBe(false)
    expect(matches('01', { command: 'ping' })).toBe(false)
    expect(matches('01', { id: '01HKSQ0000000000000000000A', command: 'set_led' })).toBe(false)
    world.ack('done', id)
    expect(matches('01', { id, command: 'set_led' })).toBe(true) // a final ack that is sent again is no reject
    expect(matches('01', { command: 'set_led' })).toBe(false)
  })

  test('an ack during a write has the last word', async () => {
    const { id } = await world.send('set_led', { expires: 5 })
    world.clock.advance(5000)
    const ticking = world.queue.tick()
    const write = world.disk.write
    world.disk.write = async (changes, options) => {
      await write(changes, options)
      world.disk.write = write
      world.ack('done', id)
    }
    await ticking
    expect(world.state(id)).toBe('done')
    await world.send('ping') // any later write takes it along
    expect((await world.kept(id))!.state).toBe('done')
  })

  test('replayed after a crash they close the same commands as the first time', async () => {
    const first = await world.send()
    world.ack('done') // position 1: closes the first; in memory only
    const second = await world.send() // this write takes the ack along, with its position
    await world.restart()
    expect(world.queue.isNews(at(1))).toBe(false)
    expect([world.state(first.id), world.state(second.id)]).toEqual(['done', 'queued'])
    world.ack('running', second.id) // position 2, lost with the crash, comes again from the journal
    await world.restart()
    expect(world.queue.isNews(at(2))).toBe(true)
    expect(world.state(second.id)).toBe('queued')
  })
})

describe('cancelling', () => {
  test('only what never left; it is final and kept', async () => {
    world.reachable = false
    const waits = await world.send()
    expect(await world.queue.cancel(waits.id)).toMatchObject({ ok: true, command: { state: 'cancelled' } })
    expect((await world.kept(waits.id))!.state).toBe('cancelled')
    expect(await world.queue.cancel(waits.id)).toMatchObject({ ok: false, why: 'not_queued' })
    expect(await world.queue.cancel('nothing')).toEqual({ ok: false, why: 'not_found' })
    world.reachable = true
    const left = await world.send()
    expect(await world.queue.cancel(left.id)).toMatchObject({ ok: false, why: 'not_queued', command: { attempts: 1 } })
  })

  test('a cancel that comes with the send either wins or loses, never both', async () => {
    const result = await world.queue.send('01', { command: 'ping' }, 'test')
    const id = result.ok ? result.command.id : ''
    const cancelled = await world.queue.cancel(id)
    await world.idle()
    expect(world.published.length).toBe(cancelled.ok ? 0 : 1)
  })
})

describe('Idempotency-Key', () => {
  test('the same key and body give the same command, also at once and over a restart', async () => {
    const body = { command: 'set_led', params: { a: 1, b: { c: 2, d: 3 } } }
    const swapped = { params: { b: { d: 3, c: 2 }, a: 1 }, command: 'set_led' }
    const results = await Promise.all([world.queue.send('01', body, 'test', 'k'), world.queue.send('01', swapped, 'test', 'k')])
    const ids = results.map(result => (result.ok ? result.command.id : result.why))
    expect(ids[0]).toBe(ids[1])
    expect(results.map(result => result.ok && result.repeated)).toEqual([false, true])
    await world.restart()
    expect(await world.queue.send('01', body, 'test', 'k')).toMatchObject({ ok: true, repeated: true, command: { id: ids[0] } })
    expect(world.published.length).toBe(1)
  })

  test('another body is a conflict; another node or 24 h later is another command', async () => {
    const { id } = await world.send('ping', {}, '01', 'k')
    expect(await world.queue.send('01', { command: 'ping', params: { x: 1 } }, 'test', 'k')).toMatchObject({
      ok: false,
      why: 'conflict',
    })
    expect((await world.send('ping', {}, '02', 'k')).id).not.toBe(id)
    await world.tick(24 * 3_600_000 - 1)
    expect((await world.send('ping', {}, '01', 'k')).id).toBe(id)
    await world.tick(1)
    expect((await world.send('ping', {}, '01', 'k')).id).not.toBe(id)
  })

  test('a key of no or too many characters is refused', async () => {
    expect(await world.queue.send('01', { command: 'ping' }, 'test', '')).toMatchObject({ ok: false, why: 'bad_request' })
    expect(await world.queue.send('01', { command: 'ping' }, 'test', 'k'.repeat(256))).toMatchObject({
      ok: false,
      why: 'bad_request',
    })
  })
})

describe('lists', () => {
  test('newest first, by node and state, page by page, also when the clock stepped back over a restart', async () => {
    const a = await world.send('ping', {}, '01')
    const b = await world.send('ping', {}, '02')
    world.clock.wall -= 3_600_000
    await world.restart()
    const c = await world.send('ping', {}, '01')
    world.ack('done', a.id, 'ping')
    const ids = (query: Parameters<CommandQueue['list']>[0]) => world.queue.list(query).map(command => command.id)
    expect(ids({ limit: 10 })).toEqual([c.id, b.id, a.id])
    expect(ids({ limit: 2 })).toEqual([c.id, b.id])
    expect(ids({ limit: 2, before: b.id })).toEqual([a.id])
    expect(ids({ node: '01', limit: 10 })).toEqual([c.id, a.id])
    expect(ids({ state: 'done', limit: 10 })).toEqual([a.id])
    expect(world.queue.counts()).toMatchObject({ done: 1, queued: 2, unknown: 0 })
  })

  test('what ended long ago is swept out, the rest stays', async () => {
    const old = await world.send('ping')
    const open = await world.send('ping', { expires: 604_800 })
    world.ack('done', old.id, 'ping')
    await world.tick()
    await world.tick(30 * 24 * 3_600_000 + 1)
    expect(world.queue.get(old.id)).toBeUndefined()
    expect(await world.kept(old.id)).toBeUndefined()
    expect(world.state(open.id)).toBe('unknown')
  })
})

test('a removed node: what never left is cancelled, the rest unknown, its keys are free', async () => {
  const left = await world.send('ping', {}, '01', 'k')
  world.reachable = false
  const waits = await world.send('ping')
  await world.queue.abandon('01')
  expect([world.state(left.id), world.state(waits.id)]).toEqual(['unknown', 'cancelled'])
  expect((await world.send('ping', {}, '01', 'k')).id).not.toBe(left.id)
})

describe('records that fail', () => {
  const failing = (): void => {
    world.disk.write = () => Promise.reject(new Error('disk full'))
  }

  test('a command that can not be kept is not answered for and never leaves', async () => {
    failing()
    await expect(world.queue.send('01', { command: 'ping' }, 'test')).rejects.toThrow('disk full')
    await world.tick(1000)
    expect(world.published).toEqual([])
    expect(world.queue.list({ limit: 10 })).toEqual([])
  })

  test('one that reached the disk although its write failed is taken back by the next write', async () => {
    const write = world.disk.write
    world.disk.write = async (changes, options) => {
      await write(changes, options)
      throw new Error('sync failed')
    }
    await expect(world.queue.send('01', { command: 'ping' }, 'test', 'k')).rejects.toThrow('sync failed')
    world.disk.write = write
    const again = await world.send('ping', {}, '01', 'k')
    await world.restart()
    expect(world.queue.list({ limit: 10 }).map(command => command.id)).toEqual([again.id])
  })

  test('an intent that can not be kept is not published; it is when the disk has room again', async () => {
    world.reachable = false
    const { id } = await world.send()
    const write = world.disk.write
    failing()
    world.reachable = true
    await world.tick()
    await world.tick()
    expect(world.published).toEqual([])
    expect(world.queue.get(id)!.attempts).toBe(0)
    expect(world.problems).toEqual([expect.stringMatching(/disk full/)]) // once, not at each tick
    world.disk.write = write
    await world.tick()
    expect(world.published.length).toBe(1)
  })

  test('evidence of delivery is not lost', async () => {
    const { id } = await world.send()
    const write = world.disk.write
    failing()
    world.published[0]!.evidence('puback')
    await world.idle()
    expect(world.state(id)).toBe('sent')
    world.disk.write = write
    await world.send('ping')
    expect((await world.kept(id))!.state).toBe('sent')
  })
})

/** Records whose process dies at the n-th write from now: before it or right after it, and nothing is written any more. */
class Dying implements Records {
  left: number
  readonly after: boolean
  readonly disk: Records
  dead = false
  constructor(disk: Records, left: number, after: boolean) {
    this.disk = disk
    this.left = left
    this.after = after
  }
  get<T>(collection: string, key: string) {
    return this.disk.get<T>(collection, key)
  }
  list<T>(collection: string) {
    return this.disk.list<T>(collection)
  }
  async write(changes: readonly Change[], options: { sync: boolean }): Promise<void> {
    if (this.dead) throw new Error('dead')
    if (--this.left > 0) return this.disk.write(changes, options)
    if (this.after) await this.disk.write(changes, options)
    this.dead = true
    throw new Error('dead')
  }
  async close(): Promise<void> {}
}

test('killed at any write of any story: at most one publish without dedupe, no intent lost, everything ends', async () => {
  const actions = fc.array(fc.constantFrom('send', 'puback', 'ack', 'ackNameless', 'birth', 'wait', 'away', 'back', 'cancel'), {
    maxLength: 14,
  })
  await fc.assert(
    fc.asyncProperty(
      actions,
      fc.integer({ min: 1, max: 14 }),
      fc.boolean(),
      fc.boolean(),
      async (story, deathAt, after, dedupe) => {
        const world = new World()
        world.dedupe = dedupe
        const dying = new Dying(world.disk, deathAt, after)
        world.records = dying
        await world.start()
        const answered = new Map<string, string>()
        const live = async (action: string): Promise<void> => {
          if (action === 'send') {
            const result = await world.queue.send('01', { command: 'ping' }, 'test').catch(() => undefined)
            if (result?.ok) answered.set(result.command.id, 'queued')
          }
          if (action === 'puback') world.published.at(-1)?.evidence('puback')
          if (action === 'ack' && world.published.length > 0 && !dying.dead)
            world.ack('done', JSON.parse(world.published[0]!.text).id, 'ping')
          if (action === 'ackNameless' && !dying.dead) world.ack('running', undefined, 'ping')
          if (action === 'birth') await world.queue.pump('01', true)
          if (action === 'wait') await world.tick(30_000)
          if (action === 'away') world.reachable = false
          if (action === 'back') world.reachable = true
          if (action === 'cancel') await world.queue.cancel(world.queue.list({ limit: 1 })[0]?.id ?? '').catch(() => undefined)
          await world.idle()
        }
        for (const action of story) if (!dying.dead) await live(action)

        world.records = world.disk
        world.reachable = true
        await world.restart()
        for (const id of answered.keys()) expect(world.queue.get(id)).toBeDefined()
        for (const { text } of world.published) expect(world.queue.get(JSON.parse(text).id)!.attempts).toBeGreaterThan(0)
        await live('birth')
        await live('wait')
        await world.tick(700_000)
        const texts = world.published.map(p => p.text)
        if (!dedupe) expect(new Set(texts).size).toBe(texts.length)
        for (const command of world.queue.list({ limit: 1000 })) {
          expect(['done', 'expired', 'unknown', 'cancelled']).toContain(command.state)
          if (command.state === 'expired' || command.state === 'cancelled')
            expect(texts.some(text => text.includes(command.id))).toBe(false)
        }
        await world.queue.close()
      },
    ),
    { numRuns: 300 * Number(process.env.ESPALIER_TEST_SCALE ?? 1) },
  )
})

describe('an update', () => {
  const url = 'https://192.168.1.2:8443/fw/ab?t=secret-token'
  const sent = (): Promise<CommandView> =>
    world.send('update_firmware', { params: { url, board: 'host', version: '2.0.0' }, expires: 1_800 })

  beforeEach(() => world.says('1.0.0', true))

  test('is done only when its node reports the new version, confirmed', async () => {
    const { id } = await sent()
    world.ack('accepted', id, 'update_firmware')
    world.ack('running', id, 'update_firmware')
    world.ack('done', id, 'update_firmware')
    expect(world.queue.get(id)).toMatchObject({ state: 'running', progress: 100, final_at: null })
    world.says('2.0.0', false)
    expect(world.state(id)).toBe('running')
    world.says('2.0.0', true)
    expect(world.state(id)).toBe('done')
  })

  test('is done with its ack when the node said so before', async () => {
    const { id } = await sent()
    world.says('2.0.0', false)
    world.says('2.0.0', true)
    expect(world.state(id)).toBe('queued')
    world.ack('done', id, 'update_firmware')
    expect(world.state(id)).toBe('done')
  })

  test('has failed when the node says done and goes on reporting another version', async () => {
    const { id } = await sent()
    world.ack('done', id, 'update_firmware')
    world.says('1.0.0', true)
    expect(world.queue.get(id)).toMatchObject({ state: 'failed', error: { code: 'rolled_back' } })
  })

  test('remembers over a restart what the node claimed, and is corrected after its deadline', async () => {
    const { id } = await sent()
    world.ack('done', id, 'update_firmware')
    await world.send()
    await world.restart()
    await world.tick(1_801_000)
    expect(world.state(id)).toBe('unknown')
    world.says('2.0.0', true)
    expect(world.state(id)).toBe('done')
  })

  test('shows its token to the node alone', async () => {
    const { id } = await sent()
    world.ack('failed', id, 'update_firmware')
    const shown = [world.queue.get(id), world.queue.list({ limit: 10 }), world.events]
    expect(JSON.stringify(shown)).not.toContain('secret-token')
    expect(world.queue.get(id)!.params.url).toBe('https://192.168.1.2:8443/fw/ab?t=…')
    expect(world.published[0]!.text).toContain(url)
  })
})
