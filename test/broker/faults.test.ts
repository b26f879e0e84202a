import { once } from 'node:events'
import mqttPacket from 'mqtt-packet'
import { expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { temporaryData, type Up, up } from '../espalier.ts'
import { connectPacket, openSocket, type RawClient, rawClient, tryRawClient } from './client.ts'
import { residentBytes } from './processes.ts'

/** The real command under what happens to a broker: kill -9, a subscriber that freezes, a crowd that says nothing. */
const scale = Math.max(1, Number(process.env.ESPALIER_TEST_SCALE ?? 1))

async function withHouse(does: (open: () => Promise<Up>) => Promise<void>): Promise<void> {
  const data = await temporaryData()
  const opened: Up[] = []
  try {
    await does(async () => {
      const house = await up(data.dir)
      opened.push(house)
      return house
    })
  } finally {
    await opened.at(-1)?.kill()
    await data.remove()
  }
}

const topic = 'iot/node/k/telemetry'
const reading = (n: number): string => JSON.stringify({ node_id: 'node_k', timestamp: 1_767_312_000 + n, sensors: { value: n } })

/** A publisher with a session to keep: QoS 1 and 2 in turn, several open at once; what it was promised, whatever is killed. */
class Promised {
  /** Payloads whose PUBACK or PUBREC came. */
  readonly acknowledged = new Set<string>()
  private readonly open = new Map<number, { payload: string; qos: 1 | 2; released: boolean }>()
  private id = 0
  private n = 0

  /** Publishes until `many` more are acknowledged and goes on until the connection ends. At most `most` are sent. */
  async publish(port: number, many: number, most: number): Promise<RawClient> {
    const client = await this.connect(port)
    const before = this.acknowledged.size
    let sent = 0
    const fill = (): void => {
      this.look(client)
      for (; this.open.size < 24 && sent < most; sent++) {
        const open = { payload: reading(this.n++), qos: this.n % 2 === 0 ? 1 : 2, released: false } as const
        this.open.set(++this.id, { ...open })
        client.send({
          cmd: 'publish',
          topic,
          payload: open.payload,
          qos: open.qos,
          messageId: this.id,
          retain: false,
          dup: false,
        })
      }
    }
    fill()
    client.socket.on('data', fill)
    await client.until(() => {
      this.look(client)
      return this.acknowledged.size - before >= many
    })
    return client
  }

  /** Comes back and brings what was open to its end: PUBLISH again with DUP, or PUBREL [MQTT-4.4.0-1]. */
  async finish(port: number): Promise<void> {
    const client = await this.connect(port)
    for (const [messageId, { payload, qos, released }] of this.open) {
      if (released) client.send({ cmd: 'pubrel', messageId })
      else client.send({ cmd: 'publish', topic, payload, qos, messageId, retain: false, dup: true })
    }
    await client.until(() => {
      this.look(client)
      return this.open.size === 0
    })
    await client.disconnect()
  }

  /** Counts what came on a connection so far; called again with the same one it sees the same. */
  look(client: RawClient): void {
    for (const packet of client.packets) {
      const id = (packet as { messageId?: number }).messageId ?? 0
      const open = this.open.get(id)
      if (open === undefined) continue
      if (packet.cmd === 'puback' || packet.cmd === 'pubrec') this.acknowledged.add(open.payload)
      if (packet.cmd === 'pubrec') open.released = true
      if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') this.open.delete(id)
    }
  }

  private async connect(port: number): Promise<RawClient> {
    return rawClient({ port, clientId: 'publisher', clean: false })
  }
}

/** A subscriber with a session to keep, as the standard wants it: a QoS 2 id that is open is no new message. */
class Subscriber {
  readonly heard: string[] = []
  private readonly openIds = new Set<number>()
  private readonly name: string
  private readonly qos: 1 | 2

  constructor(name: string, qos: 1 | 2) {
    this.name = name
    this.qos = qos
  }

  async connect(port: number): Promise<RawClient> {
    const { client, sessionPresent } = await tryRawClient({ port, clientId: this.name, clean: false })
    if (!sessionPresent) await client.subscribe({ [topic]: this.qos })
    return client
  }

  /** Takes what a connection that is over brought. */
  take(client: RawClient): void {
    for (const packet of client.packets) {
      if (packet.cmd === 'pubrel') this.openIds.delete(packet.messageId!)
      if (packet.cmd !== 'publish') continue
      if (packet.qos === 2 && this.openIds.has(packet.messageId!)) continue
      if (packet.qos === 2) this.openIds.add(packet.messageId!)
      this.heard.push(packet.payload.toString())
    }
  }
}

const rounds = scale >= 10 ? 5 * scale : 5

test('kill -9 again and again: subscribers hear every acknowledged message, QoS 2 exactly once', async () => {
  const seed = Number(process.env.ESPALIER_SEED ?? 20261124)
  const random = seeded(seed)
  await withHouse(async open => {
    const publisher = new Promised()
    const away = [new Subscriber('away1', 1), new Subscriber('away2', 2)]
    const there = new Subscriber('there', 2)
    let house = await open()
    for (const subscriber of away) await (await subscriber.connect(house.run.mqtt.port)).disconnect()
    for (let round = 0; round < rounds; round++) {
      const listening = await there.connect(house.run.mqtt.port)
      // Fewer than a queue holds, so that nothing is lost to its bound.
      const publishing = await publisher.publish(house.run.mqtt.port, 50 + random.below(600), 900)
      await house.kill()
      await Promise.all([publishing.closed, listening.closed])
      publisher.look(publishing)
      there.take(listening)

      house = await open()
      const { port } = house.run.mqtt
      await publisher.finish(port)
      const marker = await rawClient({ port, clientId: 'marker' })
      await marker.publish(topic, `end of ${round}`, 1)
      for (const subscriber of [...away, there]) {
        const client = await subscriber.connect(port)
        await client.until(() => client.received.some(line => line.endsWith(`end of ${round}`)))
        // Its last acknowledgements are taken before it goes.
        await client.publish(topic, '', 2)
        await client.disconnect()
        subscriber.take(client)
      }
      await marker.cut()
    }
    expect(publisher.acknowledged.size).toBeGreaterThan(50 * rounds)
    for (const [name, { heard }, atMostOnce] of [
      ['away at QoS 1', away[0]!, false],
      ['away at QoS 2', away[1]!, true],
      ['there at QoS 2', there, true],
    ] as const) {
      const counts = new Map<string, number>()
      for (const payload of heard) counts.set(payload, (counts.get(payload) ?? 0) + 1)
      const missing = [...publisher.acknowledged].filter(payload => !counts.has(payload))
      expect(missing, `${name}, seed ${seed}`).toEqual([])
      if (!atMostOnce) continue
      // What was published at QoS 2: the even values.
      const twice = [...counts].filter(([payload, count]) => count > 1 && /"value":\d*[02468]\}/.test(payload))
      expect(twice, `${name}, seed ${seed}`).toEqual([])
    }
  })
})

