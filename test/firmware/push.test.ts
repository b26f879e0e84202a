import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { cleanEnv, mainFile, nodeBinary, until } from '../espalier.ts'
import { type LanHouse, lanHouse } from '../lan/house.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** New credentials for a node that is far away: it puts them in place itself, or stays with what it has. */
async function provisioned(id: string, ...flags: string[]) {
  const [house, files] = await Promise.all([lanHouse(), nodeHouse()])
  const port = files.file('tty')
  const start = () =>
    files.start(
      '--state',
      files.file('state'),
      '--serial',
      port,
      '--interval',
      '0.5',
      '--exec-log',
      files.file('exec.log'),
      ...flags,
    )
  const node = await start()
  expect(await house.cli('node', 'provision', id, '--port', port)).toMatchObject({ code: 0 })
  await online(house, id)
  return { house, files, node, start, password: () => passwordOf(files.file('state')) }
}

async function passwordOf(state: string): Promise<string> {
  const names = (await readdir(join(state, 'flash'))).filter(name => name === 'creds.a' || name === 'creds.b')
  const copies = await Promise.all(names.map(name => readFile(join(state, 'flash', name))))
  const newest = copies.sort((a, b) => b.readUInt32LE(4) - a.readUInt32LE(4))[0]!
  return JSON.parse(newest.subarray(16).toString()).broker.password
}

/** Files below a folder that hold this text somewhere: logs and what a store has overwritten, too. */
async function filesWith(text: string, dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const hits = await Promise.all(files.map(async file => ((await readFile(file)).includes(text) ? file : null)))
  return hits.filter(file => file !== null)
}

const online = (house: LanHouse, id: string) =>
  until(`${id} online`, async () => ((await house.api(`/api/nodes/${id}`)).body.state === 'online' ? true : undefined))

const configure = (house: LanHouse, id: string, params: object) =>
  house.api(`/api/nodes/${id}/commands`, {
    method: 'POST',
    body: JSON.stringify({ command: 'configure', params }),
    headers: { 'content-type': 'application/json' },
  })

const ended = (house: LanHouse, command: string) =>
  until(
    `the end of ${command}`,
    async () => {
      const { body } = await house.api(`/api/commands/${command}`)
      return body.final_at === null ? undefined : body
    },
    100_000,
  )

