import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { finishRestore, restoreBackup } from '../../src/store/backup/backup.ts'
import { livedIn, openHouse } from './house.ts'

/** A restore that is killed, at each of its steps and at any time: then there is the old data directory or the new one, and it opens. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
let room: string
let restorer: string
const counts = { old: 0, new: 0 }

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'espalier-kill-'))
  // Beside the repository's packages: it loads them.
  restorer = fileURLToPath(new URL(`../../node_modules/.cache/restorer-${process.pid}.mjs`, import.meta.url))
  const entry = fileURLToPath(new URL('./restorer.ts', import.meta.url))
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' } as const
  await build({ entryPoints: [entry], outfile: restorer, ...options })
  const house = await livedIn(join(room, 'old'))
  const pieces: Uint8Array[] = []
  for await (const piece of (await house.backup()).pieces) pieces.push(Buffer.from(piece))
  await writeFile(join(room, 'file'), Buffer.concat(pieces))
  counts.new = (await house.content()).readings.length
  await house.take(250)
  counts.old = (await house.content()).readings.length
  await house.close()
})
afterAll(async () => {
  await rm(room, { recursive: true, force: true, maxRetries: 5 })
  await rm(restorer, { force: true })
})

/** What the next start finds. */
async function opened(data: string): Promise<number> {
  await finishRestore(data)
  const house = await openHouse(data)
  expect(house.trouble).toEqual([])
  const { readings } = await house.content()
  await house.close()
  return readings.length
}

const clean = async (data: string): Promise<void> => {
  for (const name of await readdir(room))
    if (join(room, name).startsWith(data)) await rm(join(room, name), { recursive: true, force: true })
}

async function killed(data: string, step: string, afterMs?: number): Promise<void> {
  const child = spawn(process.execPath, [restorer, join(room, 'file'), data, step], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  if (afterMs !== undefined) {
    await once(child.stdout, 'data')
    setTimeout(() => child.kill('SIGKILL'), afterMs)
  }
  await ended
}

describe('killed at a step', () => {
  test.each([
    ['begun', 'old'],
    ['unpacked', 'old'],
    ['synced', 'old'],
    ['whole', 'old'],
    ['moved away', 'new'],
    ['moved in', 'new'],
  ] as const)('%s: the %s one', async (step, which) => {
    const data = join(room, 'data')
    await cp(join(room, 'old'), data, { recursive: true })
    await killed(data, step)
    expect(existsSync(data)).toBe(step !== 'moved away')
    expect(await opened(data)).toBe(counts[which])
    // What it left does not stand in the way of the next.
    await restoreBackup({ file: join(room, 'file'), data, wallMs: () => Date.UTC(2026, 3, 2) })
    expect(await opened(data)).toBe(counts.new)
    expect(existsSync(`${data}.restore-tmp`)).toBe(false)
    await clean(data)
  })

  test.each(['begun', 'unpacked', 'synced', 'whole', 'moved in'])('%s, where there was no directory', async step => {
    const data = join(room, 'fresh')
    await killed(data, step)
    const whole = step === 'whole' || step === 'moved in'
    expect(await opened(data)).toBe(whole ? counts.new : 0)
    await clean(data)
  })
})

test('killed between the renames, where the data directory is a link: the next start finds it all the same', async () => {
  await mkdir(join(room, 'disk'), { recursive: true })
  const link = join(room, 'linked')
  await symlink('disk/data', link)
  await cp(join(room, 'old'), join(room, 'disk/data'), { recursive: true })
  await killed(link, 'moved away')
  expect(existsSync(link)).toBe(false)
  expect(await opened(link)).toBe(counts.new)
  await rm(join(room, 'disk/data'), { recursive: true })
  await restoreBackup({ file: join(room, 'file'), data: link, wallMs: () => Date.UTC(2026, 3, 2) })
  expect(await opened(link)).toBe(counts.new)
  expect(existsSync(`${link}.restore-tmp`)).toBe(false)
  await clean(link)
})

test('killed at any time', async () => {
  const random = seeded(7)
  for (let round = 0; round < 12 * scale; round++) {
    const data = join(room, 'any')
    await cp(join(room, 'old'), data, { recursive: true })
    await killed(data, 'never', random.below(60))
    expect([counts.old, counts.new]).toContain(await opened(data))
    await clean(data)
  }
})
