import { describe, expect, test } from 'vitest'
import { connectPacket, type RawClient, rawClient } from './client.ts'
import { everythingAllowed, narrow, openPair } from './differential/pair.ts'
import { hasMosquitto, mosquittoVersion } from './mosquitto.ts'

/** Where ours and mosquitto differ, each in its smallest form: what ours does and why, and what mosquitto 2.0.11 (Debian 12) does
 *  instead. The random scripts of differential.test.ts keep clear of exactly these. */
const is2011 = mosquittoVersion === '2.0.11'

describe.skipIf(!hasMosquitto)('named differences from mosquitto', () => {
  /** Does the same on both; ours has to be as said, mosquitto as well when it is the version that was looked at. */
  async function both<T>(ours: T, theirs: T, act: (port: number) => Promise<T>): Promise<void> {
    const pair = await openPair(narrow, { permissions: everythingAllowed })
    expect(await act(pair.ours)).toEqual(ours)
    const other = await act(pair.theirs)
    if (is2011) expect(other).toEqual(theirs)
  }
  /** What came, once everything before has been routed. */
  async function got(client: RawClient, marker: RawClient): Promise<string[]> {
    await marker.publish('iot/marker', '', 1)
    await client.ping()
    return client.messages.map(({ payload, qos }) => `${payload} at ${qos}`)
  }

  test('overlapping filters with different grants: ours sends at the highest [MQTT-3.3.5-1]', async () => {
    await both(['m at 2'], ['m at 1'], async port => {
      const client = await rawClient({ port, clientId: 'a' })
      await client.subscribe({ 'iot/x/#': 0, 'iot/x/+': 2, 'iot/x/y': 1 })
      await client.publish('iot/x/y', 'm', 2)
      return got(client, client)
    })
  })

  test('take-over of a session to keep: ours publishes the will of the old connection [MQTT-3.1.2-8]', async () => {
    await both(['will at 1'], [], async port => {
      const watcher = await rawClient({ port, clientId: 'watcher' })
      await watcher.subscribe({ 'iot/x': 1 })
      const will = { topic: 'iot/x', payload: 'will', qos: 1 } as const
      const old = await rawClient({ port, clientId: 'a', clean: false, will })
      const next = await rawClient({ port, clientId: 'a', clean: false })
      await old.closed
      return got(watcher, next)
    })
  })

  test('a second CONNECT: both close, ours publishes the will [MQTT-3.1.0-2, MQTT-3.1.2-8]', async () => {
    await both(['will at 1'], [], async port => {
      const watcher = await rawClient({ port, clientId: 'watcher' })
      await watcher.subscribe({ 'iot/x': 1 })
      const client = await rawClient({ port, clientId: 'a', will: { topic: 'iot/x', payload: 'will', qos: 1 } })
      client.send(connectPacket({ clientId: 'a' }))
      await client.closed
      return got(watcher, watcher)
    })
  })

  test('a QoS 2 message: ours routes it at PUBLISH, before PUBREC; mosquitto at PUBREL', async () => {
    await both([['m at 2'], ['m at 2']], [[], ['m at 2']], async port => {
      const watcher = await rawClient({ port, clientId: 'watcher' })
      await watcher.subscribe({ 'iot/x': 2 })
      const client = await rawClient({ port, clientId: 'a', auto: false })
      client.send({ cmd: 'publish', topic: 'iot/x', payload: 'm', qos: 2, messageId: 7, retain: false, dup: false })
      await client.expect('pubrec', 7)
      const atPubrec = await got(watcher, watcher)
      client.send({ cmd: 'pubrel', messageId: 7 })
      await client.expect('pubcomp', 7)
      return [atPubrec, await got(watcher, watcher)]
    })
  })

  test('more QoS 2 messages open than the window: ours delivers all; mosquitto loses those for QoS 0', async () => {
    const all = Array.from({ length: 10 }, (_, i) => `${i} at 0`)
    await both(all, all.slice(0, narrow), async port => {
      const client = await rawClient({ port, clientId: 'a' })
      await client.subscribe({ 'iot/x': 0 })
      await Promise.all(all.map((_, i) => client.publish('iot/x', `${i}`, 2)))
      return got(client, client)
    })
  })

  test('a full window: retained messages of QoS 0 keep their place behind the others in ours; in mosquitto they pass', async () => {
    const five = ['0', '1', '2', '3', '4'].map(n => `${n} at 1`)
    await both([...five.slice(0, narrow)], [...five.slice(0, narrow), 'zero at 0'], async port => {
      const client = await rawClient({ port, clientId: 'a', auto: false })
      for (const n of [0, 1, 2, 3, 4]) await client.publish(`iot/x/${n}`, `${n}`, 1, true)
      await client.publish('iot/z', 'zero', 0, true)
      await client.subscribe({ 'iot/x/0': 1, 'iot/x/1': 1, 'iot/x/2': 1, 'iot/x/3': 1, 'iot/x/4': 1, 'iot/z': 1 })
      return got(client, client)
    })
  })
})
