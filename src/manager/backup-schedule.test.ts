import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../kit/clock.ts'
import { bytesSource, checkBackup, pairsSource, writeBackup } from '../store/backup/backup.ts'
import { createMemoryRecords } from '../store/memory/records.ts'
import type { Backup } from './backup.ts'
import { type BackupSchedule, type BackupSettings, createBackupSchedule } from './backup-schedule.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 4, 1, 10, 20, 30)
let room: string
let dir: string
let clock: ManualClock
let told: string[]
let fail: Error | null
let held: number

beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), 'espalier-schedule-'))
  dir = join(room, 'backups')
  clock = new ManualClock(start)
  told = []
  fail = null
  held = 0
})
afterEach(() => rm(room, { recursive: true, force: true }))

async function* nothing(): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {}

const begin = async (): Promise<Backup> => {
  held++
  const about = { espalier: '9.9.9', created: clock.wallMs(), readings: 4, nodes: 2 }
  const sources = [bytesSource('readings/manifest.json', Buffer.from('{}')), pairsSource('records', nothing())]
  async function* pieces() {
    for await (const piece of writeBackup(about, sources)) {
      yield piece
      if (fail !== null) throw fail
    }
  }
  return { created: about.created, readings: 4, pieces: pieces(), release: async () => void held-- }
}

const log = { info: (text: string) => void told.push(text), error: (_: Error, text: string) => void told.push(text) }

function schedule(more: Partial<BackupSettings> = {}, records = createMemoryRecords()): BackupSchedule {
  const settings = { backupDir: dir, backupEveryMs: 24 * hour, backupKeep: 3, ...more }
  return createBackupSchedule({ begin, records, clock, log: log as never }, settings)
}

const timeOf = (name: string): number =>
  Date.parse(name.replace(/^espalier-(....)(..)(..)-(..)(..)(..).*$/, '$1-$2-$3T$4:$5:$6Z'))

async function wait(of: BackupSchedule, ms: number): Promise<void> {
  clock.advance(ms)
  await of.turn()
}

test('the first is made at once, the next when it is time, and so many are kept', async () => {
  const backups = schedule()
  await backups.turn()
  expect(await readdir(dir)).toEqual(['espalier-20260501-102030.espalier'])
  await wait(backups, 23 * hour)
  expect(await readdir(dir)).toHaveLength(1)
  await wait(backups, hour)
  expect(await readdir(dir)).toHaveLength(2)
  for (let day = 0; day < 4; day++) await wait(backups, 24 * hour)
  expect((await readdir(dir)).sort()).toEqual([
    'espalier-20260504-102030.espalier',
    'espalier-20260505-102030.espalier',
    'espalier-20260506-102030.espalier',
  ])
  expect(backups.lastBackup()).toEqual({ dir, time: start + 5 * 24 * hour, failure: '' })
  expect(held).toBe(0)
})

test('after a restart it waits for the rest of the time only, and a clock that went back does not put it off', async () => {
  await schedule().turn()
  clock.advance(20 * hour)
  const again = schedule()
  await again.turn()
  expect(await readdir(dir)).toHaveLength(1)
  await wait(again, 4 * hour)
  expect(await readdir(dir)).toHaveLength(2)
  clock.wall = start - 1000 * hour
  const wrong = schedule()
  await wrong.turn()
  expect(await readdir(dir)).toHaveLength(3)
})

test('those of a clock that was ahead go first, and the new one never', async () => {
  clock.wall = start + 4000 * 24 * hour
  await schedule({ backupEveryMs: hour }).turn()
  clock.advance(hour)
  const ahead = schedule({ backupEveryMs: hour })
  await ahead.turn()
  await wait(ahead, hour)
  expect(await readdir(dir)).toHaveLength(3)
  clock.wall = start
  for (let made = 1; made <= 4; made++) {
    await wait(ahead, hour)
    const names = (await readdir(dir)).sort()
    expect(names).toHaveLength(3)
    expect(names.filter(name => name.startsWith('espalier-2026'))).toHaveLength(Math.min(made, 3))
    expect(names.some(name => timeOf(name) === clock.wall)).toBe(true)
  }
})

test('one of a clock that was ahead does not bring a new one with each start', async () => {
  clock.wall = start + 4000 * 24 * hour
  await schedule().turn()
  clock.wall = start
  await schedule().turn()
  clock.advance(hour)
  await schedule().turn()
  expect(await readdir(dir)).toHaveLength(2)
})