test('two frozen subscribers beside 100 lively ones: all of these hear everything, memory stays bounded', async () => {
  await withHouse(async open => {
    const house = await open()
    const { port } = house.run.mqtt
    const lively = await Promise.all(Array.from({ length: 100 }, (_, i) => rawClient({ port, clientId: `lively${i}` })))
    await Promise.all(lively.map(client => client.subscribe({ 'iot/node/small/log': 1 })))
    for (const qos of [0, 1] as const) {
      const frozen = await rawClient({ port, clientId: `frozen${qos}` })
      await frozen.subscribe({ 'iot/#': qos })
      frozen.socket.pause()
    }
    const publisher = await rawClient({ port, clientId: 'publisher' })
    const before = residentBytes(house.pid)
    const flood = Buffer.alloc(16 * 1024)
    let most = 0
    const messages = 200
    for (let i = 0; i < messages; i++) {
      // 100 MB for each of the frozen ones, were it held.
      const large = Array.from({ length: 32 }, () => publisher.publish('iot/node/large/log', flood, 1))
      await Promise.all([...large, publisher.publish('iot/node/small/log', `${i}`, 1)])
      most = Math.max(most, residentBytes(house.pid))
    }
    const expected = Array.from({ length: messages }, (_, i) => `iot/node/small/log ${i}`)
    for (const client of lively) {
      await client.until(() => client.messages.length >= messages)
      expect(client.received).toEqual(expected)
    }
    expect((most - before) / 1024 / 1024).toBeLessThan(100)
    const { body } = await house.api('/api/broker')
    expect(body.dropped_total).toBeGreaterThan(1_000)
    for (const client of lively) client.socket.destroy()
  })
})

const crowd = scale >= 10 ? 9_900 : 2_000

test('idle connections cost little memory each and are all still there', async () => {
  await withHouse(async open => {
    const house = await open()
    const before = residentBytes(house.pid)
    const idle = []
    for (let i = 0; i < crowd; i++) {
      const socket = await openSocket(house.run.mqtt.port)
      socket.write(mqttPacket.generate(connectPacket({ clientId: `idle${i}`, keepalive: 0 })))
      const [connack] = (await once(socket, 'data')) as [Buffer]
      expect(connack.toString('hex')).toBe('20020000')
      idle.push(socket)
    }
    expect((residentBytes(house.pid) - before) / crowd / 1024).toBeLessThan(64)
    await Promise.all(
      idle.map(async socket => {
        socket.write(mqttPacket.generate({ cmd: 'pingreq' }))
        const [pingresp] = (await once(socket, 'data')) as [Buffer]
        expect(pingresp.toString('hex')).toBe('d000')
      }),
    )
    for (const socket of idle) socket.destroy()
  })
})
