import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cli, temporaryData, type Up, up, upWith } from '../espalier.ts'

/** Keeping an Espalier: settings that change while it runs, a token that is replaced, virtual nodes that come and go, and what doctor
 *  says of it. Each by the command a person would type. */
let data: Awaited<ReturnType<typeof temporaryData>>
let running: Up | null = null
beforeEach(async () => {
  data = await temporaryData()
})
afterEach(async () => {
  await running?.stop()
  running = null
  await data.remove()
})

const configure = (text: string): Promise<void> => writeFile(join(data.dir, 'espalier.yaml'), text)

/** Waits until `look` finds something. */
async function until<T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise(done => setTimeout(done, 50))
  }
}

describe('espalier.yaml', () => {
  test('is checked by file, line and key, with what was meant', async () => {
    await configure('up:\n  mqtt_prot: 1884\nbackup:\n  keep: none\n')
    const { code, stderr } = await cli(['config', 'check'], { data: data.dir })
    expect(code).toBe(2)
    const file = join(data.dir, 'espalier.yaml')
    expect(stderr).toContain(`${file}:2: up.mqtt_prot: no such key; did you mean up.mqtt_port?; allowed: up.mqtt_host`)
    await configure('backup:\n  keep: none\n')
    const wrong = await cli(['config', 'check', '--json'], { data: data.dir })
    expect([wrong.code, wrong.json().problems]).toEqual([
      2,
      [{ where: `${file}:2`, key: 'backup.keep', what: '"none" can\'t be used', allowed: 'a whole number from 1 to 1000' }],
    ])
    await configure('backup:\n  keep: 3\n')
    expect(await cli(['config', 'check'], { data: data.dir })).toMatchObject({ code: 0, stdout: 'ok\n' })
  })

  test('is read again by command and by SIGHUP; with a mistake in it nothing changes', async () => {
    await configure('up:\n  log_level: warn\n')
    running = await up(data.dir)
    await configure('up:\n  log_level: info\n  seal_rows: 1000\n')
    expect((await running.cli('config', 'reload', '--json')).json()).toEqual({
      applied: ['up.log_level'],
      needs_restart: ['up.seal_rows'],
    })
    const settings = (await running.api('/api/settings')).body
    expect(settings.find((s: { key: string }) => s.key === 'up.log_level')).toMatchObject({
      value: 'info',
      from: `${join(data.dir, 'espalier.yaml')}:2`,
      reload: true,
    })
    expect((await running.cli('doctor', '--json')).json().findings).toContainEqual(
      expect.objectContaining({ code: 'restart_needed', what: 'waiting: up.seal_rows' }),
    )

    await configure('up:\n  log_level: loud\n')
    const refused = await running.cli('config', 'reload')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(`${join(data.dir, 'espalier.yaml')}:2: up.log_level: "loud" can't be used; allowed: trace`)

    await configure('up:\n  log_level: info\nbackup:\n  keep: 3\n')
    process.kill(running.pid, 'SIGHUP')
    await until(() => running!.stderr().includes('"applied":["backup.keep"]'))
  })
})

