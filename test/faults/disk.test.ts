import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Up, until, up } from '../espalier.ts'
import { type Publisher, startPublisher } from '../publisher.ts'
import { wire } from '../wire.ts'
import { residentBytes } from './resident.ts'

/** A data directory on a disk that fills up (a small tmpfs): nothing is acknowledged that is not durable, the process stays and says
 *  what is wrong, and goes on by itself once there is room. */
const MiB = 1024 * 1024
const diskBytes = 56 * MiB

let disk: string
let lists: string
let running: Up[] = []
/** Killed after the test, should it fail before its end. */
async function start(...flags: string[]): Promise<Up> {
  const house = await up(disk, ...flags)
  running.push(house)
  return house
}

beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'espalier-disk-'))
  lists = mkdtempSync(join(tmpdir(), 'espalier-lists-'))
  mount(disk)
})
afterEach(async () => {
  for (const house of running) await house.kill()
  running = []
  spawnSync('umount', ['-l', disk])
  rmdirSync(disk)
  rmSync(lists, { recursive: true })
})

const mount = (dir: string): number | null => spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', dir]).status

const mayMount = (() => {
  if (process.getuid?.() !== 0) return false
  const dir = mkdtempSync(join(tmpdir(), 'espalier-disk-'))
  const mounted = mount(dir) === 0
  if (mounted) spawnSync('umount', [dir])
  rmdirSync(dir)
  return mounted
})()

const free = (): number => {
  const { bavail, bsize } = statfsSync(disk)
  return bavail * bsize
}
const filler = (): string => join(disk, 'somebody-elses')

/** All of it but `left` bytes. What the house frees meanwhile (its ballast, journal that a seal has taken over) is its own again. */
function fill(left = 0): void {
  try {
    appendFileSync(filler(), Buffer.alloc(Math.max(0, free() - left)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error // the house was faster: as full as it gets
  }
}
const makeRoom = (): void => rmSync(filler())

const perMessage = 20
let next = 0
/** Readings of one node, numbered on over all publishers of this file, in batches so that the journal grows fast. */
const publisher = (house: Up): Promise<Publisher> =>
  startPublisher({
    ...house.run.mqtt,
    clientId: `full-${next}`,
    topic: 'iot/node/full/telemetry',
    list: join(lists, 'acknowledged'),
    window: 50,
    next: () => {
      const seq = next
      next += perMessage
      return JSON.stringify({
        node_id: 'node_full',
        boot: 9,
        seq,
        readings: Array.from({ length: perMessage }, (_, i) => reading(seq + i)),
      })
    },
  })

const timeOf = (seq: number): number => Date.UTC(2026, 0, 3) + seq
const sensorsOf = (seq: number) => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`s${i}`, seq + i / 10]))
const reading = (seq: number) => ({ timestamp: timeOf(seq) / 1000, sensors: sensorsOf(seq) })

const health = async (house: Up) => (await house.api('/healthz')).body

/** It has said that nothing is acknowledged; what was still on its way to the publisher has come. */
async function standstill(house: Up, stream: Publisher): Promise<number> {
  const told = await until('a house that is down', async () => {
    fill()
    const now = await health(house)
    return now.status === 'down' ? now : undefined
  })
  expect(told.checks.ingest).toMatchObject({ ok: false, detail: expect.stringMatching(/nothing is acknowledged|paused/) })
  expect(JSON.stringify(told.checks)).toMatch(/ENOSPC|No space left/)
  let before = -1
  await until('no more PUBACKs', async () => {
    const now = stream.acknowledged.length
    if (now === before) return true
    before = now
    await new Promise(done => setTimeout(done, 700))
    return undefined
  })
  return stream.acknowledged.length
}

/** Every acknowledged reading once, with its values. */
async function expectAllStored(house: Up, acknowledged: readonly string[]): Promise<void> {
  const exported = await house.cli('export', '--node', 'full', '--format', 'jsonl')
  expect(exported.stderr).toBe('')
  const rows = new Map<number, { time: number; fields: object }>()
  for (const row of exported.lines()) {
    expect(rows.has(row.seq), `seq ${row.seq} twice`).toBe(false)
    rows.set(row.seq, row)
  }
  for (const line of acknowledged) {
    const first = JSON.parse(line).seq
    for (let seq = first; seq < first + perMessage; seq++)
      if (rows.get(seq)?.time !== timeOf(seq)) expect.fail(`seq ${seq} was acknowledged and is not stored`)
    expect(rows.get(first)!.fields).toEqual(sensorsOf(first))
  }
  expect(rows.size).toBeGreaterThanOrEqual(acknowledged.length * perMessage)
}

