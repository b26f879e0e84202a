import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandView } from '../../src/api/commands.ts'
import { cli, temporaryData, type Up, until, up } from '../espalier.ts'
import { type Publisher, startPublisher } from '../publisher.ts'

/** The real command: a backup taken while boards and people are at work, and what a restore makes of it elsewhere. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const t0 = Math.floor(Date.now() / 1000) - 100_000
const payloadOf = (seq: number): string =>
  JSON.stringify({ node_id: 'node_p1', timestamp: t0 + seq / 100, boot: 9, seq, sensors: { temperature: seq / 10 } })

let room: { dir: string; remove(): Promise<void> }
let first: Up
let publisher: Publisher
let file: string

const dataOf = (name: string): string => join(room.dir, name)

beforeAll(async () => {
  room = await temporaryData()
  file = dataOf('house.espalier')
  first = await up(dataOf('first'), '--sim', '4', '--sim-interval', '0.05', '--seal-rows', '3000')
  let seq = 0
  publisher = await startPublisher({
    ...first.run.mqtt,
    clientId: 'p1',
    topic: 'iot/node/p1/telemetry',
    list: dataOf('acknowledged'),
    window: 50,
    next: () => payloadOf(seq++),
  })
})
afterAll(async () => {
  publisher?.end()
  await first?.kill().catch(() => {})
  await room?.remove()
})

interface Line {
  readonly node: string
  readonly time: number
  readonly boot: number | null
  readonly seq: number | null
}

async function exported(from: Up): Promise<Map<string, string[]>> {
  const lines = (await from.cli('export', '--format', 'jsonl')).stdout.split('\n').filter(line => line !== '')
  const nodes = new Map<string, string[]>()
  for (const line of lines) {
    const { node } = JSON.parse(line) as Line
    if (!nodes.has(node)) nodes.set(node, [])
    nodes.get(node)!.push(line)
  }
  return nodes
}

const seqsOf = (lines: readonly string[] = []): number[] =>
  lines.map(line => (JSON.parse(line) as Line).seq!).sort((a, b) => a - b)

describe('a backup under load', () => {
  let acknowledgedBefore: number
  let acknowledgedBehind: number
  let commands: CommandView[]
  let identities: unknown
  let result: { file: string; bytes: number; sha256: string; readings: number }

  test('is made while everything goes on', async () => {
    await publisher.reached(8_000 * scale)
    for (const id of ['b1', 'b2']) expect((await first.cli('node', 'add', id, '--json')).code).toBe(0)
    await first.cli('node', 'rename', 'p1', 'the publisher')
    for (let i = 1; i <= 4; i++)
      expect((await first.cli('send', `sim-${i}`, 'set_led', 'state=on', '--wait', '--json')).code).toBe(0)
    await first.cli('send', 'p1', 'set_led', 'state=on', '--no-wait', '--json')
    commands = (await first.cli('commands', '--json')).json()
    identities = (await first.api('/api/identities')).body
    await until('more files than one', async () =>
      (await readdir(join(first.data, 'readings/raw'))).length > 1 ? true : undefined,
    )

    acknowledgedBefore = publisher.acknowledged.length
    const made = await first.cli('backup', file, '--json')
    acknowledgedBehind = publisher.acknowledged.length
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('keep it as you keep a key')])
    result = made.json()
    expect(result).toEqual({
      file,
      bytes: (await stat(file)).size,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      readings: expect.any(Number),
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(acknowledgedBehind).toBeGreaterThan(acknowledgedBefore)
    await publisher.reached(acknowledgedBehind + 2_000)
    expect((await readdir(room.dir)).sort()).toEqual(['acknowledged', 'first', 'house.espalier'])
  })

  test('is checked beside the running server, which itself keeps restores away', async () => {
    const checked = await cli(['restore', file, '--check', '--json'], { data: first.data })
    expect(checked.code).toBe(0)
    expect(checked.json()).toMatchObject({ readings: result.readings, sha256: result.sha256, bytes: result.bytes })
    const refused = await cli(['restore', file], { data: first.data })
    expect([refused.code, refused.stderr]).toEqual([8, expect.stringContaining('error data_in_use')])
    expect((await first.api('/healthz')).status).toBe(200)
    const again = await first.cli('backup', file)
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('error file_exists')])
    expect((await first.cli('backup', file, '--force', '--quiet')).code).toBe(0)
    await writeFile(file, await readFile(file)) // still whole
  })

  test('holds every reading that was acknowledged before it, and none that never was', async () => {
    await rm(file)
    acknowledgedBefore = publisher.acknowledged.length
    result = (await first.cli('backup', file, '--json')).json()
    acknowledgedBehind = publisher.acknowledged.length
    publisher.end()
    await publisher.ended
    const live = await exported(first)
    expect(await first.stop()).toBe(0)

    const restored = await cli(['restore', file, '--json'], { data: dataOf('second') })
    expect(restored.code).toBe(0)
    expect(restored.json()).toMatchObject({ ...result, before: null })
    const second = await up(dataOf('second'))
    try {
      const there = await exported(second)
      // A prefix of what was sent, to the cut: all of what was acknowledged before, at most what was on its way behind it.
      const seqs = seqsOf(there.get('p1'))
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i))
      expect(seqs.length).toBeGreaterThanOrEqual(acknowledgedBefore)
      expect(seqs.length).toBeLessThanOrEqual(acknowledgedBehind + 50)
      expect([...there.keys()].sort()).toEqual(['p1', 'sim-1', 'sim-2', 'sim-3', 'sim-4'])
      for (const [node, lines] of there) {
        expect(lines.length).toBeGreaterThan(0)
        const known = new Set(live.get(node))
        expect(lines.filter(line => !known.has(line))).toEqual([])
        const own = seqsOf(lines)
        expect(own).toEqual(seqsOf(live.get(node)).slice(0, own.length))
      }
      expect([...there.values()].reduce((sum, lines) => sum + lines.length, 0)).toBe(result.readings)

      const nodes = (await second.cli('nodes', '--json')).json<{ id: string; name: string | null }[]>()
      expect(nodes.map(node => node.id)).toEqual(expect.arrayContaining(['p1', 'sim-1', 'sim-2', 'sim-3', 'sim-4']))
      expect(nodes.find(node => node.id === 'p1')!.name).toBe('the publisher')
      expect((await second.cli('commands', '--json')).json()).toEqual(commands)
      expect((await second.api('/api/identities')).body).toEqual(identities)
      expect(second.token).toBe(first.token)

      // What it knows of (boot, seq) came along: a node that sends again is not stored twice, and goes on where the backup ends.
      let seq = seqs.length - 20
      const last = seqs.length + 20
      const resender = await startPublisher({
        ...second.run.mqtt,
        clientId: 'p1',
        topic: 'iot/node/p1/telemetry',
        list: dataOf('again'),
        window: 10,
        next: () => (seq < last ? payloadOf(seq++) : null),
      })
      await resender.reached(40)
      resender.end()
      expect(seqsOf((await exported(second)).get('p1'))).toEqual(Array.from({ length: last }, (_, i) => i))
    } finally {
      await second.stop()
    }
  }, 60_000)

  test('a file that was changed is refused with exit 2, and the data is what it was', async () => {
    const bytes = await readFile(file)
    bytes[bytes.length >> 1]! ^= 1
    const bad = dataOf('bad.espalier')
    await writeFile(bad, bytes)
    const before = (await readdir(first.data, { recursive: true })).sort()
    for (const args of [
      ['restore', bad],
      ['restore', bad, '--check'],
    ]) {
      const refused = await cli(args, { data: first.data })
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('error damaged')])
    }
    expect((await readdir(first.data, { recursive: true })).sort()).toEqual(before)
    const missing = await cli(['restore', dataOf('none.espalier')], { data: first.data })
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('no such file')])
    expect(existsSync(`${first.data}.restore-tmp`)).toBe(false)
  })
})

test('a schedule is set by the command, goes into the file, and makes backups by itself', async () => {
  const data = dataOf('scheduled')
  const dir = dataOf('usb')
  await mkdir(data)
  await writeFile(join(data, 'espalier.yaml'), '# my own words\nup:\n  sim: 1 # one is enough\n')
  const wrong = await cli(['backup', '--schedule', dir, '--every', 'often'], { data })
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('backup.every')])
  const running = await up(data)
  try {
    const set = await running.cli('backup', '--schedule', dir, '--every', '1d', '--keep', '2', '--json')
    expect(set.json()).toEqual({ file: join(data, 'espalier.yaml'), dir, running: true })
    const text = await readFile(join(data, 'espalier.yaml'), 'utf8')
    expect(text).toContain('# my own words\nup:\n  sim: 1 # one is enough\n')
    await until('the first backup', async () =>
      (await readdir(dir)).some(name => name.endsWith('.espalier')) ? true : undefined,
    )
    for (let i = 0; i < 3; i++) expect((await running.api('/api/backups', { method: 'POST' })).status).toBe(201)
    const { items } = (await running.api<{ items: { file: string }[] }>('/api/backups')).body
    expect(items).toHaveLength(2)
    expect(items.map(item => item.file).sort()).toEqual((await readdir(dir)).map(name => join(dir, name)).sort())
    expect((await cli(['restore', items[0]!.file, '--check', '--quiet'], { data })).code).toBe(0)
    await running.cli('backup', '--schedule', 'off')
    expect(await readFile(join(data, 'espalier.yaml'), 'utf8')).not.toContain(dir)
    expect((await running.api('/api/backups', { method: 'POST' })).status).toBe(409)
  } finally {
    await running.stop()
  }
  const stopped = await cli(['backup', dataOf('x.espalier')], { data })
  expect([stopped.code, stopped.stderr]).toEqual([5, expect.stringContaining('cp -a')])
})
