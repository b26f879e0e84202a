import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Broker, BrokerHandlers, Incoming } from './broker.ts'

/** What every broker must do for the manager, whoever moves the bytes. `open` starts one with these handlers; `client` is how a node
 *  reaches it. Clients are mqtt.js: nothing of ours on their side. */
export interface Subject {
  readonly open: (handlers: BrokerHandlers) => Promise<{ broker: Broker; client: IClientOptions }>
}

interface Setup {
  readonly broker: Broker
  readonly accepted: Incoming[]
  /** Messages that were handed over, durable or not. */
  handed(): number
  /** While it is true nothing is durable. */
  hold(): () => void
  connect(options?: IClientOptions): Promise<MqttClient>
}

async function setUp(subject: Subject): Promise<Setup> {
  const accepted: Incoming[] = []
  let handed = 0
  let held: Promise<void> | null = null
  const { broker, client } = await subject.open({
    accept: async group => {
      handed += group.length
      if (held !== null) await held
      accepted.push(...group)
    },
    oversize: () => {},
    reachability: () => {},
    authenticate: async () => null,
  })
  onTestFinished(() => broker.close())
  return {
    broker,
    accepted,
    handed: () => handed,
    hold() {
      let release: () => void = () => {}
      held = new Promise(resolve => {
        release = resolve
      })
      return () => {
        held = null
        release()
      }
    },
    async connect(options = {}) {
      const connected = await connectAsync({ reconnectPeriod: 0, ...client, ...options })
      onTestFinished(() => connected.endAsync(true))
      return connected
    },
  }
}

const next = (client: MqttClient): Promise<{ topic: string; text: string }> =>
  new Promise(resolve => client.once('message', (topic, payload) => resolve({ topic, text: payload.toString() })))

const textOf = (message: Incoming): string => Buffer.from(message.payload).toString()

export function brokerSuite(name: string, subject: Subject): void {
  describe(name, () => {
    test('telemetry, status and ack of nodes reach the manager in order of each publisher, with their flags', async () => {
      const { accepted, connect } = await setUp(subject)
      const nodes = await Promise.all(['01', '02'].map(clientId => connect({ clientId })))
      await Promise.all(
        nodes.flatMap((node, n) =>
          Array.from({ length: 100 }, (_, i) => node.publishAsync(`iot/node/0${n + 1}/telemetry`, `${i}`, { qos: 1 })),
        ),
      )
      await nodes[0]!.publishAsync('iot/node/01/status', 's', { qos: 1, retain: true })
      await nodes[0]!.publishAsync('iot/node/01/ack', 'a', { qos: 1 })
      await nodes[0]!.publishAsync('iot/node/01/log', 'l', { qos: 1 })
      await expect.poll(() => accepted.length).toBe(202)
      for (const id of ['01', '02']) {
        const telemetry = accepted.filter(({ topic }) => topic === `iot/node/${id}/telemetry`)
        expect(telemetry.map(textOf)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
        expect(telemetry.every(({ replay, retain, qos }) => !replay && !retain && qos === 1)).toBe(true)
      }
      expect(accepted.slice(-2).map(({ topic }) => topic)).toEqual(['iot/node/01/status', 'iot/node/01/ack'])
    })

    test('a group is handed over only after the one before it was accepted', async () => {
      const { accepted, connect, hold } = await setUp(subject)
      const node = await connect()
      const release = hold()
      const published = Array.from({ length: 50 }, (_, i) => node.publishAsync('iot/node/01/telemetry', `${i}`, { qos: 1 }))
      release()
      await Promise.all(published)
      await expect.poll(() => accepted.map(textOf)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
    })

    test('what the manager publishes reaches subscribers, and is not handed back to it', async () => {
      const { broker, accepted, connect } = await setUp(subject)
      const node = await connect()
      await node.subscribeAsync('iot/node/01/receipt', { qos: 1 })
      const message = next(node)
      await broker.publish({ topic: 'iot/node/01/receipt', payload: Buffer.from('r'), qos: 1, retain: false })
      expect(await message).toEqual({ topic: 'iot/node/01/receipt', text: 'r' })
      expect(accepted).toEqual([])
    })

    test('a retained message of the manager is there for who comes later', async () => {
      const { broker, connect } = await setUp(subject)
      await broker.publish({ topic: 'iot/broker/status', payload: Buffer.from('up'), qos: 1, retain: true })
      const node = await connect()
      const message = next(node)
      await node.subscribeAsync('iot/broker/status', { qos: 1 })
      expect((await message).text).toBe('up')
    })

    test('a command reaches the node that subscribed to it, and its evidence comes once', async () => {
      const { broker, connect } = await setUp(subject)
      const node = await connect({ clientId: '01' })
      await node.subscribeAsync('iot/node/01/command', { qos: 1 })
      expect(broker.reachable('01')).toBe(true)
      const message = next(node)
      const evidence: string[] = []
      await broker.sendCommand('01', Buffer.from('{"command":"ping"}'), kind => evidence.push(kind))
      expect((await message).text).toBe('{"command":"ping"}')
      await expect.poll(() => evidence).toEqual(['puback'])
    })

    test('health says that it is up, and after close that it is not', async () => {
      const { broker } = await setUp(subject)
      expect(broker.health()).toMatchObject({ up: true, version: expect.any(String), denied: {} })
      expect(broker.health().listeners.length).toBeGreaterThan(0)
      await broker.close()
      expect(broker.health().up).toBe(false)
    })

    test('close lets what was read be accepted and acknowledged', async () => {
      const { broker, accepted, handed, connect, hold } = await setUp(subject)
      const node = await connect()
      const release = hold()
      const acknowledged = node.publishAsync('iot/node/01/telemetry', 'last', { qos: 1 })
      await expect.poll(handed).toBe(1)
      const closed = broker.close()
      release()
      await Promise.all([acknowledged, closed])
      expect(accepted.map(textOf)).toEqual(['last'])
    })
  })
}
