import { beforeEach, describe, expect, test } from 'vitest'
import type { Credential, NodeAddition } from '../../api/identities.ts'
import type { JournalEvent } from '../../contract/events.ts'
import { ManualClock } from '../../kit/clock.ts'
import { createLedger } from '../../ledger/create.ts'
import { createMemoryRecords } from '../../store/memory/records.ts'
import type { Records } from '../../store/records.ts'
import type { Fleet } from '../fleet.ts'
import { openFleet } from '../fleet.ts'
import type { IdentityResult, UnclaimedPolicy } from './identities.ts'
import type { CertificateIssuer } from './issuer.ts'

/** The identities inside a fleet, with records in memory, a broker that only notes what it is told, and no CA unless a test gives one. */
class World {
  clock = new ManualClock()
  records: Records = createMemoryRecords()
  policy: UnclaimedPolicy = 'accept'
  issuer: CertificateIssuer | null = null
  readonly told: string[] = []
  readonly online = new Set<string>()
  readonly listed: string[] = []
  readonly problems: string[] = []
  fleet!: Fleet
  private offset = 0

  async start(): Promise<this> {
    this.fleet = await openFleet({
      records: this.records,
      ledger: createLedger(),
      clock: this.clock,
      identities: {
        issuer: () => this.issuer,
        mqttsPort: () => 8883,
        policy: () => this.policy,
        standsIn: id => id === 'sim-1',
      },
      onProblem: detail => void this.problems.push(detail),
    })
    this.fleet.identities.disconnectThrough({
      disconnect: async user => {
        this.told.push(`close ${user}`)
        this.online.delete(user)
      },
      connected: () => this.online,
      speakFor: async (node, status) =>
        void this.told.push(`${node}: ${status === null ? 'cleared' : Buffer.from(status).toString()}`),
    })
    return this
  }

  get identities() {
    return this.fleet.identities
  }

  async add(addition: NodeAddition): Promise<Credential> {
    const added = await this.identities.add(addition)
    if (!added.ok) throw new Error(added.why)
    return added.value
  }

  batch(...events: JournalEvent[]): void {
    this.offset += 100
    this.fleet.apply({ events, end: { segment: 0, offset: this.offset } }, true)
  }

  reading(node: string): JournalEvent {
    const now = this.clock.wall
    return { kind: 'reading', node, arrived: now, time: now, boot: null, seq: null, names: ['t'], values: [1] }
  }

  reject(node: string, reason: 'unclaimed' | 'bad_json'): JournalEvent {
    const raw = new Uint8Array(0)
    const topic = `iot/node/${node}/telemetry`
    const more = { detail: '', size: 0, raw, truncated: false, count: 1, indices: null, settles: null }
    return { kind: 'reject', node, topic, arrived: this.clock.wall, reason, ...more }
  }

  logIn(credential: Credential) {
    if (!('password' in credential)) throw new Error('a certificate')
    return this.identities.authenticate({
      user: credential.username,
      password: Buffer.from(credential.password),
      address: '127.0.0.1',
    })
  }

  /** Everything that is kept, as text. */
  async kept(): Promise<string> {
    let text = ''
    for (const collection of ['identities', 'claimed', 'identity_uses', 'nodes', 'labels', 'removed'])
      for await (const [key, entry] of this.records.list(collection)) text += `${collection}/${key} ${JSON.stringify(entry)}\n`
    return text
  }
}

const why = (result: IdentityResult<unknown>): string | null => (result.ok ? null : result.why)

let world: World
beforeEach(async () => {
  world = await new World().start()
})

