import mqttPacket from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { passwords, testBroker } from '../../../test/broker/broker.ts'
import { connectPacket, openSocket, RawClient, rawClient, tryRawClient } from '../../../test/broker/client.ts'

const string = (text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text as string)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}
const packet = (first: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  expect(body.length).toBeLessThan(128)
  return Buffer.concat([Buffer.from([first, body.length]), body])
}
const connectBytes = (flags: number, ...rest: Buffer[]): Buffer =>
  packet(0x10, string('MQTT'), Buffer.from([4, flags, 0, 60]), ...rest)
const bytes = (...values: number[]): Buffer => Buffer.from(values)

/** Everything that came back before the broker closed the connection. */
async function answerTo(port: number, sent: Buffer): Promise<string> {
  const socket = await openSocket(port)
  const got: Buffer[] = []
  socket.on('data', chunk => got.push(chunk))
  socket.on('error', () => {})
  socket.write(sent)
  await new Promise(resolve => socket.once('close', resolve))
  return Buffer.concat(got).toString('hex')
}

describe('what is no CONNECT is closed without a word', () => {
  test.each([
    ['another packet first', packet(0xc0)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['another protocol', packet(0x10, string('MQXX'), bytes(4, 2, 0, 60), string('a'))],
    ['flags in the fixed header', packet(0x11, string('MQTT'), bytes(4, 2, 0, 60), string('a'))],
    ['the reserved flag', connectBytes(3, string('a'))],
    ['a password without a user', connectBytes(0x42, string('a'), string('p'))],
    ['will QoS 3', connectBytes(0x1e, string('a'), string('iot/x'), string('w'))],
    ['will QoS without a will', connectBytes(0x0a, string('a'))],
    ['will retain without a will', connectBytes(0x22, string('a'))],
    ['a will to a filter', connectBytes(6, string('a'), string('iot/#'), string('w'))],
    ['a will to nothing', connectBytes(6, string('a'), string(''), string('w'))],
    ['bytes behind its end', connectBytes(2, string('a'), bytes(0))],
    ['a client id cut short', connectBytes(2, bytes(0, 5, 97))],
    ['a client id that is not UTF-8', connectBytes(2, string(bytes(0xc3, 0x28)))],
    ['a client id with NUL', connectBytes(2, string('a\0b'))],
    ['a user name with a surrogate', connectBytes(0x82, string('a'), string(bytes(0xed, 0xa0, 0x80)))],
    ['no client id at all', connectBytes(2)],
    ['a length of five bytes', bytes(0x10, 0xff, 0xff, 0xff, 0xff, 1)],
    ['a packet beyond 8 KiB', Buffer.concat([bytes(0x10, 0x81, 0x40), Buffer.alloc(8_193)])],
  ])('%s', async (_what, sent) => {
    const { port, oversized } = await testBroker()
    expect(await answerTo(port, sent)).toBe('')
    expect(oversized).toEqual([])
  })
})

describe('CONNECT is answered with', () => {
  test.each([
    ['0 for protocol level 4', packet(0x10, string('MQTT'), bytes(4, 2, 0, 60), string('a')), '20020000'],
    ['0 for 3.1 by its own name', packet(0x10, string('MQIsdp'), bytes(3, 2, 0, 60), string('a')), '20020000'],
    ['1 for a level that is none', packet(0x10, string('MQTT'), bytes(6, 2, 0, 60), string('a')), '20020001'],
    ['1 for the level of a bridge', packet(0x10, string('MQTT'), bytes(0x84, 2, 0, 60), string('a')), '20020001'],
    ["MQTT 5's own refusal for level 5", packet(0x10, string('MQTT'), bytes(5, 2, 0, 60, 0), string('a')), '2003008400'],
    ['2 for no client id and a session to keep', connectBytes(0, string('')), '20020002'],
    ['4 for a wrong password', connectBytes(0xc2, string('a'), string('01'), string('wrong')), '20020004'],
    ['4 for a user without a password', connectBytes(0x82, string('a'), string('01')), '20020004'],
    ['4 for a user nobody knows', connectBytes(0xc2, string('a'), string('nobody'), string('x')), '20020004'],
  ])('%s', async (_what, sent, answer) => {
    const { port } = await testBroker()
    const disconnect = bytes(0xe0, 0)
    expect(await answerTo(port, Buffer.concat([sent, disconnect]))).toBe(answer)
  })

  test('5 for no user name where credentials are wanted', async () => {
    const { port } = await testBroker({ listeners: [{ host: '127.0.0.1', port: 0, anonymous: false }] })
    expect((await tryRawClient({ port, clientId: 'a' })).code).toBe(5)
    expect((await tryRawClient({ port, clientId: 'a', username: '01', password: 'one' })).code).toBe(0)
  })
})

describe('a violation of the protocol closes the connection', () => {
  const publish = (first: number, ...parts: Buffer[]): Buffer => packet(first, ...parts)
  const topic = string('iot/node/01/log')
  test.each([
    ['a second CONNECT', connectBytes(2, string('a'))],
    ['PUBLISH at QoS 3', publish(0x36, topic, bytes(0, 1))],
    ['PUBLISH at QoS 0 with DUP', publish(0x38, topic)],
    ['PUBLISH with packet id 0', publish(0x32, topic, bytes(0, 0))],
    ['PUBLISH without a packet id', publish(0x32, topic)],
    ['PUBLISH cut in its topic', publish(0x30, bytes(0, 9, 97))],
    ['PUBLISH of one byte', publish(0x30, bytes(0))],
    ['PUBLISH to nothing', publish(0x30, string(''))],
    ['PUBLISH to a wildcard', publish(0x30, string('iot/+/x'))],
    ['PUBLISH to invalid UTF-8', publish(0x30, string(bytes(0xff, 0xfe)))],
    ['PUBLISH to a topic with NUL', publish(0x30, string('iot/\0'))],
    ['SUBSCRIBE with wrong flags', packet(0x80, bytes(0, 1), string('iot/#'), bytes(0))],
    ['SUBSCRIBE with packet id 0', packet(0x82, bytes(0, 0), string('iot/#'), bytes(0))],
    ['SUBSCRIBE to nothing', packet(0x82, bytes(0, 1))],
    ['SUBSCRIBE with QoS 3', packet(0x82, bytes(0, 1), string('iot/#'), bytes(3))],
    ['SUBSCRIBE with reserved bits', packet(0x82, bytes(0, 1), string('iot/#'), bytes(4))],
    ['SUBSCRIBE with # in the middle', packet(0x82, bytes(0, 1), string('iot/#/x'), bytes(0))],
    ['SUBSCRIBE with + beside letters', packet(0x82, bytes(0, 1), string('iot/a+'), bytes(0))],
    ['SUBSCRIBE to an empty filter', packet(0x82, bytes(0, 1), string(''), bytes(0))],
    ['SUBSCRIBE with a byte too many', packet(0x82, bytes(0, 1), string('iot/#'), bytes(0, 7))],
    ['UNSUBSCRIBE from nothing', packet(0xa2, bytes(0, 1))],
    ['UNSUBSCRIBE with packet id 0', packet(0xa2, bytes(0, 0), string('iot/#'))],
    ['PUBACK with packet id 0', packet(0x40, bytes(0, 0))],
    ['PUBACK of three bytes', packet(0x40, bytes(0, 1, 0))],
    ['PUBREL with wrong flags', packet(0x60, bytes(0, 1))],
    ['PINGREQ with a body', packet(0xc0, bytes(0))],
    ['DISCONNECT with a body', packet(0xe0, bytes(0))],
    ['what only a server sends', packet(0x90, bytes(0, 1, 0))],
    ['a reserved type', packet(0xf0)],
  ])('%s', async (_what, sent) => {
    const faults: string[] = []
    const { port, broker } = await testBroker({ onFault: client => faults.push(client) })
    const client = await rawClient({ port, clientId: 'bad' })
    const other = await rawClient({ port })
    client.sendBytes(sent)
    await client.closed
    expect(faults).toEqual(['bad'])
    expect(client.packets.length).toBe(1)
    await other.publish('iot/node/01/log', 'still here', 1)
    expect(broker.health().clients).toBe(1)
  })
})

describe('bounds', () => {
  test('a packet of 66,560 bytes passes; one byte more closes the connection and is reported with its announced size', async () => {
    const { port, accepted, oversized } = await testBroker()
    const topic = 'iot/node/01/telemetry'
    const overhead = 1 + 3 + 2 + topic.length + 2
    const client = await rawClient({ port, username: '01', password: passwords['01']! })
    await client.publish(topic, Buffer.alloc(66_560 - overhead, 97), 1)
    expect(accepted[0]!.payload.length).toBe(66_560 - overhead)
    client.sendBytes(
      mqttPacket
        .generate({
          cmd: 'publish',
          topic,
          payload: Buffer.alloc(66_561 - overhead),
          qos: 1,
          messageId: 5,
          retain: false,
          dup: false,
        })
        .subarray(0, 100),
    )
    await client.closed
    expect(oversized).toEqual([{ client: '01', user: '01', size: 66_561 }])
  })

  test('a topic or filter too long or too deep is denied, not a reason to disconnect', async () => {
    const { port, broker, accepted } = await testBroker()
    const client = await rawClient({ port })
    await client.publish(`iot/${'x'.repeat(300)}`, 'x', 1)
    expect(await client.subscribe({ [`iot/${'x'.repeat(300)}`]: 0, 'iot/1/2/3/4/5/6/7/8': 0, 'iot/1/2/3/4/5/6/7': 0 })).toEqual([
      128, 128, 0,
    ])
    expect(broker.health().denied).toEqual({ anonymous: 3 })
    expect(accepted).toEqual([])
  })

  test('who sends no whole CONNECT in time is closed', async () => {
    const { port } = await testBroker({ limits: { connectMs: 300 } })
    const silent = await openSocket(port)
    const half = await openSocket(port)
    half.write(Buffer.from([0x10, 20, 0]))
    await Promise.all([silent, half].map(socket => new Promise(resolve => socket.resume().once('close', resolve))))
  })

  test('who is silent for one and a half keep alives is closed, with its will', async () => {
    const { port, accepted } = await testBroker()
    const client = await rawClient({ port, keepalive: 1, will: { topic: 'iot/node/01/status', payload: 'gone' } })
    await client.closed
    await expect.poll(() => accepted.length).toBe(1)
  })

  test('one connection too many is closed; a place that is free again is given', async () => {
    const { port } = await testBroker({ limits: { connections: 2 } })
    const first = await rawClient({ port })
    await rawClient({ port })
    await expect(rawClient({ port })).rejects.toThrow('closed')
    await first.disconnect()
    const place = (): Promise<number> =>
      tryRawClient({ port }).then(
        ({ code }) => code,
        () => -1,
      )
    await expect.poll(place).toBe(0)
  })

  test('guesses are all refused, most of them late, and meanwhile the right password gets in from the same address', async () => {
    const asked: string[] = []
    const { port } = await testBroker(
      {},
      {
        authenticate: async ({ user, password }) => {
          asked.push(Buffer.from(password).toString())
          return Buffer.from(password).toString() === 'right' ? { role: 'node', user } : null
        },
      },
    )
    const guesses = Array.from({ length: 40 }, (_, i) => tryRawClient({ port, username: '01', password: `guess ${i}` }))
    let answered = 0
    for (const guess of guesses)
      void guess.then(
        () => answered++,
        () => answered++,
      )
    await expect.poll(() => asked.length).toBe(40)
    expect(answered).toBeLessThan(40)
    expect((await tryRawClient({ port, username: '01', password: 'right' })).code).toBe(0)
    expect(
      (
        await Promise.all(
          guesses.map(guess =>
            guess.then(
              ({ code }) => code,
              () => 'closed',
            ),
          ),
        )
      ).every(code => code === 4 || code === 'closed'),
    ).toBe(true)
  })
})

test('a bad packet of one client never spoils what another says', async () => {
  const { port } = await testBroker()
  const good = await rawClient({ port })
  for (let i = 0; i < 20; i++) {
    const bad = new RawClient(await openSocket(port))
    bad.send(connectPacket({ clientId: `bad${i}` }))
    await bad.expect('connack')
    bad.sendBytes(packet(0x82, bytes(0, 1), string('iot/#'), bytes(0), bytes(0, 90, 1)))
    const granted = good.subscribe({ [`iot/node/${i}/log`]: 1 })
    await bad.closed
    expect(await granted).toEqual([1])
  }
})
