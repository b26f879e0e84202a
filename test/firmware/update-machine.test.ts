import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareVersions, isVersion } from '../../src/contract/semver.ts'
import { temporaryData } from '../espalier.ts'
import { compilerThere, coreSources, firmware, linked, run } from './build.ts'
import { checked } from './targets.ts'

/** The update machine of the firmware, in process with an image of 64 KiB: slots in files with ESP-IDF's states, signatures by OpenSSL, and
 *  flash that loses its power. The programs end with an error at the first promise that does not hold; here it is checked that they did
 *  all they were to do. */
const scale = Number(process.env['ESPALIER_TEST_SCALE'] ?? 1)
const opensslThere = existsSync('/usr/include/openssl/evp.h')
const vectorsOf = fileURLToPath(new URL('../../contract/vectors', import.meta.url))

describe.skipIf(!compilerThere || !opensslThere)('an update (needs g++, libssl-dev)', () => {
  let dir: string
  let remove: () => Promise<void>
  const programs = new Map<string, string>()

  async function program(name: string): Promise<string> {
    const host = ['power', 'otadata', 'slots', 'crypto'].map(file => join(firmware, `boards/host/${file}.cpp`))
    const sources = [...(await coreSources()), ...host, join(firmware, `test/${name}.cpp`)]
    return await linked({ ...checked, libraries: ['-lcrypto'] }, sources, join(dir, name))
  }
  const lines = async (name: string, ...args: string[]): Promise<any[]> => {
    const { stdout } = await run(programs.get(name)!, args, { timeout: 600_000 })
    if (name !== 'update_reader') process.stdout.write(stdout)
    return stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  }

  beforeAll(async () => {
    ;({ dir, remove } = await temporaryData())
    for (const name of ['update_cuts', 'update_bad', 'update_reader']) programs.set(name, await program(name))
  }, 300_000)
  afterAll(() => remove())

  test('that loses its power at any flash write, however the write ends, is made in the end', { timeout: 600_000 }, async () => {
    const [said] = await lines('update_cuts', 'cuts', dir)
    // 16 sectors, each erased, written in eight pieces and marked; the states of the slots; order and outcome.
    expect(said.writes).toBeGreaterThan(16 * 10)
    expect(said.cuts).toBe(said.writes * 6)
    expect(said.boots).toBeGreaterThanOrEqual(said.cuts * 3 - 12)
  })

  test('is made though the power goes in six boots in a row', { timeout: 600_000 }, async () => {
    const [said] = await lines('update_cuts', 'storm', dir, String(400 * scale))
    expect(said.updates).toBe(400 * scale)
    expect(said.boots).toBeGreaterThan(said.updates * 4)
  })

  test('on trial is taken back by any reset, and by five minutes without the broker', async () => {
    expect(await lines('update_cuts', 'resets', dir)).toEqual([{ resets: 35, silent_rolled_back: 1 }])
  })

  test('whose download breaks off 20 times goes on where it was', async () => {
    const [said] = await lines('update_cuts', 'lines', dir)
    expect(said).toMatchObject({ broken_lines: 20, bytes_then: said.size, power_cuts: 20 })
    expect(said.bytes).toBeLessThanOrEqual(said.size + 20 * 4_096)
  })

  test('that is none is refused for its reason, and what runs stays', { timeout: 600_000 }, async () => {
    const refused = {
      image: 300,
      manifest: 200,
      signature: 200,
      truncated: 100,
      wrong_board: 100,
      downgrade: 100,
      lying_manifest: 100,
    }
    expect(await lines('update_bad', dir, String(scale))).toEqual(
      Object.entries(refused).map(([name, count]) => ({ class: name, refused: count * scale, good_taken: 1 })),
    )
  })

  describe('reads as the manager does', () => {
    const vectors = async (kind: string): Promise<any[]> => {
      const files = await readdir(join(vectorsOf, kind))
      return await Promise.all(files.map(async file => JSON.parse(await readFile(join(vectorsOf, kind, file), 'utf8'))))
    }
    const hex = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('hex') || '-'
    const ask = async (...args: string[]): Promise<any> => (await lines('update_reader', ...args))[0]

    test('versions', async () => {
      for (const { ascending = [], equal = [], invalid = [] } of await vectors('semver')) {
        const pairs = [...equal, ...ascending.flatMap((a: string) => ascending.map((b: string) => [a, b]))]
        const texts = [...pairs, ...invalid.map((text: string) => [text, '1.0.0'])]
        const said = await ask('semver', ...texts.flat().map(hex))
        const wanted = texts.map(([a, b]) => [isVersion(a), isVersion(a) && isVersion(b) ? Math.sign(compareVersions(a, b)) : 0])
        expect(said).toEqual(wanted)
      }
    })

    test('markers of images, however they come in pieces', async () => {
      const all = await vectors('image')
      expect(all.length).toBeGreaterThan(10)
      for (const { name, image_base64, expect: wanted } of all) {
        const found = wanted.found.length === 1 ? wanted.found[0] : null
        for (const piece of ['1', '7', '95', '96', '97', '4096'])
          expect([name, await ask('image', piece, hex(Buffer.from(image_base64, 'base64')))]).toEqual([name, found])
      }
    })

    test('manifests and their signatures', async () => {
      const all = await vectors('manifest')
      expect(all.length).toBeGreaterThan(10)
      for (const { name, manifest, public_key, signature, expect: wanted } of all) {
        const params = { url: 'https://h/fw', ...manifest, signature }
        const command = JSON.stringify({ id: 'a', command: 'update_firmware', params })
        const said = await ask('manifest', hex(command), hex(manifest.board), hex(Buffer.from(public_key, 'base64')))
        expect([name, said]).toEqual([name, wanted.verified ? null : 'bad_signature'])
      }
    })
  })
})
