import { createServer, type Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../espalier.ts'
import { hasFaketime, hurried } from '../faketime.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** espalier-node at a broker that answers everything but its messages. Its clock goes twenty times faster: half a minute is 1.5 s. */
const timesFaster = 20

/** `acknowledges`: whether it sends PUBACKs. */
async function broker(acknowledges: boolean) {
  const seen = { connections: 0, published: 0, pinged: 0 }
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    const say = (packet: mqttPacket.Packet) => socket.write(mqttPacket.generate(packet))
    parser.on('packet', packet => {
      if (packet.cmd === 'connect') {
        seen.connections++
        say({ cmd: 'connack', returnCode: 0, sessionPresent: false })
      } else if (packet.cmd === 'subscribe')
        say({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 1) })
      else if (packet.cmd === 'pingreq') {
        seen.pinged++
        say({ cmd: 'pingresp' })
      } else if (packet.cmd === 'publish') {
        if (packet.topic.endsWith('/telemetry')) seen.published++
        if (acknowledges && packet.qos === 1) say({ cmd: 'puback', messageId: packet.messageId! })
      }
    })
    socket.on('data', bytes => parser.parse(bytes))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { seen, url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}` }
}

describe.skipIf(!hostToolsThere || !hasFaketime)(
  'a node whose messages nobody acknowledges (needs g++, cmake, libssl-dev, faketime)',
  () => {
    beforeAll(() => buildHostNode(), 240_000)

    test('gives the connection up after half a minute, though pings are answered, and tries another', async () => {
      const [house, { seen, url }] = await Promise.all([nodeHouse(), broker(false)])
      const node = await house.startIn(hurried(timesFaster), '--id', 'n1', '--broker', url, '--state', house.file('n1'))
      await until('another connection', async () => (seen.connections > 1 ? true : undefined))
      expect(seen.pinged).toBeGreaterThan(0)
      expect(node.err()).toContain('acknowledges nothing')
    })

    test('keeps a connection on which they are, for minutes', async () => {
      const [house, { seen, url }] = await Promise.all([nodeHouse(), broker(true)])
      await house.startIn(hurried(timesFaster), '--id', 'n1', '--broker', url, '--state', house.file('n1'))
      await until('twelve readings', async () => (seen.published >= 12 ? true : undefined))
      expect(seen.connections).toBe(1)
    })
  },
)
