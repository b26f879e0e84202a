import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openLevelRecords } from '../../src/store/level/level.ts'
import { until } from '../espalier.ts'

/** A power cut: the writer stands still and the image under its file system is copied. What only lies in the page cache is not in
 *  the copy. Needs root and a loop device. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const room = await mkdtemp(join(tmpdir(), 'espalier-power-'))
const bundle = fileURLToPath(new URL(`../../node_modules/.cache/power-writer-${process.pid}.mjs`, import.meta.url))
const at = (name: string): string => join(room, name)
let writer: ChildProcess | null = null

const canLoop = await (async () => {
  if (process.getuid?.() !== 0) return false
  await writeFile(at('disk'), '')
  await truncate(at('disk'), 64 * 1024 * 1024)
  await mkdir(at('running'))
  await mkdir(at('afterwards'))
  if (spawnSync('mkfs.ext4', ['-q', '-F', at('disk')]).status !== 0) return false
  if (spawnSync('mount', ['-o', 'loop', at('disk'), at('running')]).status !== 0) return false
  spawnSync('umount', [at('running')])
  return true
})()

beforeAll(async () => {
  const entry = fileURLToPath(new URL('./power-writer.ts', import.meta.url))
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: bundle })
})
afterEach(() => {
  writer?.kill('SIGKILL')
  for (const dir of ['running', 'afterwards']) spawnSync('umount', ['-l', at(dir)])
})
afterAll(async () => {
  await rm(bundle, { force: true })
  await rm(room, { recursive: true, force: true })
})

const stateOf = async (child: ChildProcess): Promise<string> =>
  /^State:\s+(\S)/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))![1]!

describe.skipIf(!canLoop)('a power cut (loop device, needs root)', () => {
  test('what was written before a synced write of the records is there when that is', { timeout: 60_000 * scale }, async () => {
    for (let round = 0; round < 4 * scale; round++) {
      execFileSync('mount', ['-o', 'loop', at('disk'), at('running')])
      const child = spawn(process.execPath, [bundle, at(`running/records-${round}`)], { stdio: ['ignore', 'pipe', 'inherit'] })
      writer = child
      let synced = 0
      child.stdout.on('data', chunk => {
        synced = Number(String(chunk).trim().split('\n').at(-1))
      })
      const stopped = async (): Promise<true | undefined> => ((await stateOf(child)) === 'T' ? true : undefined)
      await until('the writer stands still', stopped)
      await copyFile(at('disk'), at('copy'))
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      execFileSync('umount', [at('running')])

      execFileSync('mount', ['-o', 'loop', at('copy'), at('afterwards')])
      const records = await openLevelRecords(at(`afterwards/records-${round}`))
      const mark = (await records.get<number>('marks', 'synced')) ?? 0
      let there = 0
      for await (const [key] of records.list('numbers')) if (Number(key) < mark) there++
      await records.close()
      execFileSync('umount', [at('afterwards')])
      expect({ mark, there }).toEqual({ mark: synced, there: synced })
      expect(synced).toBeGreaterThan(0)
    }
  })
})
