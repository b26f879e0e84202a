import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { BadBackup, bytesSource, checkBackup, restoreBackup, type Source, writeBackup } from '../../src/store/backup/backup.ts'
import { fingerprint, livedIn } from './house.ts'

/** A backup that was changed anywhere is refused, by the check and by the restore, and the data directory is what it was. */
let room: string
let good: Buffer
let untouched: string[]

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'espalier-tamper-'))
  const house = await livedIn(join(room, 'data'))
  const pieces: Uint8Array[] = []
  for await (const piece of (await house.backup()).pieces) pieces.push(Buffer.from(piece))
  good = Buffer.concat(pieces)
  await house.close()
  await rm(join(room, 'data/records/LOCK')) // made anew by whoever looks; it has no content
  await writeFile(join(room, 'data/records/LOCK'), '')
  untouched = await fingerprint(join(room, 'data'))
})
afterAll(() => rm(room, { recursive: true, force: true, maxRetries: 5 }))

async function refused(bytes: Uint8Array, what: string): Promise<BadBackup> {
  const file = join(room, 'changed')
  await writeFile(file, bytes)
  const [check, restore] = await Promise.allSettled([
    checkBackup(file),
    restoreBackup({ file, data: join(room, 'data'), wallMs: () => 0 }),
  ])
  expect([what, check.status, restore.status]).toEqual([what, 'rejected', 'rejected'])
  const { reason } = restore as PromiseRejectedResult
  expect([what, reason.name, reason.message]).toEqual([what, 'BadBackup', (check as PromiseRejectedResult).reason.message])
  return reason
}

const nothingChanged = async (): Promise<void> => {
  expect(await fingerprint(join(room, 'data'))).toEqual(untouched)
  expect((await fingerprint(room)).filter(line => line.includes('restore'))).toEqual([])
}

/** The frames of the good one, by their own lengths. */
function frames(): { type: number; from: number; to: number }[] {
  const found = []
  for (let from = 20; from < good.length; ) {
    const to = from + 5 + good.readUInt32LE(from + 1) + 4
    found.push({ type: good[from]!, from, to })
    from = to
  }
  return found
}

const without = ({ from, to }: { from: number; to: number }): Buffer => Buffer.concat([good.subarray(0, from), good.subarray(to)])

describe('bytes', () => {
  test('one bit flipped, at 160 places and in every byte of the beginning and the end', async () => {
    const random = seeded(20)
    const places = [
      ...Array.from({ length: 160 }, () => random.below(good.length)),
      ...Array.from({ length: 30 }, (_, i) => i),
      ...Array.from({ length: 30 }, (_, i) => good.length - 1 - i),
    ]
    for (const at of places) {
      const changed = Buffer.from(good)
      changed[at]! ^= 1 << random.below(8)
      await refused(changed, `a bit of byte ${at}`)
    }
    await nothingChanged()
  })

  test('cut off at 60 lengths, also where a frame ends', async () => {
    const random = seeded(21)
    const lengths = [0, 1, 15, 16, 19, 20, good.length - 1, ...Array.from({ length: 53 }, () => random.below(good.length))]
    for (const { from } of frames().slice(0, 20)) lengths.push(from)
    lengths.push(frames().at(-1)!.from)
    for (const length of lengths) await refused(good.subarray(0, length), `cut at ${length}`)
    await nothingChanged()
  })

  test('something behind the end: a byte, zeros, itself', async () => {
    for (const more of [Buffer.from([0]), Buffer.alloc(4096), good])
      await refused(Buffer.concat([good, more]), `${more.length} bytes more`)
    await nothingChanged()
  })
})

describe('pieces', () => {
  test('a frame left out, doubled, or in the place of another', async () => {
    const random = seeded(22)
    const all = frames()
    for (let i = 0; i < 30; i++) {
      const one = all[random.below(all.length)]!
      await refused(without(one), `without the frame at ${one.from}`)
      await refused(Buffer.concat([good.subarray(0, one.to), good.subarray(one.from)]), `the frame at ${one.from} twice`)
    }
    const data = all.filter(frame => frame.type === 2)
    for (let i = 0; i + 1 < data.length && i < 15; i++) {
      const [a, b] = [data[i]!, data[i + 1]!]
      const swapped = Buffer.concat([
        good.subarray(0, a.from),
        good.subarray(b.from, b.to),
        good.subarray(a.to, b.from),
        good.subarray(a.from, a.to),
        good.subarray(b.to),
      ])
      if (!swapped.equals(good)) await refused(swapped, `frames ${i} and ${i + 1} swapped`)
    }
    await nothingChanged()
  })
})

