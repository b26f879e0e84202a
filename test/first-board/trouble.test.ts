import { connect as connectSocket } from 'node:net'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { espalier, lanFlags, message, messages, running } from './house.ts'

/** What goes wrong with a first board, and what the person reads about it. */
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
let ca: string
const open: MqttClient[] = []
beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir, ...lanFlags)
  ca = (await house.api('/api/connect')).body.ca
})
afterAll(async () => {
  await Promise.all(open.map(client => client.endAsync(true)))
  await house.stop()
  await data.remove()
})

const local = async (options: IClientOptions = {}): Promise<MqttClient> => {
  const { host, port } = house.run.mqtt
  const client = await connectAsync({ host, port, reconnectPeriod: 0, ...options })
  open.push(client)
  return client
}
const secure = (options: IClientOptions): Promise<MqttClient> =>
  connectAsync({ protocol: 'mqtts', host: '127.0.0.1', port: house.run.mqtts!.port, ca, reconnectPeriod: 0, ...options })

describe('a topic that reaches nobody', () => {
  test.each([
    ['iot/nodes/01/telemetry', 'its second level is nodes, not node'],
    ['iot/node/01', 'it does not say what is sent'],
    ['IOT/node/01/telemetry', 'its first level is IOT, not iot'],
    ['/iot/node/01/telemetry', 'it begins with a slash'],
    ['sensors/01/telemetry', 'its first level is not iot'],
  ])('%s: the right one is named', async (topic, wrong) => {
    const client = await local()
    await client.publishAsync(topic, '{"node_id":"node_01","sensors":{"t":1}}', { qos: 1 })
    const { detail, raw, node } = await message(house, 'wrong_topic', m => m.topic === topic)
    expect(detail).toContain(wrong)
    expect(detail).toMatch(/Publish to iot\/node\/01\/telemetry\.$/)
    expect(raw).toContain('node_01')
    expect(node).toBe('01')
  })

  test('also when a tool of this house publishes there', async () => {
    await house.cli('pub', 'iot/node/07/telemetri', '{}', '--qos', '1')
    expect(await message(house, 'wrong_topic', m => m.user === '_manager')).toMatchObject({ topic: 'iot/node/07/telemetri' })
  })
})

describe('a log-in that is refused', () => {
  test('wrong password, unknown user, none at all: each with its way out', async () => {
    await house.cli('node', 'add', 'known', '--json')
    for (const username of ['known', 'stranger'])
      await expect(secure({ username, password: 'guess', clientId: 'esp' })).rejects.toThrow()
    await expect(secure({ clientId: 'nobody' })).rejects.toThrow()
    await message(house, 'refused', m => m.reason === 'no_credentials')
    expect((await messages(house, 'refused')).map(({ user, reason, detail }) => [user, reason, detail])).toEqual([
      [null, 'no_credentials', expect.stringContaining('client "nobody" at 127.0.0.1')],
      ['stranger', 'unknown_user', expect.stringContaining('Add it: espalier node add stranger.')],
      ['known', 'bad_credentials', expect.stringContaining('espalier node rotate known.')],
    ])
  })

  test('a client that does not trust the CA, and one without TLS', async () => {
    // Node's own client closes without a word; OpenSSL and the TLS of boards send an alert.
    const server = `127.0.0.1:${house.run.mqtts!.port}`
    const told = await until('a word on the CA', async () => {
      // Its alert may be lost behind its own hanging up; like a board, it tries again.
      const stranger = running('openssl', ['s_client', '-connect', server, '-verify_return_error', '-no-CAfile', '-no-CApath'])
      await new Promise(gone => stranger.child.once('exit', gone))
      return (await messages(house, 'refused')).find(m => m.reason === 'tls_untrusted')
    })
    expect(told).toMatchObject({
      detail: expect.stringContaining('ca.pem'),
      address: expect.stringMatching(/^127\.0\.0\.1/),
    })
    const plain = connectSocket({ host: '127.0.0.1', port: house.run.mqtts!.port })
    const closed = new Promise(gone => plain.once('close', gone))
    plain.resume().write(Buffer.from('101000044d5154540402003c000474657374', 'hex'))
    await closed
    await message(house, 'refused', m => m.reason === 'tls_failed')
  })
})

test("another node's topic is denied, with its own in the sentence", async () => {
  const { username, password } = (await house.cli('node', 'add', 'mine', '--json')).json()
  const client = await secure({ username, password })
  await client.publishAsync('iot/node/other/telemetry', '{}', { qos: 1 })
  expect(await message(house, 'denied', m => m.user === 'mine')).toMatchObject({
    node: 'mine',
    reason: 'not_yours',
    detail: expect.stringContaining('iot/node/mine/telemetry'),
  })
  await client.endAsync(true)
})