describe('adding', () => {
  test('makes a node that never spoke, claimed, and a password that is kept nowhere', async () => {
    const credential = await world.add({ id: 'greenhouse', name: 'Greenhouse' })
    const now = world.clock.wall
    expect(credential).toEqual({ id: 'greenhouse', username: 'greenhouse', password: expect.stringMatching(/^.{27}$/) })
    expect(world.fleet.nodes()).toMatchObject([
      { id: 'greenhouse', name: 'Greenhouse', state: 'unknown', claimed: true, first_seen: now, last_seen: now, stored: 0 },
    ])
    expect(world.fleet.nodes()[0]!.last_reading).toBeNull()
    expect(world.logIn(credential)).toEqual({ role: 'node', user: 'greenhouse' })
    await world.fleet.checkpoint({ sync: true })
    expect(await world.kept()).not.toContain((credential as { password: string }).password)
    expect(JSON.stringify(world.identities.list())).not.toMatch(/\$7\$/)
  })

  test('outlives a restart, also one right behind it', async () => {
    const credential = await world.add({ id: '01', name: 'Bench' })
    const before = world.fleet.nodes()
    world.clock.advance(1_000)
    await world.start()
    expect(world.fleet.nodes()).toEqual(before)
    expect(world.logIn(credential)).not.toBeNull()
  })

  test('is refused where there is a credential, also a revoked one', async () => {
    await world.add({ id: '01' })
    expect(why(await world.identities.add({ id: '01' }))).toBe('exists')
    await world.identities.revoke('01')
    expect(why(await world.identities.add({ id: '01' }))).toBe('exists')
  })

  test('of a node that merely spoke gives it a credential and claims it; what is known of it stays', async () => {
    world.batch(world.reading('01'))
    const seen = world.clock.wall
    world.clock.advance(5_000)
    expect(world.fleet.node('01')?.claimed).toBe(false)
    await world.add({ id: '01' })
    expect(world.fleet.node('01')).toMatchObject({ claimed: true, first_seen: seen, stored: 1 })
    await world.start() // nothing was written down but the credential
    expect(world.fleet.node('01')).toMatchObject({ claimed: true, first_seen: seen })
  })

  test('of a virtual node that runs here is refused', async () => {
    expect(why(await world.identities.add({ id: 'sim-1' }))).toBe('virtual')
    expect(why(await world.identities.add({ id: 'sim-2' }))).toBeNull()
  })

  test('of a removed id lifts the tombstone, and nothing of its earlier life comes back', async () => {
    const old = await world.add({ id: '01', name: 'Old' })
    world.batch(world.reading('01'), world.reading('01'))
    await world.fleet.remove('01')
    expect([world.fleet.removed('01'), world.fleet.node('01'), world.logIn(old)]).toEqual([true, undefined, null])
    world.clock.advance(1_000)
    const fresh = await world.add({ id: '01' })
    const anew = { name: null, stored: 0, claimed: true, first_seen: world.clock.wall }
    expect(world.fleet.removed('01')).toBe(false)
    expect(world.fleet.node('01')).toMatchObject(anew)
    expect([world.logIn(old), world.logIn(fresh)?.user]).toEqual([null, '01'])
    await world.start()
    // The journal ends with what the old one said: all of it is behind the watermark.
    expect(world.fleet.watermark()).toEqual({ segment: 0, offset: 100 })
    expect(world.fleet.removed('01')).toBe(false)
    expect(world.fleet.node('01')).toMatchObject(anew)
    expect([world.logIn(old), world.logIn(fresh)?.user]).toEqual([null, '01'])
  })
})