/** Everything a program said until it is told to end. */
function listener(house: LanHouse, ...args: string[]) {
  const child = spawn(nodeBinary, [mainFile, ...args, '--data', house.data], {
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', piece => (said += piece))
  const gone = new Promise<void>(done => child.once('close', () => done()))
  return {
    said: () => said,
    async end() {
      child.kill('SIGINT')
      await gone
      return said
    },
  }
}

describe.skipIf(!hostToolsThere)('a password that is pushed (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('is in use, the old one is over, and nobody but the node ever saw it', async () => {
    const { house, files, password } = await provisioned('01')
    const old = await password()
    const logs = files.file('messages')
    const events = new AbortController()
    onTestFinished(() => events.abort())
    const stream = await fetch(`${house.url}/api/events`, {
      headers: { authorization: `Bearer ${house.token}` },
      signal: events.signal,
    })
    let heard = ''
    const listening = (async () => {
      for await (const piece of stream.body!) heard += Buffer.from(piece).toString()
    })().catch(() => {})
    const log = listener(house, 'log', '--dir', logs)
    const sub = listener(house, 'sub', 'iot/#')
    await until('sub', async () => (sub.said().includes('iot/node/01/') ? true : undefined))
    await until('log', async () => (log.said().includes('writing') ? true : undefined))

    const pushed = await house.cli('node', 'rotate', '01', '--push', '--json')
    expect(pushed).toMatchObject({ code: 0 })
    expect(pushed.json()).toMatchObject({ state: 'done', params: { network: { broker: { user: '01', password: '…' } } } })
    const fresh = await password()
    expect(fresh).not.toBe(old)
    await online(house, '01')
    expect((await house.api('/api/identities')).body.items).toMatchObject([{ id: '01', grace_until: null }])

    await until('the command in sub', async () => (sub.said().includes('iot/node/01/command') ? true : undefined))
    await until('the command in the events', async () => (heard.includes('"configure"') ? true : undefined))
    events.abort()
    await listening
    const views = {
      pushed: JSON.stringify(pushed),
      heard,
      sub: await sub.end(),
      log: await log.end(),
      files: (await Promise.all((await readdir(logs)).map(name => readFile(join(logs, name), 'utf8')))).join('\n'),
      command: JSON.stringify((await house.api(`/api/commands/${pushed.json().id}`)).body),
      commands: JSON.stringify((await house.api('/api/commands')).body),
      cli: (await house.cli('commands')).stdout + (await house.cli('command', 'show', pushed.json().id)).stdout,
      audit: JSON.stringify((await house.api('/api/audit')).body),
      messages: JSON.stringify((await house.api('/api/messages')).body),
      node: JSON.stringify((await house.api('/api/nodes/01')).body),
      server: house.stderr(),
      executed: await readFile(files.file('exec.log'), 'utf8'),
    }
    expect(await filesWith(fresh, house.data)).toEqual([])
    for (const [view, text] of Object.entries(views)) expect(text.includes(fresh) ? `${view} shows it` : '').toBe('')
    expect(views.files).toContain('iot/node/01/command')
  })

  test('survives power cuts of the node on both sides of it', async () => {
    const { house, node, start, password } = await provisioned('02')
    await node.stop('SIGKILL')
    const rotated = await house.cli('node', 'rotate', '02', '--grace', '10m', '--json')
    expect(rotated).toMatchObject({ code: 0, stderr: expect.stringContaining('10m') })
    const old = await password()
    const again = await start()
    await online(house, '02')
    expect((await configure(house, '02', { rev: 1, network: { broker: { password: rotated.json().password } } })).status).toBe(
      202,
    )
    await until('the new password', async () => ((await password()) !== old ? true : undefined))
    await until('the end of the grace', async () =>
      (await house.api('/api/identities')).body.items[0].grace_until === null ? true : undefined,
    )
    await again.stop('SIGKILL')
    await start()
    await online(house, '02')
    expect(await password()).toBe(rotated.json().password)
  })

  test('that is wrong is given up: the node is back with what it had, and says so', { timeout: 240_000 }, async () => {
    // A minute it tries the new one: made six seconds.
    const yesterday = String(Math.floor(Date.now() / 1000) - 86_400)
    const { house, password } = await provisioned('03', '--clock-start', yesterday, '--clock-rate', '10')
    const old = await password()
    const { body } = await configure(house, '03', { rev: 9, network: { broker: { password: 'wrong' } } })
    expect(await ended(house, body.id)).toMatchObject({ state: 'failed', params: { network: { broker: { password: '…' } } } })
    await online(house, '03')
    expect(await password()).toBe(old)
    const bad = await configure(house, '03', { rev: 9, network: { id: '04' } })
    expect(await ended(house, bad.body.id)).toMatchObject({ state: 'rejected', error: { code: 'bad_params' } })
  })

  test('is for a node that is there, has a password, and is shown nowhere', async () => {
    const house = await lanHouse()
    await house.add('05')
    await house.add('06', true)
    const rotate = (...args: string[]) => house.cli('node', 'rotate', ...args)
    expect(await rotate('05', '--push')).toMatchObject({ code: 3, stderr: expect.stringContaining('nobody to push it to') })
    expect(await rotate('06', '--push')).toMatchObject({ code: 2, stderr: expect.stringContaining('certificate') })
    expect(await rotate('05', '--push', '--sketch')).toMatchObject({ code: 2 })
    expect(await rotate('05', '--grace', '8d')).toMatchObject({ code: 2, stderr: expect.stringContaining('at most 7d') })
    expect(await rotate('07', '--push')).toMatchObject({ code: 6 })
    expect((await house.api('/api/identities')).body.items).toMatchObject([{ rotated: null }, { rotated: null }])
  })
})
