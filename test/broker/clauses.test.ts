import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { testBroker } from './broker.ts'
import { clauses, testFiles } from './clauses.ts'
import { connectPacket, openSocket, RawClient, rawClient, tryRawClient } from './client.ts'
import { everythingAllowed } from './differential/pair.ts'

/** Statements of MQTT 3.1.1 that no other suite holds. clauses.ts says where each one is held; here is also proved that it is. */
const permissions = everythingAllowed
const topic = 'iot/node/01/log'
const bytesOf = (client: RawClient) => client.messages.map(({ payload }) => payload.toString())

describe('strings', () => {
  test('U+FEFF is a character like any other, wherever it stands', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.subscribe({ '\uFEFFiot/a': 1, 'iot/\uFEFFb': 1 })
    for (const name of ['\uFEFFiot/a', 'iot/a', 'iot/\uFEFFb', 'iot/b']) await client.publish(name, 'm', 1)
    expect(client.messages.map(message => message.topic)).toEqual(['\uFEFFiot/a', 'iot/\uFEFFb'])
  })

  test('topics are compared as they are: case, spaces, accents and empty levels count', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    const names = ['iot/a', 'iot/A', 'iot/ a', 'iot//a', 'iot/a/', '/iot/a', 'iot/\u00e9', 'iot/e\u0301']
    for (const name of names) {
      const subscriber = await rawClient({ port })
      await subscriber.subscribe({ [name]: 1 })
      for (const other of names) await client.publish(other, 'm', 1)
      await subscriber.ping()
      expect(subscriber.messages.map(message => message.topic)).toEqual([name])
    }
  })

  test('a topic of one character, of a space, of slashes alone is a topic', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.subscribe({ '#': 1 })
    for (const name of ['a', ' ', '/', '//']) await client.publish(name, 'm', 1)
    expect(client.messages.map(message => message.topic)).toEqual(['a', ' ', '/', '//'])
  })
})

describe('packet ids', () => {
  test('every answer carries the id of what it answers', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port, auto: false })
    client.send({ cmd: 'publish', topic, payload: 'm', qos: 1, messageId: 65_535, retain: false, dup: false })
    client.send({ cmd: 'publish', topic, payload: 'm', qos: 2, messageId: 2_000, retain: false, dup: false })
    client.send({ cmd: 'pubrel', messageId: 2_000 })
    client.send({ cmd: 'subscribe', messageId: 3_000, subscriptions: [{ topic: 'iot/x', qos: 1 }] })
    client.send({ cmd: 'unsubscribe', messageId: 4_000, unsubscriptions: ['iot/x', 'iot/never'] })
    await client.expect('puback', 65_535)
    await client.expect('pubrec', 2_000)
    await client.expect('pubcomp', 2_000)
    await client.expect('suback', 3_000)
    await client.expect('unsuback', 4_000)
  })

  test('deliveries that are not acknowledged all have their own id, none 0, over more than 65,535 of them', async () => {
    const { port, broker } = await testBroker({ permissions, limits: { windowLocal: 8 } })
    const client = await rawClient({ port, auto: false })
    await client.subscribe({ [topic]: 1 })
    // One stays open for ever; the others go round the whole number space.
    const publish = (): Promise<void> => broker.publish({ topic, payload: Buffer.alloc(0), qos: 1, retain: false })
    await publish()
    await client.until(() => client.messages.length === 1)
    const ids = [client.messages[0]!.messageId!]
    client.packets.length = 0
    while (ids.length < 66_001) {
      const target = ids.length + 100
      await Promise.all(Array.from({ length: 100 }, publish))
      while (ids.length < target) {
        await client.until(() => client.packets.length > 0)
        for (const packet of client.packets.splice(0)) {
          if (packet.cmd !== 'publish') continue
          ids.push(packet.messageId!)
          client.send({ cmd: 'puback', messageId: packet.messageId! })
        }
      }
    }
    expect(ids.filter(id => id < 1 || id > 65_535)).toEqual([])
    expect(new Set(ids).size).toBe(65_535)
    expect(ids.lastIndexOf(ids[0]!)).toBe(0)
  })
})

