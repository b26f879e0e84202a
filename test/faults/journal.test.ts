import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firstPosition, type JournalEvent, type Position } from '../../src/contract/events.ts'
import { headerBytes, openingBytes, stamp } from '../../src/journal/frame.ts'
import type { ReplayReport } from '../../src/journal/journal.ts'
import { openJournal } from '../../src/journal/open.ts'
import { type Random, seeded } from '../../src/kit/random.ts'

/** Damage to the files themselves: cut, flipped, gone, smuggled in. Whatever it is, the journal opens, keeps what is whole, says where
 *  it is not, goes on, and overwrites nothing. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const segmentBytes = 128 * 1024

interface Written {
  readonly files: ReadonlyMap<string, Buffer>
  /** By batch: where it ends. It begins where the one before ends, or behind the opening frame of its segment. */
  readonly ends: readonly Position[]
}

let room: string
let folders = 0
beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'journal-damage-'))
})
afterAll(() => rm(room, { recursive: true }))

const event = (n: number, bytes: number, raw?: Buffer): JournalEvent => ({
  kind: 'reject',
  node: '01',
  topic: 't',
  arrived: n,
  reason: 'bad_json',
  detail: 'd',
  size: bytes,
  raw: new Uint8Array(raw ?? Buffer.alloc(bytes, n)),
  truncated: false,
  count: 1,
  indices: null,
  settles: null,
})

/** A journal of `count` batches, read into memory. */
async function written(count: number, bytesOf: (n: number) => number, raw?: Buffer): Promise<Written> {
  const dir = await folder(new Map())
  const journal = await openJournal({ dir, segmentBytes })
  const ends: Position[] = []
  for (let n = 0; n < count; n++) ends.push(await journal.append([event(n, bytesOf(n), raw)]))
  await journal.close()
  const files = new Map<string, Buffer>()
  for (const name of (await readdir(dir)).sort()) files.set(name, await readFile(join(dir, name)))
  await rm(dir, { recursive: true })
  return { files, ends }
}

async function folder(files: ReadonlyMap<string, Buffer>): Promise<string> {
  const dir = join(room, String(folders++))
  await mkdir(dir)
  for (const [name, data] of files) await writeFile(join(dir, name), data)
  return dir
}

/** Opens damaged files, replays, appends one more batch, opens again: what was there must be there again, with the new one behind. */
async function survive(files: ReadonlyMap<string, Buffer>): Promise<{ seen: number[]; report: ReplayReport }> {
  const dir = await folder(files)
  const first = await readAll(dir)
  const again = await readAll(dir, 9_999)
  expect(again.seen).toEqual(first.seen)
  const third = await readAll(dir)
  expect(third.seen).toEqual([...first.seen, 9_999])
  await rm(dir, { recursive: true })
  return first
}

async function readAll(dir: string, append?: number): Promise<{ seen: number[]; report: ReplayReport }> {
  const journal = await openJournal({ dir, segmentBytes })
  const seen: number[] = []
  const report = await journal.replay(firstPosition, batch => seen.push(...batch.events.map(one => one.arrived)))
  if (append !== undefined) await journal.append([event(append, 100)])
  await journal.close()
  return { seen, report }
}

const segmentOf = (name: string): number => Number(name.slice(0, 8))
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const changed = (files: ReadonlyMap<string, Buffer>, name: string, change: (data: Buffer) => Buffer): Map<string, Buffer> =>
  new Map(files).set(name, change(Buffer.from(files.get(name)!)))

const flipped = (data: Buffer, at: number, bit = 0): Buffer => {
  data[at]! ^= 1 << bit
  return data
}

const begins = ({ ends }: Written, n: number): number =>
  n > 0 && ends[n - 1]!.segment === ends[n]!.segment ? ends[n - 1]!.offset : openingBytes

