import { expect, test } from 'vitest'
import { authenticate, passwords, testBroker } from '../../../test/broker/broker.ts'
import { connectPacket, openSocket, RawClient, rawClient, tryRawClient } from '../../../test/broker/client.ts'

const as = (username: string) => ({ username, password: passwords[username]! })

/** A broker whose next group is held once it was handed over: `held` says so. */
async function holdingBroker() {
  const taken: string[] = []
  let onHeld: () => void = () => {}
  let letGo: () => void = () => {}
  let gate: Promise<void> | null = null
  const { port, broker } = await testBroker(
    {},
    {
      accept: async group => {
        taken.push(...group.map(({ topic, payload }) => `${topic} ${Buffer.from(payload)}`))
        if (gate === null) return
        onHeld()
        await gate
      },
    },
  )
  return {
    port,
    broker,
    taken,
    hold() {
      gate = new Promise(resolve => (letGo = resolve))
      return new Promise<void>(resolve => (onHeld = resolve))
    },
    release() {
      gate = null
      letGo()
    },
  }
}

test('a CONNECT that is being judged when its identity loses its rights is refused', async () => {
  let judged: () => void = () => {}
  let answer: () => void = () => {}
  const asked = new Promise<void>(resolve => (judged = resolve))
  const gate = new Promise<void>(resolve => (answer = resolve))
  const { port, broker } = await testBroker(
    {},
    {
      authenticate: async shown => {
        judged()
        await gate
        return authenticate(shown)
      },
    },
  )
  const trying = tryRawClient({ port, ...as('01') })
  await asked
  const revoked = broker.revoke('01')
  answer()
  expect((await trying).code).toBe(4)
  await revoked
  expect(broker.sessions()).toEqual([])
})

test('what it said and nobody made durable yet is neither taken nor passed on, its will neither', async () => {
  const { port, broker, taken, hold, release } = await holdingBroker()
  const watcher = await rawClient({ port, ...as('_manager') })
  await watcher.subscribe({ 'iot/#': 1 })
  const will = { topic: 'iot/node/01/status', payload: 'will', qos: 1 as const, retain: true }
  const node = await rawClient({ port, ...as('01'), will })
  const other = await rawClient({ port, ...as('02') })
  await node.publish('iot/node/01/telemetry', 'before', 1)
  const holds = hold()
  const held = other.publish('iot/node/02/telemetry', 'of another', 1)
  await holds
  for (const qos of [0, 1, 2] as const) {
    const messageId = qos > 0 ? { messageId: node.nextId() } : {}
    node.send({ cmd: 'publish', topic: 'iot/node/01/status', payload: 'late', qos, retain: true, dup: false, ...messageId })
  }
  await node.ping()
  const revoked = broker.revoke('01')
  await node.closed
  release()
  await Promise.all([held, revoked])
  await other.publish('iot/node/02/telemetry', 'after', 1)
  await watcher.until(() => watcher.received.includes('iot/node/02/telemetry after'))
  const said = ['iot/node/01/telemetry before', 'iot/node/02/telemetry of another', 'iot/node/02/telemetry after']
  expect(watcher.received).toEqual(said)
  expect(taken).toEqual(said)
  const late = await rawClient({ port, ...as('_manager') })
  await late.subscribe({ 'iot/#': 1 })
  await late.ping()
  expect(late.received).toEqual([])
})

test('a will that waits for its turn when the rights are taken is not published', async () => {
  const { port, broker, taken, hold, release } = await holdingBroker()
  const node = await rawClient({
    port,
    ...as('01'),
    will: { topic: 'iot/node/01/status', payload: 'will', qos: 1, retain: true },
  })
  const other = await rawClient({ port, ...as('02') })
  const holds = hold()
  const held = other.publish('iot/node/02/telemetry', 'x', 1)
  await holds
  await node.cut()
  await other.ping()
  const revoked = broker.revoke('01')
  release()
  await Promise.all([held, revoked])
  await other.publish('iot/node/02/telemetry', 'y', 1)
  expect(taken).toEqual(['iot/node/02/telemetry x', 'iot/node/02/telemetry y'])
})

test('who comes back with a new credential gets a session of its own, and no revocation of before takes it away', async () => {
  const { port, broker, hold, release } = await holdingBroker()
  const old = await rawClient({ port, clientId: '01', clean: false, ...as('01') })
  await old.subscribe({ 'iot/node/01/command': 1 })
  const other = await rawClient({ port, ...as('02') })
  const holds = hold()
  const held = other.publish('iot/node/02/telemetry', 'x', 1)
  await holds
  await other.ping()
  const revoked = broker.revoke('01')
  const anew = new RawClient(await openSocket(port))
  anew.send(connectPacket({ clientId: '01', clean: false, ...as('01') }))
  anew.send({ cmd: 'pingreq' })
  await anew.expect('pingresp') // it is admitted, and its turn is behind the held group
  release()
  await Promise.all([held, revoked])
  expect((await anew.expect('connack')).sessionPresent).toBe(false)
  await anew.publish('iot/node/01/telemetry', 'mine', 1)
  expect(broker.sessions().filter(({ user }) => user === '01')).toMatchObject([{ connected: true, subscriptions: 0 }])
})
