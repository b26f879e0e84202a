import { connect as connectSocket } from 'node:net'
import { connectAsync } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { passwords, testBroker } from '../../../test/broker/broker.ts'
import { rawClient } from '../../../test/broker/client.ts'
import type { BrokerNotice } from '../broker.ts'

const as = (username: string) => ({ username, password: passwords[username]! })

async function watched() {
  const notices: BrokerNotice[] = []
  const { port } = await testBroker({ onNotice: notice => void notices.push(notice) })
  return { port, notices }
}

const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/)

describe('what a person may want to mend is told', () => {
  test('a wrong password, with user, client id and address', async () => {
    const { port, notices } = await watched()
    const wrong = { port, clientId: 'kitchen', username: '01', password: 'no', reconnectPeriod: 0 }
    await expect(connectAsync({ host: '127.0.0.1', ...wrong })).rejects.toThrow()
    expect(notices).toEqual([{ kind: 'refused', why: 'credentials', user: '01', client: 'kitchen', address, got: null }])
  })

  test('MQTT 5, and TLS on a listener without', async () => {
    const { port, notices } = await watched()
    await expect(connectAsync({ host: '127.0.0.1', port, protocolVersion: 5, reconnectPeriod: 0 })).rejects.toThrow()
    const socket = connectSocket({ host: '127.0.0.1', port })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.resume().write(Buffer.from([0x16, 3, 1, 0, 2, 1, 0, 0, 0]))
    await closed
    expect(notices).toMatchObject([
      { kind: 'refused', why: 'version', address },
      { kind: 'refused', why: 'tls_on_plain', address },
    ])
  })

  test('a denied publish with its topic and payload, a denied filter', async () => {
    const { port, notices } = await watched()
    const node = await rawClient({ port, ...as('01') })
    await node.publish('iot/nodes/01/telemetry', 'hello', 1)
    await node.subscribe({ 'iot/#': 1 })
    expect(notices).toMatchObject([
      {
        kind: 'denied',
        action: 'publish',
        client: '01',
        address,
        topic: 'iot/nodes/01/telemetry',
        payload: Buffer.from('hello'),
      },
      { kind: 'denied', action: 'subscribe', client: '01', topic: 'iot/#', payload: null },
    ])
  })

  test("a take-over, with both addresses; one's own goodbye is none", async () => {
    const { port, notices } = await watched()
    const first = await rawClient({ port, clientId: 'x' })
    await rawClient({ port, clientId: 'x' })
    await first.closed
    expect(notices).toMatchObject([{ kind: 'takeover', client: 'x', address, before: address }])
    const other = await rawClient({ port, clientId: 'y' })
    await other.disconnect()
    await rawClient({ port, clientId: 'y' })
    expect(notices).toHaveLength(1)
  })

  test("a node's log line, and a service's message that means nothing here", async () => {
    const { port, notices } = await watched()
    const node = await rawClient({ port, ...as('01') })
    await node.publish('iot/node/01/log', 'warm', 1)
    const service = await rawClient({ port, ...as('_manager') })
    await service.publish('iot/nodes/01/telemetry', '{}', 1)
    await service.publish('iot/node/01/telemetry', '{}', 1)
    expect(notices).toMatchObject([
      { kind: 'log', node: '01', user: '01', payload: Buffer.from('warm') },
      { kind: 'unrouted', topic: 'iot/nodes/01/telemetry' },
    ])
  })
})
