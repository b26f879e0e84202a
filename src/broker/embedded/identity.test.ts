import { describe, expect, test } from 'vitest'
import { folder, passwords, testBroker } from '../../../test/broker/broker.ts'
import { rawClient, tryRawClient } from '../../../test/broker/client.ts'

const as = (username: string) => ({ username, password: passwords[username]! })

describe('identity', () => {
  test("a node's client id is its user name: nobody else can throw it out, itself it does", async () => {
    const { port, broker } = await testBroker()
    const node = await rawClient({ port, clientId: 'whatever', ...as('01') })
    await rawClient({ port, clientId: '01' })
    await rawClient({ port, clientId: '01', ...as('02') })
    await rawClient({ port, clientId: '01', ...as('_manager') })
    await node.publish('iot/node/01/telemetry', 'x', 1)
    expect(broker.health().clients).toBe(4)
    await rawClient({ port, clientId: 'other', ...as('01') })
    await node.closed
  })

  test('two tools of one service live side by side, and are told apart', async () => {
    const { port, broker, accepted } = await testBroker()
    const one = await rawClient({ port, clientId: 'one', ...as('_manager') })
    const two = await rawClient({ port, clientId: 'two', ...as('_manager') })
    await one.publish('iot/node/01/telemetry', 'x', 1)
    await two.publish('iot/node/01/telemetry', 'x', 1)
    expect(accepted.map(({ client, user }) => [client, user])).toEqual([
      ['_manager:one', '_manager'],
      ['_manager:two', '_manager'],
    ])
    expect(broker.sessions().map(({ client }) => client)).toEqual(['_manager:one', '_manager:two'])
  })

  test('a denied publish is acknowledged, not forwarded, counted by user; the connection stays', async () => {
    const { port, broker, accepted } = await testBroker()
    const reader = await rawClient({ port, ...as('_manager') })
    await reader.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port, ...as('01') })
    const anonymous = await rawClient({ port })
    await node.publish('iot/node/02/telemetry', 'forged', 1)
    await node.publish('iot/node/01/command', 'forged', 2)
    await anonymous.publish('iot/broker/status', 'forged', 1)
    await anonymous.publish('$SYS/broker/version', 'forged', 0)
    await anonymous.publish('elsewhere', 'x', 1)
    await node.publish('iot/node/01/log', 'fine', 1)
    await reader.expect('publish')
    expect(reader.received).toEqual(['iot/node/01/log fine'])
    expect(accepted).toEqual([])
    expect(broker.health().denied).toEqual({ '01': 2, anonymous: 3 })
  })

  test('a denied filter gets 0x80, alone, and is not stored either', async () => {
    const { port, broker } = await testBroker()
    const node = await rawClient({ port, clientId: 'x', clean: false, ...as('01') })
    expect(
      await node.subscribe({ 'iot/node/01/command': 1, 'iot/node/02/command': 1, 'iot/#': 0, '#': 0, 'iot/broker/status': 1 }),
    ).toEqual([1, 128, 128, 128, 1])
    await node.disconnect()
    const again = await tryRawClient({ port, clientId: 'x', clean: false, ...as('01') })
    expect(again.sessionPresent).toBe(true)
    await broker.publish({ topic: 'iot/node/02/command', payload: Buffer.from('no'), qos: 1, retain: false })
    await broker.publish({ topic: 'iot/broker/status', payload: Buffer.from('yes'), qos: 1, retain: false })
    await again.client.expect('publish')
    expect(again.client.received).toEqual(['iot/broker/status yes'])
    expect(broker.health().denied).toEqual({ '01': 3 })
  })

  test('what a filter matches is still checked at each delivery, retained or not', async () => {
    const { port, broker } = await testBroker({
      permissions: { publish: () => true, subscribe: () => true, receive: (_, { name }) => !name.endsWith('secret') },
    })
    const reader = await rawClient({ port, clientId: 'r', clean: false })
    await reader.publish('a/secret', 'kept', 1, true)
    await reader.subscribe({ '#': 1 })
    await reader.publish('a/secret', 'live', 1)
    await reader.publish('a/open', 'live', 1)
    await reader.expect('publish')
    expect(reader.received).toEqual(['a/open live'])
    expect(broker.health().queued).toBe(0)
  })

  test('revoking closes live connections without their will and forgets kept sessions', async () => {
    const keepDir = await folder()
    const { port, broker, accepted } = await testBroker({ keepDir })
    const node = await rawClient({
      port,
      clientId: 'x',
      clean: false,
      ...as('01'),
      will: { topic: 'iot/node/01/status', payload: 'will', qos: 1 },
    })
    await node.subscribe({ 'iot/node/01/receipt': 1 })
    const other = await rawClient({ port, ...as('02') })
    await broker.revoke('01')
    await node.closed
    await other.publish('iot/node/02/telemetry', 'x', 1)
    expect(accepted.map(({ topic }) => topic)).toEqual(['iot/node/02/telemetry'])
    expect((await tryRawClient({ port, clientId: 'x', clean: false, ...as('01') })).sessionPresent).toBe(false)
  })

  test('$SYS values are there for local clients and services, not for nodes, and not under #', async () => {
    const { port } = await testBroker()
    for (const who of [{}, as('_manager')]) {
      const reader = await rawClient({ port, ...who })
      expect(await reader.subscribe({ '$SYS/#': 0 })).toEqual([0])
      await reader.until(() => reader.received.includes('$SYS/broker/version espalier test'))
    }
    const node = await rawClient({ port, ...as('01') })
    expect(await node.subscribe({ '$SYS/#': 0 })).toEqual([128])
  })
})
