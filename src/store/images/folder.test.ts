import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ImageRecord, ImageTooLarge, NoRoomForImage, type ReceivedImage } from '../images.ts'
import { openImageFolder } from './folder.ts'

let dir: string
let damage: string[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-images-'))
  damage = []
})
afterEach(() => rm(dir, { recursive: true }))

const opened = (limits: { largestBytes?: number; roomBytes?: number } = {}) =>
  openImageFolder({ dir, largestBytes: 1_000, roomBytes: 5_000, ...limits, onDamage: text => damage.push(text) })

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

const recordOf = ({ size, sha256 }: ReceivedImage, version = '1.0.0'): ImageRecord => ({
  board: 'host',
  version,
  size,
  sha256,
  signature: 'c2ln',
  key: 'ab',
  added_at: 1,
})

async function bytesOf(all: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = []
  for await (const piece of all) out.push(piece)
  return Buffer.concat(out)
}

test('an image that was kept is there after opening again, byte for byte, its owner’s alone', async () => {
  const bytes = randomBytes(900)
  const images = await opened()
  const received = await images.receive(pieces(bytes.subarray(0, 300), bytes.subarray(300)))
  expect(received).toMatchObject({ size: 900, sha256: createHash('sha256').update(bytes).digest('hex') })
  expect(images.list()).toEqual([])
  await received.keep(recordOf(received))

  const again = await opened()
  expect(again.list()).toEqual([recordOf(received)])
  expect(await bytesOf(again.read(received.sha256, 0, 900))).toEqual(bytes)
  expect(await bytesOf(again.read(received.sha256, 10, 11))).toEqual(bytes.subarray(10, 11))
  expect(await bytesOf(again.read(received.sha256, 5, 5))).toHaveLength(0)
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o077).toBe(0)
})

test('what was not kept leaves nothing', async () => {
  const images = await opened()
  const received = await images.receive(pieces(randomBytes(10)))
  await received.discard()
  await expect(images.receive(pieces(randomBytes(600), randomBytes(600)))).rejects.toThrow(ImageTooLarge)
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield randomBytes(10)
    throw new Error('the line broke')
  }
  await expect(images.receive(broken())).rejects.toThrow('the line broke')
  expect(await readdir(dir)).toEqual([])
})

test('all together stay within their room', async () => {
  const images = await opened({ roomBytes: 1_500 })
  const first = await images.receive(pieces(randomBytes(1_000)))
  await first.keep(recordOf(first))
  await expect(images.receive(pieces(randomBytes(501)))).rejects.toThrow(NoRoomForImage)
  await images.remove(first.sha256)
  await (await images.receive(pieces(randomBytes(501)))).discard()
})

test('a crash between bytes and record leaves no image; a record whose image is cut is not offered', async () => {
  const images = await opened()
  const received = await images.receive(pieces(randomBytes(100)))
  await received.keep(recordOf(received))
  await writeFile(join(dir, `${'0'.repeat(64)}.img`), 'bytes without a record')
  await writeFile(join(dir, 'half.part'), 'an upload that was cut')
  expect((await opened()).list()).toHaveLength(1)
  expect(await readdir(dir)).toHaveLength(2)

  await truncate(join(dir, `${received.sha256}.img`), 99)
  expect((await opened()).list()).toEqual([])
  expect(damage).toHaveLength(1)
  expect(await readdir(dir)).toEqual([])
})

test('removing tells whether there was one', async () => {
  const images = await opened()
  const received = await images.receive(pieces(randomBytes(1)))
  await received.keep(recordOf(received))
  expect(await images.remove(received.sha256)).toBe(true)
  expect(await images.remove(received.sha256)).toBe(false)
  expect(await readdir(dir)).toEqual([])
})