describe('the token', () => {
  test('is printed, and a new one ends the old one, its sessions and its streams at once', async () => {
    running = await up(data.dir)
    expect((await running.cli('token')).stdout.trim()).toBe(running.token)
    const signedIn = await fetch(`${running.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: running.token }),
    })
    const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
    const stream = await fetch(`${running.url}/api/events`, { headers: { cookie } })
    const reader = stream.body!.getReader()
    await reader.read()

    const fresh = (await running.cli('token', '--rotate')).stdout.trim()
    expect(fresh).not.toBe(running.token)
    // The stream is cut, whether that shows as an end or as a broken connection.
    for (let open = true; open; )
      open = await reader.read().then(
        ({ done }) => !done,
        () => false,
      )
    expect((await running.api('/api/nodes')).status).toBe(401)
    expect((await fetch(`${running.url}/api/nodes`, { headers: { cookie } })).status).toBe(401)
    expect((await fetch(`${running.url}/api/nodes`, { headers: { authorization: `Bearer ${fresh}` } })).status).toBe(200)
    expect((await readFile(join(data.dir, 'token'), 'utf8')).trim()).toBe(fresh)
    expect((await stat(join(data.dir, 'token'))).mode & 0o777).toBe(0o600)
  })

  test('is replaced in the file while nothing runs', async () => {
    const first = await up(data.dir)
    await first.stop()
    const { code, stdout } = await cli(['token', '--rotate'], { data: data.dir })
    expect(code).toBe(0)
    running = await up(data.dir)
    expect(running.token).toBe(stdout.trim())
    expect(running.token).not.toBe(first.token)
  })
})

describe('the virtual nodes', () => {
  test('go offline when they are cut off, and bring what they measured', async () => {
    running = await up(data.dir, '--sim', '1', '--sim-interval', '0.1')
    const view = async () => (await running!.api('/api/nodes/sim-1')).body
    await until(async () => (await view()).state === 'online')
    expect((await running.cli('demo', 'outage', 'sim-1', '--for', '2', '--json')).json()).toEqual({
      nodes: ['sim-1'],
      seconds: 2,
    })
    await until(async () => (await view()).state === 'offline')
    const during = (await view()).stored
    await until(async () => (await view()).state === 'online' && (await view()).stored > during + 15)
    expect((await view()).ledger).toMatchObject({ lost: 0 })
    expect((await running.cli('demo', 'outage', 'sim-9')).code).toBe(6)
  })

  test('are stopped and forgotten, and come again with the next start', async () => {
    running = await up(data.dir, '--sim', '2', '--sim-interval', '0.1')
    const nodes = async () => (await running!.api('/api/nodes')).body.items as { id: string; stored: number }[]
    await until(async () => (await nodes()).length === 2)
    expect((await running.cli('demo', 'stop', '--forget', '--json')).json()).toEqual({
      stopped: ['sim-1', 'sim-2'],
      forgotten: ['sim-1', 'sim-2'],
    })
    expect(await nodes()).toEqual([])
    expect((await running.api('/api/export?format=jsonl')).body).toBe('')
    await running.stop()
    running = await up(data.dir, '--sim', '2', '--sim-interval', '0.1')
    await until(async () => (await nodes()).every(node => node.stored > 0) && (await nodes()).length === 2)
    expect((await running.api('/api/rejects/counts')).body.total).toBe(0)
  })
})

describe('doctor', () => {
  test('finds nothing in a fresh house, and a token that others may read', async () => {
    running = await up(data.dir)
    expect((await running.cli('doctor')).code).toBe(0)
    await chmod(join(data.dir, 'token'), 0o644)
    const found = await running.cli('doctor', '--json')
    expect(found.code).toBe(7)
    expect(found.json()).toMatchObject({ ok: false, findings: [{ code: 'file_open', severity: 'warning' }] })
  })

  test('looks at the directory when nothing runs in it, and says when there is none', async () => {
    const first = await up(data.dir)
    await first.stop()
    expect((await cli(['doctor'], { data: data.dir })).code).toBe(0)
    await chmod(join(data.dir, 'token'), 0o644)
    expect((await cli(['doctor'], { data: data.dir })).code).toBe(7)
    expect((await cli(['doctor'], { data: join(data.dir, 'none') })).code).toBe(5)
  })
})

test('no secret is in the log, not even at trace', async () => {
  running = await upWith({}, data.dir, '--log-level', 'trace', '--sim', '1')
  const added = (await running.cli('node', 'add', 'greenhouse', '--json')).json()
  const rotated = (await running.cli('node', 'rotate', 'greenhouse', '--json')).json()
  const secrets = [
    running.token,
    added.password,
    rotated.password,
    (await readFile(join(data.dir, 'manager-secret'), 'utf8')).trim(),
  ]
  const signedIn = await running.api('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: running.token }),
  })
  secrets.push(signedIn.headers.getSetCookie()[0]!.split(';')[0]!.split('=')[1]!)
  await running.api('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"token":"a-wrong-token-of-somebody"}',
  })
  secrets.push('a-wrong-token-of-somebody')
  await running.cli('sub', 'iot/#', '--count', '1')
  secrets.push((await running.cli('token', '--rotate')).stdout.trim())
  process.kill(running.pid, 'SIGHUP')
  await until(() => running!.stderr().includes('configuration read again'))
  await running.stop()
  const log = running.stderr()
  running = null
  expect(secrets.every(secret => secret.length >= 16)).toBe(true)
  expect(secrets.filter(secret => log.includes(secret))).toEqual([])
})