describe('a credential', () => {
  test('that was rotated is worth nothing, the new one is, and the session is closed', async () => {
    const old = await world.add({ id: '01' })
    world.online.add('01')
    const rotated = await world.identities.rotate('01', {})
    expect(rotated.ok && world.logIn(rotated.value)).toEqual({ role: 'node', user: '01' })
    expect(world.logIn(old)).toBeNull()
    expect(world.told).toEqual(['close 01'])
    await world.start()
    expect(world.logIn(old)).toBeNull()
  })

  test('that was revoked is worth nothing, again and after a restart; rotating lets the node in again', async () => {
    const old = await world.add({ id: '01' })
    const revoked = await world.identities.revoke('01')
    expect(revoked).toMatchObject({ ok: true, value: { id: '01', revoked: world.clock.wall } })
    expect(world.logIn(old)).toBeNull()
    world.clock.advance(1_000)
    expect(await world.identities.revoke('01')).toEqual(revoked)
    await world.start()
    expect(world.logIn(old)).toBeNull()
    expect(world.fleet.node('01')?.claimed).toBe(true)
    const anew = await world.identities.rotate('01', {})
    expect(anew.ok && world.logIn(anew.value)).not.toBeNull()
    expect(world.identities.list()).toMatchObject([{ id: '01', revoked: null, rotated: world.clock.wall }])
  })

  test('that ends with its session open leaves the node offline for all who look, not online for ever', async () => {
    await world.add({ id: '01' })
    const status = { node_id: 'node_01', online: true, boot: 7 }
    world.batch({ kind: 'status', node: '01', arrived: world.clock.wall, live: true, status })
    world.online.add('01')
    await world.identities.revoke('01')
    await Promise.resolve()
    expect(world.told).toEqual(['close 01', '01: {"node_id":"node_01","online":false,"boot":7}'])
  })

  test('goes with its node, and what is retained of the node with it', async () => {
    await world.add({ id: '01' })
    await world.fleet.remove('01')
    await Promise.resolve()
    expect(world.told).toEqual(['close 01', '01: cleared'])
    expect(world.identities.list()).toEqual([])
    expect(await world.kept()).toMatch(/^removed\/01 \{"time":\d+\}\n$/)
  })

  test('is refused in memory at once when the disk is full, and the caller hears of it', async () => {
    const old = await world.add({ id: '01' })
    const write = world.records.write
    world.records.write = async () => {
      throw new Error('no space')
    }
    await expect(world.identities.revoke('01')).rejects.toThrow('no space')
    expect(world.logIn(old)).toBeNull()
    await expect(world.identities.rotate('01', {})).rejects.toThrow('no space')
    world.records.write = write
    expect(why(await world.identities.revoke('01'))).toBeNull()
  })

  test('says when it was used last, over restarts', async () => {
    const credential = await world.add({ id: '01' })
    expect(world.identities.list()).toMatchObject([{ last_connected: null, connected: false }])
    world.logIn(credential)
    world.online.add('01')
    expect(world.identities.list()).toMatchObject([{ last_connected: world.clock.wall, connected: true }])
    await world.fleet.checkpoint({ sync: false })
    await world.start()
    expect(world.identities.list()).toMatchObject([{ last_connected: world.clock.wall }])
  })

  test('that is not there: which node there is none of, and which has none', async () => {
    world.batch(world.reading('02'))
    for (const change of [world.identities.revoke, (id: string) => world.identities.rotate(id, {})]) {
      expect([why(await change('01')), why(await change('02'))]).toEqual(['no_such_node', 'no_identity'])
    }
  })

  test('changes of one node at once come one after the other', async () => {
    await world.add({ id: '01' })
    const all = await Promise.all([
      world.identities.rotate('01', {}),
      world.identities.rotate('01', {}),
      world.fleet.remove('01'),
    ])
    expect(all).toMatchObject([{ ok: true }, { ok: true }, true])
    expect([world.identities.list(), world.fleet.nodes()]).toEqual([[], []])
  })
})

describe('a client certificate', () => {
  const issuer = (world: World): CertificateIssuer => {
    let serial = 0
    return {
      issue: async id => {
        serial++
        return {
          cert: `cert ${serial} of ${id}`,
          key: 'key',
          ca: 'ca',
          serial: `${serial}`,
          fingerprint: `F${serial}`,
          expires: 99,
        }
      },
      revoke: async number => void world.listed.push(number),
    }
  }
  const shows = (fingerprint: string) =>
    world.identities.authenticate({
      user: '01',
      password: new Uint8Array(0),
      address: '',
      certificate: { cn: '01', serial: '', fingerprint },
    })

  test('needs the own CA, and the refusal says how to get one', async () => {
    const refused = await world.identities.add({ id: '01', cert: true })
    expect(refused).toMatchObject({ ok: false, why: 'no_issuer', detail: expect.stringContaining('--lan') })
    expect(world.fleet.nodes()).toEqual([])
  })

  test('is shown once, and only the current one counts', async () => {
    world.issuer = issuer(world)
    const credential = await world.add({ id: '01', cert: true })
    expect(credential).toEqual({ id: '01', cert: 'cert 1 of 01', key: 'key', ca: 'ca', port: 8883 })
    expect(shows('F1')).toEqual({ role: 'node', user: '01' })
    expect(world.identities.list()).toMatchObject([{ kind: 'certificate', expires: 99 }])
    const rotated = await world.identities.rotate('01', {})
    expect(rotated).toMatchObject({ ok: true, value: { cert: 'cert 2 of 01' } })
    expect([shows('F1'), shows('F2')?.user, world.listed]).toEqual([null, '01', ['1']])
    const password = await world.identities.rotate('01', { cert: false })
    expect(password.ok && world.logIn(password.value)).not.toBeNull()
    expect([shows('F2'), world.listed]).toEqual([null, ['1', '2']])
    await world.identities.rotate('01', { cert: true })
    await world.fleet.remove('01')
    expect([shows('F3'), world.listed]).toEqual([null, ['1', '2', '3']])
  })

  test('is on the revocation list when its revocation is answered, and put there again at the next start', async () => {
    const slow = (): CertificateIssuer => ({
      ...issuer(world),
      revoke: async number => {
        await new Promise(resolve => setImmediate(resolve))
        world.listed.push(number)
      },
    })
    world.issuer = slow()
    await world.add({ id: '01', cert: true })
    await world.add({ id: '02', cert: true })
    await world.add({ id: '03', cert: true })
    await world.identities.revoke('01')
    expect(world.listed).toEqual(['1'])
    await world.identities.rotate('02', {})
    expect(world.listed).toEqual(['1', '2'])
    await world.fleet.remove('03')
    expect(world.listed).toEqual(['1', '2', '3'])
    world.listed.splice(0)
    await world.start()
    await expect.poll(() => world.listed).toEqual(['1'])
  })
})