describe('CONNECT', () => {
  test('ids of 1 and of 23 letters and digits are taken', async () => {
    const { port } = await testBroker()
    for (const clientId of ['0', 'abcdefghijklmnopqrstuvw', 'ABCDEFGHIJKLMNOPQRSTUVW', 'xyzXYZ0123456789']) {
      expect((await tryRawClient({ port, clientId, clean: false })).code).toBe(0)
    }
  })

  test('clients without an id and with a clean session live side by side', async () => {
    const { port, broker } = await testBroker()
    const clients = await Promise.all([1, 2, 3].map(() => rawClient({ port, clientId: '' })))
    for (const client of clients) await client.ping()
    expect(new Set(broker.sessions().map(({ client }) => client)).size).toBe(3)
  })

  test('what stands behind a refused CONNECT is not looked at', async () => {
    const { port, accepted } = await testBroker({ permissions })
    const client = new RawClient(await openSocket(port))
    client.send(connectPacket({ clientId: 'a', username: '01', password: 'wrong' }))
    client.send({ cmd: 'publish', topic: 'iot/node/01/telemetry', payload: 'm', qos: 1, messageId: 1, retain: true, dup: false })
    expect((await client.expect('connack')).returnCode).toBe(4)
    await client.closed
    expect(client.packets).toHaveLength(1)
    expect(accepted).toEqual([])
    const other = await rawClient({ port })
    await other.subscribe({ 'iot/#': 1 })
    await other.ping()
    expect(other.messages).toEqual([])
  })

  test('CONNACK is the first packet, also when messages wait, and says whether a session was kept', async () => {
    const { port } = await testBroker({ permissions })
    const kept = await tryRawClient({ port, clientId: 'a', clean: false })
    expect(kept.sessionPresent).toBe(false)
    await kept.client.subscribe({ [topic]: 1 })
    await kept.client.cut()
    const publisher = await rawClient({ port })
    await publisher.publish(topic, 'm', 1)
    const back = await tryRawClient({ port, clientId: 'a', clean: false })
    expect(back.sessionPresent).toBe(true)
    await back.client.until(() => back.client.messages.length === 1)
    expect(back.client.packets[0]!.cmd).toBe('connack')
    await back.client.disconnect()
    const clean = await tryRawClient({ port, clientId: 'a', clean: true })
    expect(clean.sessionPresent).toBe(false)
    await clean.client.disconnect()
    expect((await tryRawClient({ port, clientId: 'a', clean: false })).sessionPresent).toBe(false)
  })

  test('a clean session begins with nothing of an earlier one and leaves nothing to a later one', async () => {
    const { port } = await testBroker({ permissions })
    const publisher = await rawClient({ port })
    for (const clean of [false, true]) {
      const before = await rawClient({ port, clientId: 'a', clean })
      await before.subscribe({ [topic]: 1 })
      await before.disconnect()
      const after = await rawClient({ port, clientId: 'a', clean: !clean })
      await publisher.publish(topic, 'm', 1)
      await after.ping()
      expect(after.messages).toEqual([])
      await after.disconnect()
    }
  })

  test.each([
    [0, false],
    [1, true],
    [2, true],
  ] as const)('a will comes as CONNECT said: QoS %i, retained %s', async (qos, retain) => {
    const { port } = await testBroker({ permissions })
    const watcher = await rawClient({ port })
    await watcher.subscribe({ [topic]: 2 })
    const client = await rawClient({ port, will: { topic, payload: Buffer.from([0, 255]), qos, retain } })
    await client.cut()
    const will = await watcher.expect('publish')
    expect(will).toMatchObject({ topic, qos, retain: false, payload: Buffer.from([0, 255]) })
    const later = await rawClient({ port })
    await later.subscribe({ [topic]: 2 })
    await later.ping()
    expect(later.messages).toMatchObject(retain ? [{ topic, qos, retain: true }] : [])
  })
})