const about = { espalier: '9.9.9', created: 1, readings: 1, nodes: 1 }
const small = (path: string): Source => bytesSource(path, Buffer.from(`content of ${path}`))
const two = (): Source[] => [
  small('readings/manifest.json'),
  { ...small('records'), pieces: async function* () {}, bytes: null, crc: null },
]

async function made(sources: readonly Source[], more: object = {}): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of writeBackup({ ...about, ...more }, sources)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Made by somebody who knows how: every checksum is right. */
describe('forgeries', () => {
  test('the same made rightly is taken', async () => {
    await writeFile(join(room, 'file'), await made([...two(), small('ca/ca.pem'), small('token')]))
    expect((await checkBackup(join(room, 'file'))).contents.entries).toHaveLength(4)
  })

  test('a name that leads out of the directory, or to what does not belong there', async () => {
    const names = [
      '../evil', '/etc/passwd', 'ca/../../evil', 'ca/..', 'ca/.', 'readings/../token', 'readings/raw/../../x.parquet', 'readings/raw/.parquet',
      'readings/raw/a/b.parquet', 'journal/1.log', 'journal/00000001.log/x', 'journal/00000001.log\0', 'records/CURRENT', 'records/LOCK',
      'run.json', 'restored.json', 'token\n', ' token', 'TOKEN', 'ca\\evil', 'ca/a/b/c', 'ca/', '', '.', '..', './token', 'espalier.yaml/x',
      'ca/.hidden', 'ca/ä', `ca/${'x'.repeat(250)}`, 'readings/raw/x.parquet.exe', 'readings/manifest.json/..', 'C:\\token', '~/token',
    ] // biome-ignore format: one list
    for (const name of names) expect((await refused(await made([...two(), small(name)]), name)).code).toBe('damaged')
    await nothingChanged()
  })

  test('an entry twice, one that is needed left out, one without its checksum', async () => {
    await refused(await made([...two(), small('token'), small('token')]), 'token twice')
    await refused(await made(two().slice(0, 1)), 'no records')
    await refused(await made(two().slice(1)), 'no manifest')
    await refused(await made([...two(), { ...small('readings/raw/a.parquet'), crc: null }]), 'a Parquet file without checksum')
    await nothingChanged()
  })

  test('zeros without end, and zeros where none belong', async () => {
    const zeros = (path: string, counts: number[]): Source => ({
      path,
      bytes: counts.reduce((a, b) => a + b, 0),
      crc: null,
      async *pieces() {
        yield* counts
      },
    })
    await refused(await made([...two(), zeros('journal/00000001.log', [2 ** 32 - 1])]), 'four gigabytes of zeros')
    await refused(await made([...two(), zeros('journal/00000001.log', Array(600).fill(2 ** 20))]), 'many megabytes of zeros')
    await refused(await made([...two(), zeros('ca/ca.pem', [10])]), 'zeros in a certificate')
    await nothingChanged()
  })

  test('contents that are none', async () => {
    await refused(await made(two(), { more: 1 }), 'a key that nobody knows')
    await refused(await made(two(), { readings: -1 }), 'a negative number')
    await refused(await made(two(), { created: 'today' }), 'a text for a number')
    await refused(await made([...two(), { ...small('token'), bytes: 2.5 } as Source]).catch(() => Buffer.alloc(0)), 'half a byte')
    await nothingChanged()
  })

  test('records that are no pairs', async () => {
    const file = join(room, 'file')
    const broken = { ...two()[1]!, pieces: async function* () { yield Buffer.from([5, 0, 0, 0, 9, 0, 0, 0, 1, 2]) } } // biome-ignore format: short
    await writeFile(file, await made([two()[0]!, broken]))
    await expect(restoreBackup({ file, data: join(room, 'data'), wallMs: () => 0 })).rejects.toThrow(BadBackup)
    await nothingChanged()
  })

  test('a newer format is named as such, and another file as what it is not', async () => {
    const newer = Buffer.from(good)
    newer.writeUInt32LE(2, 16)
    const { code, message } = await refused(newer, 'format 2')
    expect(code).toBe('newer_format')
    expect(message).toContain('format 2')
    expect((await refused(Buffer.from('PK\x03\x04 some zip file or other'), 'a zip')).code).toBe('not_a_backup')
    expect((await refused(await readFile(new URL('./house.ts', import.meta.url)), 'a text')).code).toBe('not_a_backup')
    await nothingChanged()
  })
})
