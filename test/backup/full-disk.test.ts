import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { appendFile, cp, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesSource, restoreBackup, writeBackup } from '../../src/store/backup/backup.ts'
import { cli, type Up, up } from '../espalier.ts'
import { fingerprint, livedIn } from './house.ts'

/** A disk that becomes full while a backup is written, or restored: nothing half is left, nothing that was there is gone. */
const MiB = 1024 * 1024
const mount = (dir: string): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir]).status === 0

const mayMount = (() => {
  if (process.getuid?.() !== 0) return false
  const dir = mkdtempSync(join(tmpdir(), 'espalier-disk-'))
  const mounted = mount(dir)
  if (mounted) spawnSync('umount', [dir])
  rmdirSync(dir)
  return mounted
})()

let disk: string
let room: string
beforeEach(async () => {
  disk = mkdtempSync(join(tmpdir(), 'espalier-disk-'))
  room = await mkdtemp(join(tmpdir(), 'espalier-room-'))
  mount(disk)
})
afterEach(() => {
  spawnSync('umount', ['-l', disk])
  rmSync(disk, { recursive: true, force: true })
  rmSync(room, { recursive: true, force: true })
})

async function leave(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk)
  await appendFile(join(disk, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - bytes)))
}

describe.skipIf(!mayMount)('a full disk (tmpfs, needs root)', () => {
  test('while a backup is made: exit 2, the file is not there, an older one still is; the schedule says so and goes on later', async () => {
    let house: Up | undefined
    try {
      house = await up(
        join(room, 'data'),
        '--sim',
        '2',
        '--sim-interval',
        '0.05',
        '--backup-dir',
        join(disk, 'kept'),
        '--backup-every',
        '365d',
      )
      const old = join(disk, 'old.espalier')
      expect((await house.cli('backup', old)).code).toBe(0)
      expect((await house.api('/api/backups', { method: 'POST' })).status).toBe(201)
      await leave(0)
      const names = (await readdir(disk)).sort()
      const failed = await house.cli('backup', join(disk, 'new.espalier'))
      expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('the disk is full')])
      const forced = await house.cli('backup', old, '--force')
      expect(forced.code).toBe(2)
      expect((await readdir(disk)).sort()).toEqual(names)
      expect((await cli(['restore', old, '--check', '--quiet'])).code).toBe(0)

      const kept = await readdir(join(disk, 'kept'))
      const refused = await house.api('/api/backups', { method: 'POST' })
      expect([refused.status, refused.body.detail]).toEqual([503, expect.stringContaining('is full')])
      expect(await readdir(join(disk, 'kept'))).toEqual(kept)
      expect(house.stderr()).toContain('no backup was made')
      expect((await house.api('/healthz')).status).toBe(200)
      await rm(join(disk, 'filler'))
      expect((await house.api('/api/backups', { method: 'POST' })).status).toBe(201)
    } finally {
      await house?.stop()
    }
  })

  test('before a restore: it is said before anything is unpacked', async () => {
    const house = await livedIn(join(disk, 'data'))
    await house.close()
    const before = await fingerprint(disk)
    const large = bytesSource('readings/raw/a.parquet', Buffer.alloc(30 * MiB, 1))
    const records = { path: 'records', bytes: null, crc: null, async *pieces() {} }
    const pieces: Uint8Array[] = []
    const about = { espalier: '9', created: 1, readings: 1, nodes: 1 }
    for await (const piece of writeBackup(about, [bytesSource('readings/manifest.json', Buffer.from('{}')), records, large]))
      pieces.push(piece)
    await writeFile(join(room, 'file'), Buffer.concat(pieces))
    const restore = restoreBackup({ file: join(room, 'file'), data: join(disk, 'data'), wallMs: () => 0 })
    await expect(restore).rejects.toThrow(/nothing was changed/)
    expect(await fingerprint(disk)).toEqual(before)
  })

  test('in the middle of a restore: exit 2, the data directory is what it was', async () => {
    const house = await livedIn(join(room, 'data'))
    // Records are what nobody knows the size of before: they fill the disk in the middle.
    for (let i = 0; i < 40; i++)
      await house.write(
        `large-${i}`,
        Array.from({ length: 20_000 }, (_, n) => (n * 7919 * (i + 1)) % 99_991),
      )
    const pieces: Uint8Array[] = []
    for await (const piece of (await house.backup()).pieces) pieces.push(Buffer.from(piece))
    await writeFile(join(room, 'file'), Buffer.concat(pieces))
    await house.close()
    const small = await livedIn(join(room, 'small'))
    await small.close()
    await cp(join(room, 'small'), join(disk, 'data'), { recursive: true })
    await leave(3 * MiB)
    const before = await fingerprint(disk)
    const failed = await cli(['restore', join(room, 'file')], { data: join(disk, 'data') })
    expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('disk_full')])
    expect(await fingerprint(disk)).toEqual(before)
  })
})
