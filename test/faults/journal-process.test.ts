import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firstPosition } from '../../src/contract/events.ts'
import { openJournal } from '../../src/journal/open.ts'
import { seeded } from '../../src/kit/random.ts'

/** Faults that happen to a whole process: kill -9 at full speed, and syncs that the kernel refuses. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
let room: string
let writer: string

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'journal-process-'))
  writer = join(room, 'writer.mjs')
  const entry = fileURLToPath(new URL('./journal-writer.ts', import.meta.url))
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: writer, logLevel: 'warning' })
})
afterAll(() => rm(room, { recursive: true }))

/** What a fresh open finds: the numbers of the batches, in order. */
async function replayed(dir: string): Promise<number[]> {
  const journal = await openJournal({ dir, segmentBytes: 64 * 1024 })
  const numbers: number[] = []
  await journal.replay(firstPosition, ({ events }) => {
    const n = events[0]!.arrived
    expect(events.map(event => event.arrived)).toEqual(Array(1 + (n % 7)).fill(n))
    numbers.push(n)
  })
  await journal.close()
  return numbers
}

const acknowledgedIn = async (list: string): Promise<number[]> =>
  (await readFile(list, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('kill -9 at full speed', () => {
  test('every acknowledged batch is there, once, in order; at most the one in flight is there beside', async () => {
    const dir = join(room, 'killed')
    const list = join(room, 'killed.list')
    const random = seeded(4711)
    for (let round = 0; round < 6 * scale; round++) {
      const child = spawn(process.execPath, [writer, dir, list, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
      let lines = 1 + random.below(6)
      for await (const _ of createInterface({ input: child.stdout })) if (--lines === 0) child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      expect(child.signalCode).toBe('SIGKILL')
      const acknowledged = await acknowledgedIn(list)
      const found = await replayed(dir)
      expect(found).toEqual(upTo(found.length))
      // In flight at a kill and found later is no loss: the list then has a hole, which its sender fills by sending again.
      expect(acknowledged.filter(n => n >= found.length)).toEqual([])
      expect(found.length - acknowledged.length).toBeLessThanOrEqual(round + 1)
    }
  })
})

const straced = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0

describe('a sync that fails (needs strace)', () => {
  test.skipIf(!straced).each([
    ['once', '7', 1],
    ['five times in a row', '7..11', 5],
  ])(
    '%s: nothing is acknowledged before a sync succeeded, the batch is there once, the descriptor is never synced again',
    async (_, when, times) => {
      const dir = join(room, `sync-${when}`)
      const list = `${dir}.list`
      const log = `${dir}.strace`
      const inject = ['-e', 'trace=fdatasync,fsync,close', '-e', `inject=fdatasync:error=EIO:when=${when}`]
      // One thread for the disk: strace counts the calls of each thread for itself.
      const child = spawn('strace', ['-f', '-qq', '-o', log, ...inject, process.execPath, writer, dir, list, '40'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      })
      let last = ''
      for await (const line of createInterface({ input: child.stdout })) last = line
      expect(JSON.parse(last)).toMatchObject({ ok: true, failures: times, appended: 40 })
      expect(await acknowledgedIn(list)).toEqual(upTo(40))
      expect(await replayed(dir)).toEqual(upTo(40))
      const { failed, syncedAgain } = afterFailures(await readFile(log, 'utf8'))
      expect([failed, syncedAgain]).toEqual([times, []])
    },
  )
})

/** Of each descriptor whose sync failed: was it synced once more before it was closed? */
function afterFailures(log: string): { failed: number; syncedAgain: string[] } {
  const bad = new Set<string>()
  const syncedAgain: string[] = []
  let failed = 0
  for (const line of log.split('\n')) {
    const [, call, fd, rest] = /\b(fdatasync|fsync|close)\((\d+)(.*)/.exec(line) ?? []
    if (fd === undefined) continue
    if (call === 'close') bad.delete(fd)
    else if (bad.has(fd)) syncedAgain.push(line)
    else if (rest!.includes('(INJECTED)')) {
      bad.add(fd)
      failed++
    }
  }
  return { failed, syncedAgain }
}

const tmpfs = (() => {
  const at = join(tmpdir(), `journal-tmpfs-probe-${process.pid}`)
  const script = `mkdir -p ${at} && mount -t tmpfs -o size=1m tmpfs ${at} && umount ${at}; s=$?; rmdir ${at}; exit $s`
  return spawnSync('sh', ['-c', script], { stdio: 'ignore' }).status === 0
})()

describe('a full disk (needs root and tmpfs)', () => {
  /** A disk of 2 MiB with a ballast of 1 MiB on it. */
  async function fullDisk(name: string, work: (dir: string, ballast: string) => Promise<void>): Promise<void> {
    const disk = join(room, name)
    spawnSync('mkdir', [disk])
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status).toBe(0)
    try {
      const ballast = join(disk, 'ballast')
      await writeFile(ballast, Buffer.alloc(1024 * 1024))
      await work(join(disk, 'journal'), ballast)
    } finally {
      expect(spawnSync('umount', [disk]).status).toBe(0)
    }
  }
  const big = (n: number) => [{ kind: 'settled' as const, node: 'x'.repeat(20_000), arrived: n, time: n, boot: null, seq: null }]

  test.skipIf(!tmpfs)('no append answers while it is full; after space came the same process goes on, and all is there', () =>
    fullDisk('full', async (dir, ballast) => {
      const told: boolean[] = []
      const journal = await openJournal({ dir, segmentBytes: 128 * 1024, onHealth: health => told.push(health.ok) })
      const acknowledged: number[] = []
      const appends = upTo(70).map(n => journal.append(big(n)).then(() => acknowledged.push(n)))
      await expect.poll(() => journal.health().ok, { timeout: 10_000 }).toBe(false)
      expect(journal.health().detail).toMatch(/ENOSPC/)
      const stuckAt = acknowledged.length
      expect(stuckAt).toBeGreaterThan(10)
      expect(stuckAt).toBeLessThan(60)
      // Others take what its half-made segments give back, again and again: still no answer.
      const other = join(dir, '..', 'other')
      for (let i = 0; i < 5; i++) await writeFile(`${other}${i}`, Buffer.alloc(256 * 1024)).catch(() => {})
      expect(acknowledged.length).toBe(stuckAt)
      await rm(ballast)
      for (let i = 0; i < 5; i++) await rm(`${other}${i}`, { force: true })
      await Promise.all(appends)
      expect(journal.health().ok).toBe(true)
      expect(told).toEqual([false, true])
      await journal.close()
      const back = await openJournal({ dir, segmentBytes: 128 * 1024 })
      const found: number[] = []
      await back.replay(firstPosition, ({ events }) => found.push(events[0]!.arrived))
      await back.close()
      expect(found).toEqual(upTo(70))
    }),
  )

  test.skipIf(!tmpfs)('close gives up what waits for space, and a start on the full disk still replays', () =>
    fullDisk('closed', async (dir, ballast) => {
      const journal = await openJournal({ dir, segmentBytes: 128 * 1024 })
      const answers = upTo(70).map(n =>
        journal.append(big(n)).then(
          () => 'durable',
          error => (error as Error).name,
        ),
      )
      await expect.poll(() => journal.health().ok, { timeout: 10_000 }).toBe(false)
      await journal.close()
      const settled = await Promise.all(answers)
      const durable = settled.filter(answer => answer === 'durable').length
      expect(settled.slice(durable)).toEqual(Array(70 - durable).fill('JournalClosed'))
      await writeFile(ballast, Buffer.alloc(2 * 1024 * 1024)).catch(() => {})
      const back = await openJournal({ dir, segmentBytes: 128 * 1024 })
      const found: number[] = []
      await back.replay(firstPosition, ({ events }) => found.push(events[0]!.arrived))
      expect(found).toEqual(upTo(durable))
      await back.close()
    }),
  )
})