test('milliseconds are marked in what was sent', async () => {
  const client = await local()
  const payload = '{"node_id":"node_ms","timestamp":1704844800000,"sensors":{"t":1}}'
  await client.publishAsync('iot/node/ms/telemetry', payload, { qos: 1 })
  const { at, raw, detail } = await message(house, 'rejected', m => m.node === 'ms')
  expect(raw!.slice(at!.offset, at!.offset + at!.length)).toBe('1704844800000')
  expect(detail).toContain('Divide it by 1000')
})

test('two boards that share a client id are told apart as a fight', async () => {
  const { host, port } = house.run.mqtt
  const both = ['a', 'b'].map(() =>
    connectAsync({ host, port, clientId: 'twin', reconnectPeriod: 50 }).then(client => void open.push(client)),
  )
  await Promise.all(both)
  const fight = await message(house, 'fight')
  expect(fight).toMatchObject({ node: 'twin', reason: 'client_fight', detail: expect.stringContaining('an id of its own') })
  expect(fight.count).toBeGreaterThanOrEqual(3)
  await Promise.all(open.splice(-2).map(client => client.endAsync(true)))
})

test('the stream carries what the list shows', async () => {
  const watching = new AbortController()
  const response = await house.api('/api/messages?limit=1')
  expect(response.body.items).toHaveLength(1)
  const stream = await fetch(`${house.url}/api/events?types=message`, {
    headers: { authorization: `Bearer ${house.token}` },
    signal: watching.signal,
  })
  const client = await local()
  await client.publishAsync('iot/node/live/telemetry', '{"node_id":"node_live","sensors":{"t":2}}', { qos: 1 })
  let text = ''
  for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    if (/event: message\ndata: .*"node":"live".*\n\n/.test(text)) break
  }
  watching.abort()
})

test('the terminal of `up` says it once, with the fix', async () => {
  const other = await temporaryData()
  const terminal = espalier('up', '--data', other.dir, '--mqtt-port', '0', '--http-port', '0', '--sim', '0', ...lanFlags)
  try {
    const [, mqtts] = /mqtts:\/\/\S+:(\d+)/.exec(await terminal.line(/mqtts:\/\//))!
    for (let i = 0; i < 3; i++)
      await expect(
        connectAsync({
          protocol: 'mqtts',
          host: '127.0.0.1',
          port: Number(mqtts),
          rejectUnauthorized: false,
          username: 'esp',
          password: 'x',
          reconnectPeriod: 0,
        }),
      ).rejects.toThrow()
    const line = await terminal.line(/was not let in/)
    expect(line).toMatch(/^▲ "esp" at 127\.0\.0\.1 was not let in; .*espalier node add esp\.$/)
  } finally {
    expect(await terminal.stop()).toBe(0)
    await other.remove()
  }
  expect(terminal.err().match(/was not let in/g)).toHaveLength(1)
})

test('with --json a notice is a line of JSON', async () => {
  const other = await temporaryData()
  const terminal = espalier('up', '--json', '--data', other.dir, '--mqtt-port', '0', '--http-port', '0', '--sim', '0')
  try {
    const ready = JSON.parse(await terminal.line(/"event":"ready"/))
    const client = await connectAsync({ ...ready.mqtt, reconnectPeriod: 0 })
    await client.publishAsync('iot/node/01/telemetry', '{"node_id":"node_01","sensors":{"t":1}}', { qos: 1 })
    expect(JSON.parse(await terminal.line(/"event":"notice"/))).toEqual({
      event: 'notice',
      kind: 'first_reading',
      subject: '01',
      time: expect.any(Number),
      text: '01 spoke for the first time: 1 sensor (t)',
    })
    await client.endAsync(true)
  } finally {
    await terminal.stop()
    await other.remove()
  }
})

test('log lines of a node: the last ones, and new ones as they come', async () => {
  const client = await local()
  const say = (text: string) => client.publishAsync('iot/node/live/log', text, { qos: 1 })
  await say('{"level":"warn","msg":"battery low","timestamp":1704844800}')
  await say('plain text')
  const lines = await until('two lines', async () => {
    const found = (await house.cli('logs', 'live', '--json')).json()
    return found.length === 2 ? found : undefined
  })
  expect(lines).toMatchObject([
    { level: 'warn', msg: 'battery low', sent: 1704844800000 },
    { level: null, msg: 'plain text', sent: null },
  ])
  expect((await house.cli('logs', 'nobody')).code).toBe(6)
  const following = espalier('logs', 'live', '--follow', '--data', data.dir)
  await following.line(/plain text/)
  await say('something new')
  await following.line(/something new/)
  expect(await following.stop()).toBe(0)
  expect(following.out().match(/battery low/g)).toHaveLength(1)
})
