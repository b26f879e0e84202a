import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, up } from '../espalier.ts'
import { espalier, lanFlags, message, node, python, running } from './house.ts'

/** A board is added, and the script that was printed is run as it is: it speaks over TLS and is the person's own. */
let data: Awaited<ReturnType<typeof temporaryData>>
let dir: string
let house: Up
beforeAll(async () => {
  data = await temporaryData()
  dir = await mkdtemp(join(tmpdir(), 'espalier-board-'))
  house = await up(data.dir, ...lanFlags)
})
afterAll(async () => {
  await house.stop()
  await data.remove()
  await rm(dir, { recursive: true, force: true })
})

async function printed(...words: string[]): Promise<string> {
  const added = await house.cli('node', ...words)
  expect(added.stderr).toContain('shown once')
  expect(added.code).toBe(0)
  const file = join(dir, `${words[1]}.py`)
  await writeFile(file, added.stdout)
  return file
}

describe.skipIf(!python)('the Python script as it is printed', () => {
  test.each([['password'], ['certificate']])('with a %s it speaks over TLS, is claimed, and leaves a last will', async kind => {
    const id = `board-${kind}`
    const script = running(python!, [await printed('add', id, '--python', ...(kind === 'certificate' ? ['--cert'] : []))])
    try {
      const online = await node(house, id, ({ stored, state }) => stored > 0 && state === 'online')
      expect(online).toMatchObject({ claimed: true, interval: 10, board: 'python', rejected: 0 })
      expect(online.last.temperature).toBeTypeOf('number')
      expect(await message(house, 'stored', m => m.node === id)).toMatchObject({
        points: [{ fields: { temperature: expect.any(Number) } }],
      })
      const { body } = await house.api('/api/identities')
      expect(body.items.find((one: { id: string }) => one.id === id)).toMatchObject({ kind, connected: true })
    } finally {
      await script.stop('SIGKILL')
    }
    await node(house, id, ({ state }) => state === 'offline')
  })

  test('after a rotation the old secret is refused, and the script says what to do', async () => {
    const file = await printed('add', 'turned', '--python')
    const rotated = await house.cli('node', 'rotate', 'turned', '--json')
    expect(rotated.json()).toEqual({ id: 'turned', username: 'turned', password: expect.any(String) })
    const script = running(python!, [file])
    try {
      expect(await script.line(/not let in/)).toContain('espalier node rotate turned')
      const refused = await message(house, 'refused', m => m.user === 'turned')
      expect(refused).toMatchObject({
        node: 'turned',
        reason: 'bad_credentials',
        detail: expect.stringContaining('node rotate turned'),
      })
    } finally {
      await script.stop('SIGKILL')
    }
  })

  test('the terminal of `up` says that it spoke', async () => {
    const other = await temporaryData()
    const flags = ['--mqtt-port', '0', '--http-port', '0', '--sim', '1', ...lanFlags]
    const terminal = espalier('up', '--data', other.dir, ...flags)
    try {
      await terminal.line(/waiting for your first board/)
      const added = espalier('node', 'add', 'greenhouse', '--name', 'Green house', '--python', '--data', other.dir)
      await added.line(/shown once/)
      const file = join(dir, 'greenhouse.py')
      await writeFile(file, added.out())
      const script = running(python!, [file])
      const line = await terminal.line(/spoke for the first time/)
      expect(line).toMatch(
        /^● Green house spoke for the first time: 1 sensor \(temperature\) {3}http:\/\/127\.0\.0\.1:\d+\/nodes\/greenhouse$/,
      )
      await script.stop('SIGKILL')
      expect(terminal.out()).not.toContain('sim-1 spoke')
    } finally {
      expect(await terminal.stop()).toBe(0)
      await other.remove()
    }
  })
})

describe('node commands', () => {
  test('add, again, show, rename, tag, revoke, remove, gone', async () => {
    const added = await house.cli('node', 'add', 'shed', '--name', 'Shed', '--json')
    expect(added.json()).toEqual({ id: 'shed', username: 'shed', password: expect.any(String) })
    expect((await house.cli('node', 'add', 'shed')).code).toBe(2)
    expect((await house.cli('node', 'show', 'shed', '--json')).json()).toMatchObject({
      name: 'Shed',
      claimed: true,
      state: 'unknown',
    })
    expect((await house.cli('node', 'rename', 'shed', 'Old shed', '--json')).json().name).toBe('Old shed')
    expect((await house.cli('node', 'tag', 'shed', '+outdoor', '+b', '-b', '--json')).json().tags).toEqual(['outdoor'])
    expect((await house.cli('nodes')).stdout).toMatch(/shed \(Old shed\) +\? unknown +yes/)
    expect((await house.cli('node', 'revoke', 'shed')).code).toBe(2)
    expect((await house.cli('node', 'revoke', 'shed', '--yes', '--json')).json()).toMatchObject({
      id: 'shed',
      revoked: expect.any(Number),
    })
    expect((await house.cli('node', 'remove', 'shed', '--yes')).code).toBe(0)
    expect((await house.cli('node', 'show', 'shed')).code).toBe(6)
    expect((await house.cli('node', 'remove', 'shed', '--yes')).code).toBe(6)
  })

  test('a node that came by itself is claimed', async () => {
    await house.cli('pub', 'iot/node/found/telemetry', '{"node_id":"node_found","sensors":{"t":1}}', '--qos', '1')
    expect(await node(house, 'found', () => true)).toMatchObject({ claimed: false })
    expect((await house.cli('node', 'claim', 'found', '--json')).json()).toMatchObject({ id: 'found', claimed: true })
    expect((await house.cli('node', 'claim', 'nobody')).code).toBe(6)
  })
})
