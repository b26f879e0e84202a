import mqttPacket from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { testBroker } from '../../../test/broker/broker.ts'
import { connectPacket, openSocket, RawClient, rawClient } from '../../../test/broker/client.ts'

const telemetry = (id: string): string => `iot/node/${id}/telemetry`

describe('acknowledged means durable', () => {
  test('nothing is acknowledged or routed before accept has answered', async () => {
    const { port, hold, release, accepted } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    hold()
    const acknowledged = node.publish(telemetry('01'), 'x', 1)
    await node.ping()
    await reader.ping()
    expect(node.packets.some(packet => packet.cmd === 'puback')).toBe(false)
    expect(reader.messages).toEqual([])
    release()
    await acknowledged
    expect(accepted.map(({ topic, qos, client, user }) => ({ topic, qos, client, user }))).toEqual([
      { topic: telemetry('01'), qos: 1, client: 'unnamed-2', user: null },
    ])
    await reader.expect('publish')
  })

  test('QoS 0 is routed only after accept has answered, too', async () => {
    const { port, hold, release } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 0 })
    hold()
    await reader.publish(telemetry('01'), 'x', 0)
    await reader.ping()
    expect(reader.messages).toEqual([])
    release()
    expect((await reader.expect('publish')).payload.toString()).toBe('x')
  })

  test('while one group commits the next gathers, and is handed over only after it', async () => {
    const groups: number[] = []
    const answers: (() => void)[] = []
    const accept = (group: readonly unknown[]): Promise<void> => {
      groups.push(group.length)
      return new Promise(resolve => answers.push(resolve))
    }
    const { port } = await testBroker({}, { accept })
    const node = await rawClient({ port })
    const first = node.publish(telemetry('01'), '1', 1)
    await expect.poll(() => answers.length).toBe(1)
    const others = [node.publish(telemetry('01'), '2', 1), node.publish(telemetry('01'), '3', 1)]
    await node.ping()
    expect(groups).toEqual([1])
    answers[0]!()
    await first
    await expect.poll(() => groups).toEqual([1, 2])
    answers[1]!()
    await Promise.all(others)
  })

  test('PUBACKs leave in order of arrival, denied publishes and QoS 2 included', async () => {
    const { port } = await testBroker()
    const node = await rawClient({ port, auto: false })
    const topics = [
      telemetry('01'),
      'not/ours',
      'iot/node/01/command',
      'iot/node/01/log',
      telemetry('02'),
      '$SYS/x',
      telemetry('01'),
    ]
    topics.forEach((topic, i) => {
      node.send({ cmd: 'publish', topic, payload: 'x', qos: i % 2 === 0 ? 1 : 2, retain: false, dup: false, messageId: 100 + i })
    })
    await node.until(() => node.packets.length >= topics.length + 1)
    expect(node.packets.slice(1).map(packet => `${packet.cmd} ${packet.messageId}`)).toEqual(
      topics.map((_, i) => `${i % 2 === 0 ? 'puback' : 'pubrec'} ${100 + i}`),
    )
  })

  test('ingest gets telemetry, status and ack, with a bad id too; nothing else', async () => {
    const { port, accepted } = await testBroker()
    const node = await rawClient({ port })
    const tool = await rawClient({ port, username: '_manager', password: 'boss' })
    for (const kind of ['telemetry', 'status', 'ack', 'log']) await node.publish(`iot/node/01/${kind}`, 'x', 1)
    for (const kind of ['telemetry', 'status', 'ack', 'log']) await node.publish(`iot/node/b d/${kind}`, 'x', 1)
    for (const kind of ['command', 'receipt', 'telemetry']) await tool.publish(`iot/node/02/${kind}`, 'x', 1)
    await tool.publish('iot/broker/status', 'x', 1)
    expect(accepted.map(({ topic }) => topic)).toEqual([
      'iot/node/01/telemetry',
      'iot/node/01/status',
      'iot/node/01/ack',
      'iot/node/b d/telemetry',
      'iot/node/b d/status',
      'iot/node/b d/ack',
      'iot/node/02/telemetry',
    ])
  })

  test('a message whose id is none is not forwarded', async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    await client.subscribe({ 'iot/#': 1 })
    await client.publish('iot/node/b d/telemetry', 'x', 1)
    await client.publish(telemetry('01'), 'y', 1)
    await client.expect('publish')
    expect(client.received).toEqual([`${telemetry('01')} y`])
  })
})

