import { describe, expect, test } from 'vitest'
import { passwords, testBroker } from '../../../test/broker/broker.ts'
import { rawClient } from '../../../test/broker/client.ts'

const command = 'iot/node/01/command'
const as = (username: string) => ({ username, password: passwords[username]! })
const payload = Buffer.from('{"command":"ping"}')

describe('reachable', () => {
  test('while its own connection holds a subscription to its command topic', async () => {
    const { port, broker, reachability } = await testBroker()
    expect(broker.reachable('01')).toBe(false)
    const node = await rawClient({ port, ...as('01') })
    expect(broker.reachable('01')).toBe(false)
    await node.subscribe({ [command]: 1 })
    expect(broker.reachable('01')).toBe(true)
    await node.unsubscribe(command)
    expect(broker.reachable('01')).toBe(false)
    await node.subscribe({ [command]: 0 })
    await node.cut()
    await expect.poll(() => reachability).toEqual(['01 true', '01 false', '01 true', '01 false'])
    expect(broker.reachable('01')).toBe(false)
  })

  test('not by a wildcard, a service, another node or a kept session without a connection', async () => {
    const { port, broker, reachability } = await testBroker()
    const monitor = await rawClient({ port })
    await monitor.subscribe({ 'iot/#': 1, 'iot/node/+/command': 1 })
    const tool = await rawClient({ port, ...as('_manager') })
    await tool.subscribe({ [command]: 1 })
    const absent = await rawClient({ port, clientId: 'x', clean: false, ...as('01') })
    await absent.subscribe({ [command]: 1 })
    expect(broker.reachable('01')).toBe(true)
    await absent.disconnect()
    await expect.poll(() => reachability).toEqual(['01 true', '01 false'])
  })

  test('at once again when a kept session comes back', async () => {
    const { port, broker, reachability } = await testBroker()
    const first = await rawClient({ port, clientId: 'x', clean: false, ...as('01') })
    await first.subscribe({ [command]: 1 })
    await first.cut()
    await expect.poll(() => reachability.length).toBe(2)
    await rawClient({ port, clientId: 'x', clean: false, ...as('01') })
    expect(broker.reachable('01')).toBe(true)
  })
})

describe('evidence', () => {
  test("is the PUBACK of the node's own subscription", async () => {
    const { port, broker } = await testBroker()
    const node = await rawClient({ port, auto: false, ...as('01') })
    await node.subscribe({ [command]: 1 })
    const evidence: string[] = []
    await broker.sendCommand('01', payload, kind => evidence.push(kind))
    const { messageId, retain, qos } = await node.expect('publish')
    await node.ping()
    expect({ retain, qos, evidence }).toEqual({ retain: false, qos: 1, evidence: [] })
    node.send({ cmd: 'puback', messageId: messageId! })
    await expect.poll(() => evidence).toEqual(['puback'])
  })

  test('is the write for a QoS 0 subscription', async () => {
    const { port, broker } = await testBroker()
    const node = await rawClient({ port, auto: false })
    await node.subscribe({ [command]: 0 })
    const evidence: string[] = []
    await broker.sendCommand('01', payload, kind => evidence.push(kind))
    await node.expect('publish')
    expect(evidence).toEqual(['write'])
  })

  test('never comes from a monitor, which still sees the command', async () => {
    const { port, broker } = await testBroker()
    const monitor = await rawClient({ port })
    await monitor.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port, auto: false })
    await node.subscribe({ [command]: 1 })
    const evidence: string[] = []
    await broker.sendCommand('01', payload, kind => evidence.push(kind))
    await monitor.expect('publish')
    await node.expect('publish')
    await monitor.publish('iot/node/01/log', 'behind its PUBACK', 1)
    expect(evidence).toEqual([])
  })

  test('of anonymous holders: any until one has spoken, then the one that spoke last', async () => {
    const { port, broker } = await testBroker()
    const one = await rawClient({ port, auto: false })
    const two = await rawClient({ port, auto: false })
    for (const client of [one, two]) await client.subscribe({ [command]: 1 })
    const send = async (from: typeof one): Promise<string[]> => {
      const evidence: string[] = []
      await broker.sendCommand('01', payload, kind => evidence.push(kind))
      const packets = await Promise.all([one.expect('publish'), two.expect('publish')])
      from.send({ cmd: 'puback', messageId: packets[from === one ? 0 : 1]!.messageId! })
      await from.publish('iot/node/01/log', 'behind its PUBACK', 1)
      return evidence
    }
    expect(await send(one)).toEqual(['puback'])
    expect(await send(two)).toEqual(['puback'])
    await one.publish('iot/node/01/telemetry', '{}', 1)
    expect([await send(one), await send(two)]).toEqual([['puback'], []])
    await two.publish('iot/node/01/status', '{}', 1)
    expect([await send(one), await send(two)]).toEqual([[], ['puback']])
    const stranger = await rawClient({ port })
    await stranger.publish('iot/node/01/telemetry', '{}', 1)
    expect([await send(one), await send(two)]).toEqual([[], ['puback']])
  })

  test('of a node with a name goes before anonymous ones', async () => {
    const { port, broker } = await testBroker()
    const anonymous = await rawClient({ port })
    await anonymous.subscribe({ [command]: 1 })
    await anonymous.publish('iot/node/01/telemetry', '{}', 1)
    const node = await rawClient({ port, auto: false, ...as('01') })
    await node.subscribe({ [command]: 1 })
    const evidence: string[] = []
    await broker.sendCommand('01', payload, kind => evidence.push(kind))
    await anonymous.expect('publish')
    await anonymous.publish('iot/node/01/log', 'behind its PUBACK', 1)
    expect(evidence).toEqual([])
    node.send({ cmd: 'puback', messageId: (await node.expect('publish')).messageId! })
    await expect.poll(() => evidence).toEqual(['puback'])
  })
})

test("a command waits in no session: the manager's queue holds it", async () => {
  const { port, broker } = await testBroker()
  const before = await rawClient({ port, clientId: 'x', clean: false, auto: false, ...as('01') })
  await before.subscribe({ [command]: 1, 'iot/node/01/receipt': 1 })
  await broker.sendCommand('01', payload, () => {})
  await before.expect('publish')
  await before.cut()
  await expect.poll(() => broker.health().clients).toBe(0)
  await broker.sendCommand('01', payload, () => {})
  await broker.publish({ topic: 'iot/node/01/receipt', payload: Buffer.from('r'), qos: 1, retain: false })
  const after = await rawClient({ port, clientId: 'x', clean: false, ...as('01') })
  await after.expect('publish')
  await after.ping()
  expect(after.received).toEqual(['iot/node/01/receipt r'])
})