describe('a cut file', () => {
  test('at each 512 bytes of its last 64 KiB: all batches before the cut are there, the rest is reported and not taken for an unfinished write', async () => {
    const one = await written(90, n => 200 + ((n * 37) % 2500))
    expect(new Set(one.ends.map(end => end.segment)).size).toBe(1)
    const name = [...one.files.keys()][0]!
    const size = one.files.get(name)!.length
    expect(one.ends.at(-1)!.offset).toBeGreaterThan(size - 40 * 1024)
    for (let cut = size - 512; cut >= size - 64 * 1024; cut -= 512) {
      const { seen, report } = await survive(changed(one.files, name, data => data.subarray(0, cut)))
      const whole = one.ends.filter(position => position.offset <= cut).length
      expect(seen).toEqual(upTo(whole))
      expect(report.damaged).toEqual([
        { segment: 1, offset: one.ends[whole - 1]!.offset, bytes: size - one.ends[whole - 1]!.offset, what: 'rot' },
      ])
    }
  }, 60_000)

  test('to nothing: the batches of the other segments are there', async () => {
    const many = await written(60, () => 9000)
    const names = [...many.files.keys()]
    const { seen, report } = await survive(changed(many.files, names[1]!, () => Buffer.alloc(0)))
    expect(seen).toEqual(upTo(60).filter(n => many.ends[n]!.segment !== 2))
    expect(report.damaged).toEqual([{ segment: 2, offset: 0, bytes: segmentBytes, what: 'rot' }])
  })
})

describe('a file of zeros', () => {
  test('in place of the last one with batches: the others are there, and nobody says that nothing was lost', async () => {
    const many = await written(30, () => 9000)
    const name = [...many.files.keys()].findLast(name => many.ends.at(-1)!.segment === segmentOf(name))!
    const { seen, report } = await survive(changed(many.files, name, data => Buffer.alloc(data.length)))
    expect(seen).toEqual(upTo(30).filter(n => many.ends[n]!.segment !== segmentOf(name)))
    expect(report.damaged).toEqual([{ segment: segmentOf(name), offset: 0, bytes: segmentBytes, what: 'rot' }])
  })
})

describe('a flipped bit', () => {
  test(
    'anywhere: no batch but the one it hits is missing, and the report covers the place',
    async () => {
      const random = seeded(20_260_101)
      const many = await written(70, n => 100 + ((n * 911) % 9000))
      const names = [...many.files.keys()]
      expect(names.length).toBeGreaterThanOrEqual(4)
      for (let round = 0; round < 150 * scale; round++) await flip(many, names, random)
    },
    60_000 * scale,
  )

  async function flip(many: Written, names: string[], random: Random): Promise<void> {
    const name = names[random.below(names.length)]!
    const at = random.below(segmentBytes)
    const { seen, report } = await survive(changed(many.files, name, data => flipped(data, at, random.below(8))))
    const segment = segmentOf(name)
    const hit = upTo(many.ends.length).filter(
      n => many.ends[n]!.segment === segment && at >= begins(many, n) && at < many.ends[n]!.offset,
    )
    const where = `${name} at ${at}`
    expect(seen, where).toEqual(upTo(many.ends.length).filter(n => !hit.includes(n)))
    const covering = report.damaged.filter(
      place => place.segment === segment && at >= place.offset && at < place.offset + place.bytes,
    )
    expect(covering, where).toHaveLength(1)
  }

  test('in a batch with others behind it is rot, in the last one it is the tail', async () => {
    const many = await written(10, () => 1000)
    const name = [...many.files.keys()][0]!
    const place = (n: number) => ({ segment: 1, offset: begins(many, n), bytes: many.ends[n]!.offset - begins(many, n) })
    for (const inside of [0, 4, 20, 33, headerBytes, 500]) {
      const middle = await survive(changed(many.files, name, data => flipped(data, begins(many, 4) + inside)))
      expect(middle.report.damaged).toEqual([{ ...place(4), what: 'rot' }])
      const last = await survive(changed(many.files, name, data => flipped(data, begins(many, 9) + inside)))
      expect(last.report.damaged).toMatchObject([{ segment: 1, offset: begins(many, 9), what: 'tail' }])
    }
  })

  test('in the last batch of a segment that others follow is rot', async () => {
    const many = await written(40, () => 9000)
    const last = many.ends.findIndex(end => end.segment === 2) - 1
    const name = [...many.files.keys()][0]!
    const { seen, report } = await survive(changed(many.files, name, data => flipped(data, many.ends[last]!.offset - 5)))
    expect(seen).toEqual(upTo(40).filter(n => n !== last))
    expect(report.damaged).toMatchObject([{ segment: 1, offset: begins(many, last), what: 'rot' }])
  })
})

