import { cp } from 'node:fs/promises'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { folder, testBroker } from '../../../test/broker/broker.ts'
import { RawClient, rawClient, tryRawClient } from '../../../test/broker/client.ts'

/** What a restart finds when a stop or a kill falls between two writes of one group, or behind steps that shared one. */
const telemetry = 'iot/node/01/telemetry'
const publish = { cmd: 'publish', topic: telemetry, payload: 'once', qos: 2, retain: false, messageId: 7 } as const

/** A broker whose first group never becomes durable; `underWay` when it was handed over. */
async function neverDurable() {
  const keepDir = await folder()
  let began: () => void = () => {}
  const underWay = new Promise<void>(resolve => {
    began = resolve
  })
  const accept = (): Promise<void> => {
    began()
    return new Promise(() => {})
  }
  return { keepDir, underWay, before: await testBroker({ keepDir, limits: { closeMs: 100 } }, { accept }) }
}

test('a QoS 2 message that never became durable is taken again after a restart, not for a repeat', async () => {
  const { before, underWay, keepDir } = await neverDurable()
  const node = await rawClient({ port: before.port, clientId: 'n', clean: false, auto: false })
  node.send({ ...publish, dup: false })
  await underWay
  await before.broker.close()

  const after = await testBroker({ keepDir })
  const { client, sessionPresent } = await tryRawClient({ port: after.port, clientId: 'n', clean: false, auto: false })
  expect(sessionPresent).toBe(true)
  client.send({ ...publish, dup: true })
  await client.expect('pubrec', 7)
  expect(after.accepted.map(message => Buffer.from(message.payload).toString())).toEqual(['once'])
  client.send({ ...publish, dup: true })
  await client.expect('pubrec', 7)
  expect(after.accepted).toHaveLength(1)
})

test('a QoS 2 message that a kill left unacknowledged is heard once by who was away, although its sender sends it again', async () => {
  const { before, underWay, keepDir } = await neverDurable()
  const away = await rawClient({ port: before.port, clientId: 'away', clean: false })
  await away.subscribe({ [telemetry]: 2 })
  await away.disconnect()
  const node = await rawClient({ port: before.port, clientId: 'n', clean: false, auto: false })
  node.send({ ...publish, dup: false })
  await underWay
  await before.broker.close()

  const after = await testBroker({ keepDir })
  const { client } = await tryRawClient({ port: after.port, clientId: 'n', clean: false, auto: false })
  client.send({ ...publish, dup: true })
  await client.expect('pubrec', 7)
  const { client: back } = await tryRawClient({ port: after.port, clientId: 'away', clean: false })
  await back.ping()
  const heard = back.packets.filter(packet => packet.cmd === 'publish')
  expect(heard.map(packet => packet.payload.toString())).toEqual(['once'])
})

/** An old connection's end and a new one's packets in one group: they gather behind a group that hangs. Answers with the keep as a
 *  kill leaves it a moment later. */
async function takeOver(clean: boolean): Promise<string> {
  const keepDir = await folder()
  const { port, hold, release, accepted } = await testBroker({ keepDir })
  const old = await rawClient({ port, clientId: 'r', clean: false })
  await old.subscribe({ 'iot/node/02/telemetry': 1 })
  const node = await rawClient({ port })
  hold()
  const published = node.publish(telemetry, 'holds the group', 1)
  await node.ping()
  const fresh = new RawClient(connect(port, '127.0.0.1'))
  fresh.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean, clientId: 'r', keepalive: 60 })
  if (!clean) fresh.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: telemetry, qos: 1 }] })
  await old.closed
  release()
  await published
  await fresh.expect(clean ? 'connack' : 'suback')
  await node.publish('iot/node/01/status', 'the next write', 1, true)
  expect(accepted).toHaveLength(2)
  await cp(keepDir, `${keepDir}-killed`, { recursive: true })
  return `${keepDir}-killed`
}

test('a subscription that was granted right behind a take-over outlives a restart', async () => {
  const after = await testBroker({ keepDir: await takeOver(false) })
  await (await rawClient({ port: after.port })).publish(telemetry, 'for both', 1)
  const back = await rawClient({ port: after.port, clientId: 'r', clean: false })
  await back.expect('publish')
  expect(back.received).toEqual([`${telemetry} for both`])
})

test('a session that a clean connection ended stays ended over a restart', async () => {
  const after = await testBroker({ keepDir: await takeOver(true) })
  expect(after.broker.sessions()).toEqual([])
  expect((await tryRawClient({ port: after.port, clientId: 'r', clean: false })).sessionPresent).toBe(false)
})
