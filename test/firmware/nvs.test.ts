import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentialsImage, flashPlaces, settingsCopy } from '../../src/site/flash/credentials.ts'
import { type NvsEntry, nvsImage } from '../../src/site/flash/nvs.ts'

/** Our image of an NVS partition against ESP-IDF's own generator (scripts/install-test-services brings it). */
const run = promisify(execFile)
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const python = join(cache, 'nvs/bin/python')

describe.skipIf(!existsSync(join(cache, 'nvs/ready')))("an NVS image is byte for byte that of ESP-IDF's generator", () => {
  let dir: string
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'espalier-nvs-'))))
  afterAll(() => rm(dir, { recursive: true }))

  async function byGenerator(entries: readonly NvsEntry[], bytes: number): Promise<Buffer> {
    const rows = ['key,type,encoding,value', 'espalier,namespace,,']
    for (const { key, type, value } of entries) {
      if (type !== 'blob') rows.push(`${key},data,${type},${value}`)
      else rows.push(`${key},data,hex2bin,${Buffer.from(value).toString('hex')}`)
    }
    const table = join(dir, 'table.csv')
    const image = join(dir, 'image.bin')
    await writeFile(table, `${rows.join('\n')}\n`)
    await run(python, ['-m', 'esp_idf_nvs_partition_gen', 'generate', table, image, `0x${bytes.toString(16)}`])
    return await readFile(image)
  }

  /** The same in every run. */
  const noise = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 167 + (i >> 3)) & 255))
  const blob = (key: string, bytes: number): NvsEntry => ({ key, type: 'blob', value: noise(bytes) })
  const text = (key: string, length: number): NvsEntry => ({ key, type: 'string', value: 'x'.repeat(length) })
  const many = (count: number): NvsEntry[] => Array.from({ length: count }, (_, i) => ({ key: `n${i}`, type: 'u32', value: i }))

  test.each<[string, NvsEntry[]]>([
    ['nothing', []],
    [
      'numbers of every width',
      [
        { key: 'a', type: 'u8', value: 255 },
        { key: 'b', type: 'i8', value: -128 },
        { key: 'c', type: 'u16', value: 65_535 },
        { key: 'd', type: 'i16', value: -2 },
        { key: 'e', type: 'u32', value: 4_294_967_295 },
        { key: 'f', type: 'i32', value: -2_147_483_648 },
        { key: 'g', type: 'u64', value: 18_446_744_073_709_551_615n },
        { key: 'fifteen.letters', type: 'i64', value: -9_223_372_036_854_775_808n },
      ],
    ],
    ['more numbers than a page has', many(300)],
    ['a full page of numbers', many(125)],
    ['texts', [text('short', 3), text('edge', 31), text('over', 32), text('long', 3_967)]],
    ['a text that does not fit into what is left', [...many(100), text('next', 900), text('after', 100)]],
    ['a blob in one page', [blob('creds.a', 900)]],
    ['a blob of a byte', [blob('b', 1)]],
    ['a blob that fills its page', [blob('b', 124 * 32)]],
    ['a blob that leaves one entry', [blob('b', 123 * 32)]],
    ['a blob one byte longer than its page', [blob('b', 124 * 32 + 1)]],
    ['a blob over five pages', [blob('b', 17_000), blob('c', 100)]],
    ['a blob that begins where a page nearly ends', [...many(123), blob('b', 100)]],
    ['a blob that begins at the last entry', [...many(124), blob('b', 100)]],
    ['a blob that begins behind a full page', [...many(125), blob('b', 100)]],
    [
      'blobs and the rest by turns',
      [blob('a', 3_000), text('t', 700), ...many(20), blob('c', 5_000), { key: 'u', type: 'u8', value: 1 }],
    ],
  ])('%s', async (_, entries) => {
    const ours = nvsImage('espalier', entries, 0x10000)
    expect(ours.equals(await byGenerator(entries, 0x10000))).toBe(true)
  })

  test('the credentials of a node', async () => {
    const document = {
      id: '01',
      wifi: { ssid: 'garden', password: 'long enough' },
      broker: {
        url: 'mqtts://pi.local:8883',
        user: '01',
        password: 'marker',
        ca: `-----BEGIN CERTIFICATE-----\n${'A'.repeat(1_400)}`,
      },
    }
    const entries: NvsEntry[] = [{ key: 'creds.a', type: 'blob', value: settingsCopy(document, 1) }]
    expect(credentialsImage(document).equals(await byGenerator(entries, 0x10000))).toBe(true)
  })
})

test('firmware and credentials are written where the partition table has them', async () => {
  const rows = (await readFile(new URL('../../firmware/partitions.csv', import.meta.url), 'utf8'))
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',').map(cell => cell.trim()))
  const row = (name: string): string[] => rows.find(([label]) => label === name)!
  const { bootloader, partitions, ...places } = flashPlaces
  expect(places).toEqual({
    otadata: Number(row('otadata')[3]),
    otadataBytes: Number(row('otadata')[4]),
    app: Number(row('app0')[3]),
    appBytes: Number(row('app0')[4]),
    credentials: Number(row('creds')[3]),
    credentialsBytes: Number(row('creds')[4]),
  })
  expect([bootloader, partitions]).toEqual([0x1000, 0x8000])
})

test('settings that are too long for a node are refused', () => {
  const document = { id: '01', broker: { ca: 'x'.repeat(4_100) } }
  expect(() => credentialsImage(document)).toThrow('at most 4080')
})
