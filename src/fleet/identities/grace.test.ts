import { beforeEach, expect, test } from 'vitest'
import type { Credential } from '../../api/identities.ts'
import { ManualClock } from '../../kit/clock.ts'
import { createLedger } from '../../ledger/create.ts'
import { createMemoryRecords } from '../../store/memory/records.ts'
import type { Records } from '../../store/records.ts'
import { type Fleet, openFleet } from '../fleet.ts'

/** A rotation with a grace: the old password until the new one is used, or the time is up. A session of the broker is noted alone. */
class World {
  readonly clock = new ManualClock()
  readonly closed: string[] = []
  readonly listed: string[] = []
  readonly problems: string[] = []
  records: Records = createMemoryRecords()
  fleet!: Fleet
  tick: () => void = () => {}
  private issued = 0

  async start(): Promise<this> {
    this.fleet = await openFleet({
      records: this.records,
      ledger: createLedger(),
      clock: this.clock,
      identities: {
        issuer: () => ({
          issue: async () => {
            const n = ++this.issued
            return { cert: 'C', key: 'K', ca: 'A', serial: `serial-${n}`, fingerprint: `print-${n}`, expires: 1e15 }
          },
          revoke: async serial => void this.listed.push(serial),
        }),
      },
      every: (_, work) => {
        this.tick = work
        return () => {}
      },
      onProblem: detail => void this.problems.push(detail),
    })
    this.fleet.identities.disconnectThrough({
      disconnect: async user => void this.closed.push(user),
      connected: () => new Set(),
      speakFor: async () => {},
    })
    this.fleet.sendThrough({ sendCommand: async () => {} } as never)
    return this
  }

  async restart(): Promise<void> {
    await this.settled()
    await this.fleet.close()
    await this.start()
  }

  /** Everything that waits for its turn has had it. */
  async settled(): Promise<void> {
    await this.fleet.identities.claim('01')
  }

  async add(cert = false): Promise<Credential> {
    const added = await this.fleet.identities.add({ id: '01', cert })
    if (!added.ok) throw new Error(added.detail)
    return added.value
  }

  async rotate(grace?: number): Promise<Credential> {
    const rotated = await this.fleet.identities.rotate('01', grace === undefined ? {} : { grace })
    if (!rotated.ok) throw new Error(rotated.detail)
    return rotated.value
  }

  letsIn(credential: Credential): boolean {
    const password = 'password' in credential ? credential.password : ''
    const shown = { user: '01', password: new TextEncoder().encode(password), address: '' }
    const serial = 'cert' in credential ? this.serials.get(credential) : undefined
    const certificate =
      serial === undefined ? {} : { certificate: { cn: '01', serial: `serial-${serial}`, fingerprint: `print-${serial}` } }
    return this.fleet.identities.authenticate({ ...shown, ...certificate }) !== null
  }
  readonly serials = new Map<Credential, number>()

  get graceUntil(): number | null {
    return this.fleet.identities.list()[0]!.grace_until
  }
}

let world: World
beforeEach(async () => {
  world = await new World().start()
})

test('the old password is valid until the new one was used once, over a restart too', async () => {
  const old = await world.add()
  const fresh = await world.rotate(600)
  expect(world.closed).toEqual([])
  expect(world.graceUntil).toBe(world.clock.wall + 600_000)
  expect(world.letsIn(old)).toBe(true)
  await world.restart()
  expect(world.letsIn(old)).toBe(true)
  expect(world.letsIn(fresh)).toBe(true)
  expect(world.letsIn(old)).toBe(false)
  expect(world.graceUntil).toBe(null)
  await world.restart()
  expect(world.letsIn(old)).toBe(false)
  expect(world.letsIn(fresh)).toBe(true)
})

test('the old password is over with the grace, and its session is closed', async () => {
  const old = await world.add()
  const fresh = await world.rotate(600)
  world.clock.advance(599_000)
  world.tick()
  await world.settled()
  expect(world.letsIn(old)).toBe(true)
  world.clock.advance(1_000)
  expect(world.letsIn(old)).toBe(false)
  world.tick()
  await world.settled()
  await world.settled()
  expect(world.closed).toEqual(['01'])
  expect(world.letsIn(fresh)).toBe(true)
  expect(world.problems).toEqual([])
})

test('a grace that ended while nobody ran is over', async () => {
  const old = await world.add()
  await world.rotate(600)
  await world.fleet.close()
  world.clock.advance(601_000)
  await world.start()
  expect(world.letsIn(old)).toBe(false)
})

test('without a grace the old password is invalid at once', async () => {
  const old = await world.add()
  await world.rotate(600)
  const last = await world.rotate()
  expect(world.letsIn(old)).toBe(false)
  expect(world.letsIn(last)).toBe(true)
  expect(world.closed).toEqual(['01'])
})

test('a second rotation goes on from what the node has: what it never used is gone', async () => {
  const old = await world.add()
  const lost = await world.rotate(600)
  const fresh = await world.rotate(600)
  expect(world.letsIn(lost)).toBe(false)
  expect(world.letsIn(old)).toBe(true)
  expect(world.letsIn(fresh)).toBe(true)
  expect(world.letsIn(old)).toBe(false)
})

test('revoking ends both', async () => {
  const old = await world.add()
  const fresh = await world.rotate(600)
  await world.fleet.identities.revoke('01')
  expect([world.letsIn(old), world.letsIn(fresh)]).toEqual([false, false])
  const again = await world.rotate(600)
  expect([world.letsIn(old), world.letsIn(fresh), world.letsIn(again)]).toEqual([false, false, true])
})

test('a certificate in its grace is on the revocation list when it is over, not before', async () => {
  const old = await world.add(true)
  world.serials.set(old, 1)
  const fresh = await world.rotate(600)
  world.serials.set(fresh, 2)
  expect(world.letsIn(old)).toBe(true)
  expect(world.listed).toEqual([])
  expect(world.letsIn(fresh)).toBe(true)
  await world.settled()
  await world.settled()
  expect(world.letsIn(old)).toBe(false)
  expect(world.listed).toEqual(['serial-1'])
})