test('of two made in one second the later stays', async () => {
  const backups = schedule({ backupKeep: 1 })
  for (let made = 0; made < 3; made++) {
    const view = await backups.make()
    expect('file' in view && (await readdir(dir)).map(name => join(dir, name))).toEqual('file' in view && [view.file])
  }
})

test('what is listed is what `backup` would say of each: file, time, size, checksum, readings', async () => {
  const records = createMemoryRecords()
  const backups = schedule({}, records)
  const made = await backups.make()
  clock.advance(1_000)
  await backups.make()
  const [newest, oldest] = await backups.list()
  expect(oldest).toEqual(made)
  const { bytes, sha256 } = await checkBackup(oldest!.file)
  expect(oldest).toEqual({ file: join(dir, 'espalier-20260501-102030.espalier'), time: start, bytes, sha256, readings: 4 })
  expect(newest!.time).toBe(start + 1_000)
  expect((await stat(newest!.file)).mode & 0o777).toBe(0o600)
  // Of another installation, which has no records of them; a broken one is none.
  await writeFile(join(dir, 'espalier-20260501-000000.espalier'), 'broken')
  await writeFile(join(dir, 'holiday.jpg'), 'not ours')
  expect(await schedule({}, createMemoryRecords()).list()).toEqual([newest, oldest])
})

test('two that are asked for in one second have names of their own, and two at once are one', async () => {
  const backups = schedule()
  const [a, b] = await Promise.all([backups.make(), backups.make()])
  expect(a).toEqual(b)
  await backups.make()
  expect((await readdir(dir)).sort()).toEqual(['espalier-20260501-102030-2.espalier', 'espalier-20260501-102030.espalier'])
})

test('one that fails leaves nothing, removes no older one, is said, and tried again', async () => {
  const backups = schedule({ backupKeep: 1 })
  await backups.turn()
  fail = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  await wait(backups, 24 * hour)
  expect(await readdir(dir)).toEqual(['espalier-20260501-102030.espalier'])
  expect(backups.lastBackup()).toEqual({ dir, time: start, failure: `the disk of ${dir} is full` })
  expect(backups.findings()).toEqual([
    expect.objectContaining({ code: 'backup_failed', severity: 'error', subject: dir, what: expect.stringContaining('is full') }),
  ])
  expect(told).toEqual([`no backup was made: the disk of ${dir} is full`])
  expect(await backups.make()).toEqual({ refused: 'failed', detail: `the disk of ${dir} is full` })
  // Not at every turn, but soon.
  fail = null
  await wait(backups, 60_000)
  expect(await readdir(dir)).toEqual(['espalier-20260501-102030.espalier'])
  await wait(backups, 10 * 60_000)
  expect(await readdir(dir)).toEqual(['espalier-20260502-103130.espalier'])
  expect(backups.findings()).toEqual([])
  expect(held).toBe(0)
})

test('what a kill left half written goes with the next', async () => {
  const backups = schedule()
  await backups.turn()
  await writeFile(join(dir, 'espalier-20260101-000000.espalier.part'), 'half')
  await writeFile(join(dir, 'my.part'), 'not ours')
  await backups.make()
  expect((await readdir(dir)).filter(name => name.endsWith('.part'))).toEqual(['my.part'])
})

test('a file in the place of the folder is a failure in words', async () => {
  await writeFile(dir, 'a file')
  const backups = schedule()
  await backups.turn()
  expect(backups.lastBackup().failure).toMatch(/EEXIST|not a directory|ENOTDIR/)
  expect(await readFile(dir, 'utf8')).toBe('a file')
})

test('a stop gives up the one that is being made', async () => {
  const backups = schedule()
  const making = backups.make()
  const closing = backups.close()
  expect(await making).toMatchObject({ refused: 'failed', detail: expect.stringContaining('stopped') })
  await closing
  expect(await readdir(dir)).toEqual([])
  await backups.turn()
  expect(await readdir(dir)).toEqual([])
})

test('without a folder nothing is made, until one is set', async () => {
  const backups = schedule({ backupDir: null })
  await backups.turn()
  expect(await backups.list()).toEqual([])
  expect(await backups.make()).toMatchObject({ refused: 'no_folder' })
  backups.configure({ backupDir: dir, backupEveryMs: hour, backupKeep: 1 })
  await backups.turn()
  expect(await readdir(dir)).toHaveLength(1)
})