describe('routing', () => {
  test.each([0, 1, 2] as const)('a subscription at QoS %i gets each message at the lower of the two', async granted => {
    const { port } = await testBroker()
    const reader = await rawClient({ port })
    const node = await rawClient({ port })
    expect(await reader.subscribe({ 'iot/node/+/telemetry': granted })).toEqual([granted])
    for (const qos of [0, 1, 2] as const) await node.publish(telemetry('01'), `${qos}`, qos)
    await reader.until(() => reader.messages.length === 3)
    expect(reader.messages.map(({ payload, qos, retain }) => [payload.toString(), qos, retain])).toEqual(
      [0, 1, 2].map(qos => [`${qos}`, Math.min(qos, granted), false]),
    )
  })

  test('overlapping filters give one copy, at the highest grant', async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    await client.subscribe({ 'iot/#': 0, 'iot/node/+/telemetry': 2, [telemetry('01')]: 1 })
    await client.publish(telemetry('01'), 'x', 2)
    await client.publish(telemetry('02'), 'last', 1)
    await client.until(() => client.received.includes(`${telemetry('02')} last`))
    expect(client.messages.map(({ payload, qos }) => [payload.toString(), qos])).toEqual([
      ['x', 2],
      ['last', 1],
    ])
  })

  test('order is kept for a publisher and a topic, at every QoS, over many groups', async () => {
    const { port } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 2 })
    const node = await rawClient({ port })
    const done: Promise<unknown>[] = []
    for (let i = 0; i < 900; i++) done.push(node.publish(telemetry(`q${i % 3}`), `${i}`, (i % 3) as 0 | 1 | 2))
    await Promise.all(done)
    await reader.until(() => reader.messages.length === 900)
    for (let q = 0; q < 3; q++) {
      const of = reader.messages
        .filter(({ topic }) => topic === telemetry(`q${q}`))
        .map(({ payload }) => Number(payload.toString()))
      expect(of).toEqual(Array.from({ length: 300 }, (_, i) => i * 3 + q))
    }
  })

  test('a QoS 2 message is routed once, at PUBLISH, however often it is sent again', async () => {
    const { port, accepted } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port, auto: false })
    const publish = { cmd: 'publish', topic: telemetry('01'), payload: 'x', qos: 2, retain: false, messageId: 7 } as const
    node.send({ ...publish, dup: false })
    await node.expect('pubrec', 7)
    await reader.expect('publish')
    node.send({ ...publish, dup: true })
    await node.expect('pubrec', 7)
    expect(accepted.length).toBe(1)
    node.send({ cmd: 'pubrel', messageId: 7 })
    await node.expect('pubcomp', 7)
    node.send({ ...publish, dup: false })
    await node.expect('pubrec', 7)
    expect(accepted.length).toBe(2)
    expect(reader.messages.length).toBe(2)
  })

  test('a client with more unreleased QoS 2 messages than allowed is disconnected', async () => {
    const { port } = await testBroker({ limits: { incomingIds: 4 } })
    const node = await rawClient({ port, auto: false })
    for (let messageId = 1; messageId <= 5; messageId++) {
      node.send({ cmd: 'publish', topic: telemetry('01'), payload: 'x', qos: 2, retain: false, dup: false, messageId })
    }
    await node.closed
    expect(node.packets.filter(({ cmd }) => cmd === 'pubrec').length).toBeGreaterThanOrEqual(4)
  })

  test('an unsubscribed filter gets nothing more; unsubscribing what is not there is acknowledged', async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    await client.subscribe({ [telemetry('01')]: 1, [telemetry('02')]: 1 })
    await client.unsubscribe(telemetry('01'), 'iot/never')
    await client.publish(telemetry('01'), 'x', 1)
    await client.publish(telemetry('02'), 'y', 1)
    await client.expect('publish')
    expect(client.received).toEqual([`${telemetry('02')} y`])
  })
})

describe('however the bytes come', () => {
  test('a CONNECT followed at once by many PUBLISHes is legal', async () => {
    const { port, accepted } = await testBroker()
    const packets = Array.from({ length: 3_000 }, (_, i) =>
      mqttPacket.generate({
        cmd: 'publish',
        topic: telemetry('01'),
        payload: `${i}`,
        qos: 1,
        retain: false,
        dup: false,
        messageId: i + 1,
      }),
    )
    const client = new RawClient(await openSocket(port))
    client.sendBytes(Buffer.concat([mqttPacket.generate(connectPacket({ clientId: 'a' })), ...packets]))
    await client.until(() => client.packets.length === 3_001)
    expect(client.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 0 })
    expect(client.packets.slice(1).map(packet => packet.messageId)).toEqual(packets.map((_, i) => i + 1))
    expect(accepted.map(({ payload }) => Number(Buffer.from(payload).toString()))).toEqual(packets.map((_, i) => i))
  })

  test('a client that dribbles single bytes is understood', async () => {
    const { port, accepted } = await testBroker()
    const client = new RawClient(await openSocket(port))
    const bytes = Buffer.concat([
      mqttPacket.generate(connectPacket({ clientId: 'slow' })),
      mqttPacket.generate({
        cmd: 'publish',
        topic: telemetry('01'),
        payload: Buffer.alloc(200, 'a'),
        qos: 1,
        retain: false,
        dup: false,
        messageId: 1,
      }),
    ])
    client.socket.setNoDelay(true)
    for (const byte of bytes)
      await new Promise<void>(resolve => client.socket.write(Buffer.from([byte]), () => setImmediate(resolve)))
    await client.expect('puback', 1)
    expect(accepted[0]!.payload.length).toBe(200)
  })
})

describe('the manager', () => {
  test('publishes to subscribers, and is told when it is routed', async () => {
    const { broker, port, accepted } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 1 })
    await broker.publish({ topic: 'iot/node/01/receipt', payload: Buffer.from('r'), qos: 1, retain: false })
    expect((await reader.expect('publish')).topic).toBe('iot/node/01/receipt')
    expect(accepted).toEqual([])
  })

  test('on close what was read is committed and acknowledged; no will is published', async () => {
    const { broker, port, accepted, hold, release } = await testBroker()
    const node = await rawClient({ port, will: { topic: 'iot/node/01/status', payload: '{}', qos: 1 } })
    hold()
    const acknowledged = node.publish(telemetry('01'), 'x', 1)
    await node.ping()
    const closed = broker.close()
    release()
    await acknowledged
    await closed
    await node.closed
    expect(accepted.map(({ topic }) => topic)).toEqual([telemetry('01')])
    expect(broker.health().up).toBe(false)
  })
})