describe('the tail after a crash', () => {
  test('an unfinished write is not touched again, and with later batches behind it is still no rot', async () => {
    const one = await written(6, () => 1000)
    const [name, spare] = [...one.files.keys()] as [string, string]
    const end = one.ends.at(-1)!.offset
    // Half a frame: its first 600 bytes came to the disk, the rest did not.
    const torn = changed(one.files, name, data => {
      data.copy(data, end, begins(one, 5), begins(one, 5) + 600)
      data[end + 50]! ^= 1
      return data
    })
    const dir = await folder(torn)
    await readAll(dir, 6)
    await readAll(dir, 7)
    expect(Buffer.compare(await readFile(join(dir, name)), torn.get(name)!)).toBe(0)
    expect(Buffer.compare(await readFile(join(dir, spare)), torn.get(spare)!)).not.toBe(0)
    const { seen, report } = await readAll(dir)
    expect(seen).toEqual(upTo(8))
    expect(report.damaged).toEqual([{ segment: 1, offset: end, bytes: 600, what: 'tail' }])
  })

  test('bytes of an older file behind the last batch are no batch', async () => {
    const one = await written(6, () => 1000)
    const old = await written(9, () => 1000)
    const name = [...one.files.keys()][0]!
    const end = one.ends.at(-1)!.offset
    // The same number, the same offsets, later batches: only the salt tells them apart.
    const files = changed(one.files, name, data => {
      old.files.get(name)!.copy(data, end, end)
      return data
    })
    const { seen, report } = await survive(files)
    expect(seen).toEqual(upTo(6))
    expect(report.damaged).toMatchObject([{ segment: 1, offset: end, what: 'tail' }])
  })

  test('a frame that a sender put into its message is not found, however the real one is damaged', async () => {
    const forged = Buffer.alloc(headerBytes + 3)
    stamp(forged, { salt: 0, segment: 1, batch: 3, count: 1 })
    const one = await written(6, () => 1000, forged)
    const name = [...one.files.keys()][0]!
    for (let at = begins(one, 2); at < one.ends[2]!.offset; at += 11) {
      const { seen } = await survive(changed(one.files, name, data => flipped(data, at)))
      expect(seen).toEqual([0, 1, 3, 4, 5])
    }
  })
})

describe('a missing file', () => {
  test('in the middle is rot, with its number', async () => {
    const many = await written(60, () => 9000)
    const files = new Map(many.files)
    files.delete([...files.keys()][2]!)
    const { seen, report } = await survive(files)
    expect(seen).toEqual(upTo(60).filter(n => many.ends[n]!.segment !== 3))
    expect(report.damaged).toEqual([{ segment: 3, offset: 0, bytes: segmentBytes, what: 'rot' }])
  })

  test('that holds the watermark is rot; one below it is not looked for', async () => {
    const many = await written(60, () => 9000)
    const files = new Map(many.files)
    files.delete([...files.keys()][1]!)
    const dir = await folder(files)
    const journal = await openJournal({ dir, segmentBytes })
    const from = (position: Position) => journal.replay(position, () => {})
    expect((await from({ segment: 2, offset: 5000 })).damaged).toMatchObject([{ segment: 2, what: 'rot' }])
    expect((await from({ segment: 3, offset: 0 })).damaged).toEqual([])
    await journal.close()
  })
})

test('damage below the watermark is not reported: the store has those batches', async () => {
  const many = await written(10, () => 1000)
  const name = [...many.files.keys()][0]!
  const dir = await folder(changed(many.files, name, data => flipped(data, begins(many, 4) + 40)))
  const journal = await openJournal({ dir, segmentBytes })
  const seen: number[] = []
  const report = await journal.replay(many.ends[4]!, batch => seen.push(batch.events[0]!.arrived))
  expect([seen, report.damaged]).toEqual([[5, 6, 7, 8, 9], []])
  await journal.close()
})
