import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { LineWriter, type LineWriterOptions } from './writer.ts'

async function opened(more: Partial<LineWriterOptions> = {}, dir?: string) {
  const folder = dir ?? (await mkdtemp(join(tmpdir(), 'espalier-log-')))
  if (dir === undefined) onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const clock = { ms: 1_767_225_600_000 }
  const said: string[] = []
  const writer = await LineWriter.open({
    dir: folder,
    rotateMs: 86_400_000,
    fileBytes: 1_000_000,
    keep: 30,
    maxBytes: 10_000_000,
    pid: 4711,
    nowMs: () => clock.ms,
    isAlive: () => false,
    say: text => void said.push(text),
    ...more,
  })
  return { dir: folder, clock, said, writer }
}

/** All lines of all files, in order of their names. */
async function lines(dir: string): Promise<Record<string, unknown>[]> {
  const names = (await readdir(dir)).sort()
  const texts = await Promise.all(
    names.map(async name => {
      const bytes = await readFile(join(dir, name))
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    }),
  )
  return texts
    .join('')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}

test('lines are on the disk after a flush, for the owner alone', async () => {
  const { dir, writer } = await opened()
  writer.add({ n: 1 })
  await writer.close()
  expect(await lines(dir)).toEqual([{ n: 1 }])
  const [name] = await readdir(dir)
  expect((await stat(join(dir, name!))).mode & 0o777).toBe(0o600)
})

test('an old file and a large one are closed and compressed; no line is lost or twice', async () => {
  const { dir, clock, writer } = await opened({ fileBytes: 2_000 })
  for (let i = 0; i < 300; i++) {
    writer.add({ i, pad: 'x'.repeat(20) })
    if (i % 10 === 9) {
      clock.ms += 1_000
      await writer.flush()
    }
  }
  clock.ms += 86_400_000
  writer.add({ i: 300 })
  await writer.close()
  const names = await readdir(dir)
  expect(names.filter(name => name.endsWith('.gz')).length).toBeGreaterThan(3)
  expect(names.filter(name => name.endsWith('.jsonl'))).toHaveLength(1)
  expect((await lines(dir)).map(({ i }) => i)).toEqual(Array.from({ length: 301 }, (_, i) => i))
})

test('the oldest go, by number and by size', async () => {
  const { dir, clock, said, writer } = await opened({ fileBytes: 2_000, keep: 2 })
  for (let i = 0; i < 20; i++) {
    writer.add({ i, pad: 'x'.repeat(2_000) })
    clock.ms += 1_000
    await writer.flush()
  }
  await writer.close()
  expect((await readdir(dir)).length).toBeLessThanOrEqual(3)
  expect((await lines(dir)).at(-1)).toMatchObject({ i: 19 })
  expect(said.some(text => text.startsWith('removed the oldest'))).toBe(true)
})

test('what a killed process left is compressed at the next start; what a living one writes is left alone', async () => {
  const first = await opened()
  first.writer.add({ n: 1 })
  await first.writer.close()
  const living = 'messages-20250101T000000Z-99-0.jsonl'
  await writeFile(join(first.dir, living), '{"n":0}\n')
  const second = await opened({ pid: 4712, isAlive: pid => pid === 99 }, first.dir)
  second.writer.add({ n: 2 })
  await second.writer.close()
  const names = await readdir(first.dir)
  expect(names.filter(name => name.endsWith('.gz'))).toHaveLength(1)
  expect(names).toContain(living)
  expect((await lines(first.dir)).map(({ n }) => n)).toEqual([0, 1, 2])
})

test('while the disk takes nothing it says so once, goes on, and names the hole', async () => {
  const { dir, said, writer, clock } = await opened({ fileBytes: 100 })
  writer.add({ pad: 'x'.repeat(200) })
  await writer.flush()
  // The next file can't be made: its folder is gone.
  await rm(dir, { recursive: true })
  for (let i = 0; i < 5; i++) {
    clock.ms += 1_000
    writer.add({ n: i, pad: 'x'.repeat(3_000_000) })
    await writer.flush()
  }
  expect(said.filter(text => text.startsWith("can't write"))).toHaveLength(1)
  await mkdir(dir)
  await writer.flush()
  writer.add({ n: 'last' })
  await writer.close()
  const kept = await lines(dir)
  const holes = kept.flatMap(({ gap }) => (gap ? [(gap as { lost: number }).lost] : []))
  expect(holes.reduce((sum, n) => sum + n, 0) + kept.filter(({ n }) => typeof n === 'number').length).toBe(5)
  expect(holes.length).toBeGreaterThan(0)
  expect(said).toContain('it can be written again')
})