test('DISCONNECT with wrong flags closes the connection, with its will', async () => {
  const { port } = await testBroker({ permissions })
  const watcher = await rawClient({ port })
  await watcher.subscribe({ [topic]: 1 })
  const client = await rawClient({ port, will: { topic, payload: 'will' } })
  client.sendBytes(Buffer.from([0xe1, 0]))
  await client.closed
  expect((await watcher.expect('publish')).payload.toString()).toBe('will')
})

describe('PUBLISH', () => {
  test("a publisher's DUP is not handed on", async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.subscribe({ [topic]: 2 })
    for (const qos of [1, 2] as const) {
      client.send({ cmd: 'publish', topic, payload: `${qos}`, qos, messageId: 40 + qos, retain: false, dup: true })
    }
    await client.until(() => client.messages.length === 2)
    expect(client.messages.map(({ dup }) => dup)).toEqual([false, false])
  })

  test('an id that was acknowledged to its end is a new message, DUP or not', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.subscribe({ [topic]: 0 })
    for (const qos of [1, 2] as const) {
      for (const dup of [false, true]) {
        client.send({ cmd: 'publish', topic, payload: `${qos} ${dup}`, qos, messageId: 9, retain: false, dup })
        await client.expect(qos === 1 ? 'puback' : 'pubcomp', 9)
      }
    }
    await client.ping()
    expect(bytesOf(client)).toEqual(['1 false', '1 true', '2 false', '2 true'])
  })

  test('PUBREL for an id that is not open is answered with PUBCOMP', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    client.send({ cmd: 'pubrel', messageId: 77 })
    await client.expect('pubcomp', 77)
  })

  test('a subscriber at QoS 2 gets PUBREL under the same id, once for each PUBREC, and the message once', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port, auto: false })
    await client.subscribe({ [topic]: 2 })
    await client.publish(topic, 'm', 2)
    const { messageId } = await client.expect('publish')
    for (let i = 0; i < 2; i++) {
      client.send({ cmd: 'pubrec', messageId: messageId! })
      await client.expect('pubrel', messageId)
    }
    client.send({ cmd: 'pubcomp', messageId: messageId! })
    await client.ping()
    expect(client.messages).toHaveLength(1)
  })

  test('retained at QoS 0 replaces what was retained; without RETAIN it replaces nothing', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.publish(topic, 'first', 1, true)
    await client.publish(topic, 'second', 0, true)
    await client.publish(topic, 'third', 1, false)
    await client.publish(topic, '', 1, false)
    await client.subscribe({ [topic]: 1 })
    await client.ping()
    expect(client.messages).toMatchObject([{ payload: Buffer.from('second'), qos: 0, retain: true }])
  })

  test('what is retained outlives the session that published it', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port, clientId: 'a' })
    await client.publish(topic, 'm', 1, true)
    await client.disconnect()
    const other = await rawClient({ port, clientId: 'a' })
    await other.subscribe({ [topic]: 1 })
    await other.until(() => other.messages.length === 1)
  })
})

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  test('UNSUBSCRIBE with wrong flags closes the connection', async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    client.sendBytes(Buffer.from([0xa0, 5, 0, 1, 0, 1, 97]))
    await client.closed
    expect(client.packets).toHaveLength(1)
  })

  test('a filter that is not UTF-8, or has NUL, closes the connection', async () => {
    const { port } = await testBroker()
    for (const first of [0x82, 0xa2]) {
      for (const filter of [
        [0xc3, 0x28],
        [0xed, 0xa0, 0x80],
        [97, 0],
      ]) {
        const client = await rawClient({ port })
        const body = [0, 1, 0, filter.length, ...filter, ...(first === 0x82 ? [0] : [])]
        client.sendBytes(Buffer.from([first, body.length, ...body]))
        await client.closed
        expect(client.packets).toHaveLength(1)
      }
    }
  })

  test('several filters are several subscriptions, answered by one code each, in their order', async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    expect(await client.subscribe({ 'iot/a': 2, 'other/x': 1, 'iot/b': 0, 'iot/c': 1 })).toEqual([2, 0x80, 0, 1])
    expect(await client.subscribe({ 'iot/c': 0, 'iot/a': 1 })).toEqual([0, 1])
  })

  test('the same filter again: the new grant, the retained message again, one copy of each later one', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.publish(topic, 'kept', 1, true)
    await client.subscribe({ [topic]: 0 })
    await client.publish(topic, 'one', 1)
    await client.subscribe({ [topic]: 1 })
    await client.publish(topic, 'two', 1)
    await client.ping()
    expect(client.messages.map(({ payload, qos, retain }) => `${payload} ${qos} ${retain}`)).toEqual([
      'kept 0 true',
      'one 0 false',
      'kept 1 true',
      'two 1 false',
    ])
  })

  test('subscribing again loses nothing of a stream', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port })
    const publisher = await rawClient({ port })
    await client.subscribe({ [topic]: 1 })
    const stream = Array.from({ length: 500 }, (_, i) => publisher.publish(topic, `${i}`, 1))
    for (let i = 0; i < 20; i++) await client.subscribe({ [topic]: 1 })
    await Promise.all(stream)
    await client.ping()
    expect(bytesOf(client)).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`))
  })

  test('UNSUBSCRIBE takes away filters that are the same letter by letter, several in one packet', async () => {
    const { port, broker } = await testBroker({ permissions })
    const client = await rawClient({ port })
    await client.subscribe({ 'iot/#': 1, 'iot/+': 1, 'iot/a': 1, 'iot/b': 1 })
    await client.unsubscribe('iot/A', 'iot/a/', '+/a', '#')
    expect(broker.health().subscriptions).toBe(4)
    await client.unsubscribe('iot/#', 'iot/b')
    expect(broker.health().subscriptions).toBe(2)
    for (const name of ['iot/b', 'iot/a', 'iot/a/b']) await client.publish(name, '', 1)
    await client.ping()
    expect(client.messages.map(message => message.topic)).toEqual(['iot/b', 'iot/a'])
  })

  test('what was under way when UNSUBSCRIBE came is brought to its end', async () => {
    const { port } = await testBroker({ permissions })
    const client = await rawClient({ port, clientId: 'a', clean: false, auto: false })
    await client.subscribe({ [topic]: 2 })
    await client.publish(topic, 'one', 1)
    await client.publish(topic, 'two', 2)
    await client.until(() => client.messages.length === 2)
    await client.unsubscribe(topic)
    await client.publish(topic, 'three', 1)
    await client.cut()
    const back = await rawClient({ port, clientId: 'a', clean: false })
    await back.expect('pubrel')
    await back.ping()
    expect(bytesOf(back)).toEqual(['one', 'two'])
  })
})

describe('the table of clauses', () => {
  const texts = new Map<string, string>()
  const textOf = (file: string): string => {
    if (!texts.has(file)) texts.set(file, readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8'))
    return texts.get(file)!
  }

  test('names tests that exist', () => {
    const lost = clauses.flatMap(({ id, held }) =>
      (held ?? []).flatMap(([file, name]) => {
        const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
        return new RegExp(`(\\(|\\[)\\s*(['"\`])${quoted}\\2,`).test(textOf(testFiles[file]))
          ? []
          : [`${id}: ${testFiles[file]} has no test "${name}"`]
      }),
    )
    expect(lost).toEqual([])
  })

  test('has each statement once, in the order of the standard, held or with a reason', () => {
    const ids = clauses.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const sortable = (id: string): number[] => id.split(/[.-]/).map(Number)
    const sorted = [...ids].sort((a, b) => {
      const [x, y] = [sortable(a), sortable(b)]
      const at = x.findIndex((n, i) => n !== y[i])
      return at < 0 ? 0 : x[at]! - y[at]!
    })
    expect(ids).toEqual(sorted)
    expect(clauses.filter(({ held, why }) => (held === undefined) === (why === undefined)).map(({ id }) => id)).toEqual([])
  })

  test('has no hole: the statements of a section are numbered through', () => {
    const highest = new Map<string, number>()
    for (const { id } of clauses) {
      const [section, number] = id.split('-') as [string, string]
      expect(Number(number), id).toBe((highest.get(section) ?? 0) + 1)
      highest.set(section, Number(number))
    }
    expect(clauses.length).toBeGreaterThan(130)
  })
})
