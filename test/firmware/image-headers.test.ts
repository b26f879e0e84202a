import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentialsImage, flashPlaces } from '../../src/site/flash/credentials.ts'
import { imagesFault, otadataImage } from '../../src/site/flash/images.ts'
import { partitionTableBytes } from './partition-table.ts'

/** What we look at in an image before it is written, against esptool itself: it makes the images (of a function of Xtensa code) and says
 *  what they are. */
const run = promisify(execFile)
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const esptool = join(cache, 'nvs/bin/esptool')
const compiler = 'xtensa-lx106-elf-gcc'
const there = existsSync(join(cache, 'nvs/ready')) && spawnSync(compiler, ['--version']).status === 0

describe.skipIf(!there)('the header of an image is what esptool says (needs esptool and Xtensa gcc)', () => {
  let dir: string
  const image = async (chip: string): Promise<{ bytes: Buffer; info: string }> => {
    const file = join(dir, `${chip}.bin`)
    await run(esptool, ['--chip', chip, 'elf2image', '--flash-size', '4MB', '-o', file, join(dir, 'code.elf')])
    return { bytes: await readFile(file), info: (await run(esptool, ['image-info', file])).stdout }
  }
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'espalier-image-'))
    await writeFile(join(dir, 'code.c'), 'int entry(void) { return 42; }\n')
    const link = ['-Os', '-nostdlib', '-Wl,-Ttext=0x40080000', '-Wl,-e,entry']
    await run(compiler, [...link, join(dir, 'code.c'), '-o', join(dir, 'code.elf')])
  })
  afterAll(() => rm(dir, { recursive: true }))

  test('an image of an ESP32 is taken, one of another chip is not', async () => {
    const partitions = partitionTableBytes()
    const [ours, other] = await Promise.all([image('esp32'), image('esp32s3')])
    expect(ours.info).toMatch(/Chip ID: 0 \(ESP32\)/)
    expect(imagesFault({ bootloader: ours.bytes, firmware: ours.bytes, partitions })).toBe(null)
    expect(other.info).toMatch(/Chip ID: 9 \(ESP32-S3\)/)
    expect(imagesFault({ bootloader: ours.bytes, firmware: other.bytes, partitions })).toBe(
      'firmware.bin is for another chip (9) than the ESP32',
    )
    const cut = imagesFault({ bootloader: ours.bytes.subarray(0, 8), firmware: ours.bytes, partitions })
    expect(cut).toContain('bootloader.bin')
    const large = Buffer.concat([ours.bytes, Buffer.alloc(flashPlaces.appBytes)])
    expect(imagesFault({ bootloader: ours.bytes, firmware: large, partitions })).toContain('a slot 1835008')
  })

  test('the pieces lie beside each other, each at its place', async () => {
    const { bytes } = await image('esp32')
    const credentials = credentialsImage({ id: '01', wifi: { ssid: 'garden', password: 'long enough' } })
    const pieces: [number, Buffer][] = [
      [flashPlaces.bootloader, bytes],
      [flashPlaces.partitions, partitionTableBytes()],
      [flashPlaces.otadata, otadataImage()],
      [flashPlaces.app, bytes],
      [flashPlaces.credentials, credentials],
    ]
    const words: string[] = []
    for (const [at, piece] of pieces) {
      const file = join(dir, `piece-${at}`)
      await writeFile(file, piece)
      words.push(`0x${at.toString(16)}`, file)
    }
    const merged = join(dir, 'merged.bin')
    await run(esptool, ['--chip', 'esp32', 'merge-bin', '-o', merged, ...words])
    const flash = await readFile(merged)
    for (const [at, piece] of pieces) expect(flash.subarray(at, at + piece.length).equals(piece)).toBe(true)
    expect(flash.length).toBe(flashPlaces.credentials + flashPlaces.credentialsBytes)
  })
})