describe.skipIf(!mayMount)('on a full disk', () => {
  test('nothing is acknowledged without durability, and the same process goes on when there is room', async () => {
    const house = await start('--seal-rows', '20000')
    const stream = await publisher(house)
    await stream.reached(200)
    fill()
    const stood = await standstill(house, stream)
    expect((await house.api('/api/nodes')).status).toBe(200)
    await expectAllStored(house, stream.acknowledged)
    const shown = await house.cli('broker')
    expect(shown.code).toBe(0)

    makeRoom()
    await stream.reached(stood + 1000)
    await until('a house that is well but for the room', async () => {
      const { checks } = await health(house)
      return checks.ingest.ok && checks.store.ok ? true : undefined
    })
    stream.end()
    await stream.ended
    await expectAllStored(house, stream.acknowledged)
    expect(await house.stop()).toBe(0)

    const again = await start()
    await expectAllStored(again, stream.acknowledged)
    expect((await again.api('/api/ledger')).body.items[0]).toMatchObject({ node: 'full', missing: 0, lost: 0 })
    expect(await again.stop()).toBe(0)
  })

  test('SIGTERM ends it in time with 0, and kill -9 loses nothing either', async () => {
    const acknowledged: string[] = []
    for (const end of ['SIGTERM', 'SIGKILL'] as const) {
      const house = await start()
      const stream = await publisher(house)
      await stream.reached(200)
      fill()
      await standstill(house, stream)
      const before = performance.now()
      if (end === 'SIGTERM') expect(await house.stop()).toBe(0)
      else await house.kill()
      expect(performance.now() - before).toBeLessThan(5000) // interface.md: within 5 s, whatever the disk does
      await stream.ended
      acknowledged.push(...stream.acknowledged)
      makeRoom()
    }
    const house = await start()
    await expectAllStored(house, acknowledged)
    expect(await house.stop()).toBe(0)
  })

  test('it starts on a disk that is full already, answers, and goes on when there is room', async () => {
    const first = await start()
    const stream = await publisher(first)
    await stream.reached(50)
    stream.end()
    await stream.ended
    expect(await first.stop()).toBe(0)
    fill(64 * 1024)
    const house = await start()
    await expectAllStored(house, stream.acknowledged)
    expect((await health(house)).checks.disk).toMatchObject({ ok: false, detail: expect.stringContaining('make room') })
    makeRoom()
    const more = await publisher(house)
    await more.reached(300)
    more.end()
    await more.ended
    await expectAllStored(house, [...stream.acknowledged, ...more.acknowledged])
    expect(await house.stop()).toBe(0)
  })

  test('publishers that go on are held by their sockets, not in memory', async () => {
    const house = await start()
    const stream = await publisher(house)
    await stream.reached(50)
    // Connected before: who comes while nothing can be committed waits for its CONNACK as well.
    const hoses = await Promise.all(Array.from({ length: 10 }, (_, i) => wire(house.run.mqtt, `hose-${i}`)))
    fill()
    await standstill(house, stream)
    const before = residentBytes(house.pid)
    const payload = Buffer.alloc(32 * 1024, 'x')
    // 10 × 8 MiB are offered; the kernel's buffers and what the house reads before it pauses is all that may leave.
    for (const hose of hoses) for (let n = 0; n < 256; n++) hose.publish('iot/node/hose/log', payload).catch(() => undefined)
    await until('every socket is held', async () => (hoses.every(hose => hose.socket.writableLength > MiB) ? true : undefined))
    expect((await health(house)).status).toBe('down')
    expect(residentBytes(house.pid) - before).toBeLessThan(100 * MiB)
    for (const hose of hoses) hose.end()
    makeRoom()
    await stream.reached(stream.acknowledged.length + 50)
    stream.end()
    await stream.ended
    await expectAllStored(house, stream.acknowledged)
    expect(await house.stop()).toBe(0)
  })
})
