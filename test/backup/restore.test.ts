import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backup } from '../../src/manager/backup.ts'
import { checkBackup, restoreBackup } from '../../src/store/backup/backup.ts'
import { fingerprint, livedIn, openHouse } from './house.ts'

let room: string
beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), 'espalier-backup-'))
})
afterEach(() => rm(room, { recursive: true, force: true, maxRetries: 5 }))

const wallMs = () => Date.UTC(2026, 3, 1, 12)

async function saved(backup: Backup, file: string): Promise<void> {
  const pieces: Uint8Array[] = []
  for await (const piece of backup.pieces) pieces.push(Buffer.from(piece))
  await writeFile(file, Buffer.concat(pieces))
}

test('what was there at the cut is there again, and nothing that came behind it', async () => {
  const house = await livedIn(join(room, 'a'))
  await mkdir(join(room, 'a/ca'))
  await writeFile(join(room, 'a/ca/ca-key.pem'), 'the key')
  await writeFile(join(room, 'a/token'), 'the token')
  const wanted = await house.content()
  const backup = await house.backup()
  // Everything that could spoil it: more readings, a seal that drops the journal, changed and new records.
  await house.take(500)
  await house.write('key-000', 'changed')
  await house.write('zzz', 'new')
  await house.seal()
  await saved(backup, join(room, 'file'))
  await house.close()

  const restored = await restoreBackup({ file: join(room, 'file'), data: join(room, 'b'), wallMs })
  expect(restored).toMatchObject({ before: null, contents: { readings: 5_000, nodes: 7, espalier: '9.9.9' } })
  expect(restored.bytes).toBe((await stat(join(room, 'file'))).size)
  const again = await openHouse(join(room, 'b'))
  expect(again.trouble).toEqual([])
  expect(await again.content()).toEqual(wanted)
  expect(await readFile(join(room, 'b/ca/ca-key.pem'), 'utf8')).toBe('the key')
  expect(await readFile(join(room, 'b/token'), 'utf8')).toBe('the token')
  // It goes on as any other.
  await again.take(100)
  await again.close()
  const later = await openHouse(join(room, 'b'))
  expect((await later.content()).readings).toHaveLength(5_100)
  await later.close()
})

test('a restore replaces what is there and keeps it beside', async () => {
  const house = await livedIn(join(room, 'a'))
  await saved(await house.backup(), join(room, 'file'))
  await house.take(50)
  const newer = await house.content()
  await house.close()
  const { before, contents } = await restoreBackup({ file: join(room, 'file'), data: join(room, 'a'), wallMs })
  expect(before).toBe(`${join(room, 'a')}.before-restore-20260401-120000`)
  const back = await openHouse(join(room, 'a'))
  expect((await back.content()).readings).toHaveLength(contents.readings)
  await back.close()
  const old = await openHouse(before!)
  expect(await old.content()).toEqual(newer)
  await old.close()
  expect((await readdir(room)).sort()).toEqual(['a', 'a.before-restore-20260401-120000', 'file'])
})

test('what can not be put in its place leaves nothing beside it', async () => {
  const house = await livedIn(join(room, 'a'))
  await saved(await house.backup(), join(room, 'file'))
  await house.close()
  const data = join(room, 'a-file')
  await writeFile(data, 'mine')
  await expect(restoreBackup({ file: join(room, 'file'), data, wallMs })).rejects.toThrow(/ENOTDIR/)
  expect(await readFile(data, 'utf8')).toBe('mine')
  expect((await readdir(room)).filter(name => name.startsWith('a-file'))).toEqual(['a-file'])
})

test('files and folders are for their owner alone', async () => {
  const house = await livedIn(join(room, 'a'))
  await saved(await house.backup(), join(room, 'file'))
  await house.close()
  const mask = process.umask(0o077)
  await restoreBackup({ file: join(room, 'file'), data: join(room, 'b'), wallMs }).finally(() => process.umask(mask))
  for (const entry of await readdir(join(room, 'b'), { recursive: true })) {
    const { mode } = await stat(join(room, 'b', entry))
    expect([entry, mode & 0o077]).toEqual([entry, 0])
  }
})

test('a check changes nothing and says the same as the restore', async () => {
  const house = await livedIn(join(room, 'a'))
  await saved(await house.backup(), join(room, 'file'))
  await house.close()
  const before = await fingerprint(room)
  const checked = await checkBackup(join(room, 'file'))
  expect(await fingerprint(room)).toEqual(before)
  expect(await restoreBackup({ file: join(room, 'file'), data: join(room, 'b'), wallMs })).toMatchObject(checked)
})

test('a backup that nobody reads lets go of the files it held', async () => {
  const house = await livedIn(join(room, 'a'))
  const [file] = (await readdir(join(room, 'a/readings/raw'))).map(name => join(room, 'a/readings/raw', name))
  const backup = await house.backup()
  await house.close()
  await backup.release()
  await backup.release()
  expect(existsSync(file!)).toBe(true)
})

test('a file that has rotted since is found while it is copied', async () => {
  const house = await livedIn(join(room, 'a'))
  const [name] = await readdir(join(room, 'a/readings/raw'))
  const path = join(room, 'a/readings/raw', name!)
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)
  const backup = await house.backup()
  await expect(saved(backup, join(room, 'file'))).rejects.toThrow(/is not what was written/)
  await house.close()
})

test('an empty house can be saved and restored', async () => {
  const house = await openHouse(join(room, 'a'))
  await saved(await house.backup(), join(room, 'file'))
  await house.close()
  await restoreBackup({ file: join(room, 'file'), data: join(room, 'b'), wallMs })
  const again = await openHouse(join(room, 'b'))
  expect(again.trouble).toEqual([])
  await again.take(3)
  expect((await again.content()).readings).toHaveLength(3)
  await again.close()
})