describe('nodes that nobody claimed', () => {
  test('are accepted and shown so by default; claiming is for good', async () => {
    world.batch(world.reading('01'))
    expect([world.identities.quarantines('01'), world.identities.refuses('01')]).toEqual([false, false])
    expect(await world.identities.claim('01')).toMatchObject({ ok: true, value: { id: '01', claimed: true } })
    expect(await world.identities.claim('01')).toMatchObject({ ok: true, value: { claimed: true } })
    expect(why(await world.identities.claim('02'))).toBe('no_such_node')
    await world.start()
    expect(world.fleet.node('01')).toMatchObject({ claimed: true })
  })

  test('virtual ones are claimed as they are', async () => {
    const status = { node_id: 'node_v', online: true, virtual: true }
    world.batch({ kind: 'status', node: 'v', arrived: world.clock.wall, live: true, status })
    expect(world.fleet.node('v')).toMatchObject({ virtual: true, claimed: true })
    world.policy = 'refuse'
    expect(['v', 'sim-1', 'other'].map(id => world.identities.refuses(id))).toEqual([false, false, true])
  })

  test('are shown when they are kept apart, so that they can be claimed; then they are let in', async () => {
    world.policy = 'quarantine'
    expect(world.identities.quarantines('01')).toBe(true)
    world.batch(world.reject('01', 'unclaimed'), world.reject('02', 'bad_json'))
    expect(world.fleet.nodes()).toMatchObject([{ id: '01', claimed: false, state: 'unknown', stored: 0, rejected: 1 }])
    await world.fleet.checkpoint({ sync: true })
    await world.start()
    expect(world.fleet.nodes()).toMatchObject([{ id: '01', claimed: false, rejected: 1 }])
    await world.identities.claim('01')
    expect(world.identities.quarantines('01')).toBe(false)
    world.batch(world.reading('01'))
    expect(world.fleet.nodes()).toMatchObject([{ id: '01', claimed: true, stored: 1, rejected: 1 }])
  })

  test('are shown when the broker refuses them; a removed one is not, it is quarantined as removed', async () => {
    world.policy = 'refuse'
    await world.add({ id: '02' })
    await world.fleet.remove('02')
    expect(['01', '02'].map(id => world.identities.refuses(id))).toEqual([true, false])
    expect(world.fleet.nodes()).toMatchObject([{ id: '01', claimed: false }])
    await world.add({ id: '01' })
    expect(world.identities.refuses('01')).toBe(false)
    expect(await world.fleet.remove('01')).toBe(true)
  })

  test('are remembered up to a bound', () => {
    world.policy = 'refuse'
    for (let i = 0; i < 1_500; i++) world.identities.refuses(`n${i}`)
    expect(world.fleet.nodes()).toHaveLength(1_000)
    expect(world.fleet.node('n1499')).toBeDefined()
  })
})
