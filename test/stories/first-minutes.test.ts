import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokerOfStories, cleanEnv, cli, mainFile, nodeBinary, temporaryData, type Up, until, up } from '../espalier.ts'

/** A newcomer's first ten minutes as the README tells them: start, look, watch, send, export, stop. */
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up

beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5')
})
afterAll(async () => {
  await house.stop()
  await data.remove()
})

/** Waits until a virtual node is in the list with readings. */
const speaking = (id: string) =>
  until(`readings of ${id}`, async () =>
    (await house.cli('nodes', '--json')).json().find((n: { id: string; stored: number }) => n.id === id && n.stored > 0),
  )

describe('the first ten minutes', () => {
  test('three virtual nodes are online and say that they are virtual', async () => {
    const nodes = await Promise.all(['sim-1', 'sim-2', 'sim-3'].map(speaking))
    for (const node of nodes) {
      expect(node).toMatchObject({ state: 'online', virtual: true, claimed: true })
      expect(node.last.temperature).toBeTypeOf('number')
    }
    const table = await house.cli('nodes')
    expect(table.code).toBe(0)
    expect(table.stdout).toContain('sim-1')
  })

  test('watch prints durable readings and ends after --count', async () => {
    const watched = await house.cli('watch', 'sim-2', '--count', '3', '--json')
    expect(watched.code).toBe(0)
    const lines = watched.lines()
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line).toMatchObject({ node: 'sim-2', boot: expect.any(Number), seq: expect.any(Number) })
    expect(lines.map(l => l.seq)).toEqual([lines[0].seq, lines[0].seq + 1, lines[0].seq + 2])
  })

  test('send ends with the done of the node', async () => {
    await speaking('sim-1')
    const sent = await house.cli('send', 'sim-1', 'set_led', 'state=on', 'brightness=128', '--json')
    expect(sent.stderr).toBe('')
    expect(sent.code).toBe(0)
    expect(sent.json()).toMatchObject({
      node: 'sim-1',
      command: 'set_led',
      params: { state: 'on', brightness: 128 },
      state: 'done',
      attempts: 1,
    })
    const bad = await house.cli('send', 'sim-1', 'set_led', 'state=purple', '--json')
    expect(bad.code).toBe(3)
    expect(bad.json()).toMatchObject({ state: 'rejected', error: { code: 'bad_params' } })
    expect((await house.cli('send', 'nobody', 'ping')).code).toBe(6)
  })

  test('export gives what was stored, and csv has one row a reading', async () => {
    await speaking('sim-1')
    const csv = await house.cli('export', '--node', 'sim-1', '--format', 'csv')
    expect(csv.code).toBe(0)
    const [header, ...rows] = csv.stdout.trimEnd().split('\n')
    expect(header).toMatch(/^time,node,boot,seq,/)
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,sim-1,\d+,\d+,/)
  })

  test('the contract example of a stranger is stored exactly', async () => {
    const example =
      '{"node_id":"node_01","timestamp":1704844800,"sensors":{"temperature":22.5,"humidity":45.2},"wifi_rssi":-65,"uptime":3600}'
    expect((await house.cli('pub', 'iot/node/01/telemetry', example, '--qos', '1')).code).toBe(0)
    await until('node 01', async () => ((await house.cli('node', 'show', '01', '--json')).code === 0 ? true : undefined))
    const csv = await house.cli('export', '--node', '01')
    expect(csv.stdout.trimEnd().split('\n')).toEqual([
      'time,node,boot,seq,humidity,temperature,uptime,wifi_rssi',
      '2024-01-10T00:00:00.000Z,01,,,45.2,22.5,3600,-65',
    ])
  })

  test('a reject is kept and explained, and the stream beside it is untouched', async () => {
    await house.cli(
      'pub',
      'iot/node/02/telemetry',
      '{"node_id":"node_02","timestamp":1704844800000,"sensors":{"t":1}}',
      '--qos',
      '1',
    )
    const [reject] = await until('the reject', async () => {
      const list = (await house.cli('rejects', '--node', '02', '--json')).json()
      return list.length > 0 ? list : undefined
    })
    expect(reject).toMatchObject({ node: '02', reason: 'timestamp_in_ms', topic: 'iot/node/02/telemetry', count: 1 })
    expect(reject.detail).toMatch(/second/)
    expect((await house.cli('node', 'show', '02')).code).toBe(6)
  })

  test('health, broker and ledger answer', async () => {
    const health = await house.api('/healthz')
    expect(health).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect((await house.cli('broker', '--json')).json()).toMatchObject({
      kind: brokerOfStories,
      up: true,
      profile: 'embedded',
      receipts: true,
    })
    await speaking('sim-1')
    const [ledger] = (await house.cli('ledger', 'sim-1', '--json')).json()
    expect(ledger).toMatchObject({ node: 'sim-1', missing: 0, lost: 0, rejected: 0 })
    expect(ledger.expected).toBe(ledger.stored)
  })

  test('the API wants the token', async () => {
    expect((await fetch(`${house.url}/api/nodes`)).status).toBe(401)
    expect((await fetch(`${house.url}/api/nodes`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
  })
})

describe('starting and stopping', () => {
  test('a second server on the same data directory ends with 8 and says who has it', async () => {
    const second = await cli(['up', '--mqtt-port', '0', '--http-port', '0', '--sim', '0'], { data: data.dir })
    expect(second.code).toBe(8)
    expect(second.stderr).toMatch(/in use/)
  })

  test('a taken port is named, with the process that holds it and what to try', async () => {
    const other = await temporaryData()
    const taken = await cli(['up', '--mqtt-port', String(house.run.mqtt.port), '--http-port', '0'], { data: other.dir })
    expect(taken.code).toBe(2)
    expect(taken.stderr).toContain(String(house.run.mqtt.port))
    expect(taken.stderr).toContain('--mqtt-port')
    await other.remove()
  })

  test('without a server a command says how to start one', async () => {
    const other = await temporaryData()
    const lost = await cli(['nodes'], { data: other.dir })
    expect(lost.code).toBe(5)
    expect(lost.stderr).toMatch(/npm start/)
    await other.remove()
  })

  test('the first readings event comes within five seconds of the start', async () => {
    // A requirement of the first minute, not a benchmark: it holds on a loaded machine by a wide margin.
    const other = await temporaryData()
    const started = performance.now()
    const fresh = await up(other.dir, '--sim', '3')
    const events = await fetch(`${fresh.url}/api/events?types=readings`, { headers: { authorization: `Bearer ${fresh.token}` } })
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('event: readings')) text += (await reader.read()).value ?? ''
    expect(performance.now() - started).toBeLessThan(5_000)
    await reader.cancel()
    expect(await fresh.stop()).toBe(0)
    await other.remove()
  })

  test('SIGTERM ends with 0, run.json is gone, and a restart right after kill -9 works', async () => {
    const other = await temporaryData()
    const first = await up(other.dir, '--sim', '1')
    await first.kill()
    const second = await up(other.dir, '--sim', '1')
    expect(await second.stop()).toBe(0)
    expect((await cli(['nodes'], { data: other.dir })).code).toBe(5)
    await other.remove()
  })

  test('npm start prints the address of the page and the next commands', async () => {
    const other = await temporaryData()
    const child = spawn(nodeBinary, [mainFile, 'up', '--data', other.dir, '--mqtt-port', '0', '--http-port', '0'], {
      env: cleanEnv(),
    })
    let text = ''
    for await (const line of createInterface({ input: child.stdout })) {
      text += `${line}\n`
      if (text.includes('#token=') && text.includes('nodes')) break
    }
    expect(text).toMatch(/http:\/\/127\.0\.0\.1:\d+\/#token=/)
    const gone = new Promise(done => child.once('exit', done))
    child.kill('SIGINT')
    expect(await gone).toBe(0)
    await other.remove()
  })
})
