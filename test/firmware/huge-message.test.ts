import { createServer, type Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../espalier.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** A broker that hands a command out to whoever subscribes, behind messages larger than the contract knows: one that is retained would
 *  end every connection of a node that will not have it. */
async function brokerWith(sizes: readonly number[]) {
  const seen = { connections: 0, acknowledged: [] as number[], acks: [] as { state: string; id: string }[] }
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    const say = (packet: mqttPacket.Packet) => socket.write(mqttPacket.generate(packet))
    const command = (messageId: number, payload: string | Buffer, retain: boolean) =>
      say({ cmd: 'publish', topic: 'iot/node/n1/command', payload, qos: 1, retain, dup: false, messageId })
    parser.on('packet', packet => {
      if (packet.cmd === 'connect') {
        seen.connections++
        say({ cmd: 'connack', returnCode: 0, sessionPresent: false })
      } else if (packet.cmd === 'subscribe') {
        say({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 1) })
        for (const [i, size] of sizes.entries()) command(i + 1, Buffer.alloc(size, 0x10), true)
        command(sizes.length + 1, JSON.stringify({ id: 'behind', command: 'ping' }), false)
      } else if (packet.cmd === 'puback') seen.acknowledged.push(packet.messageId!)
      else if (packet.cmd === 'publish' && packet.qos === 1) {
        if (packet.topic.endsWith('/ack')) seen.acks.push(JSON.parse(packet.payload.toString()))
        say({ cmd: 'puback', messageId: packet.messageId! })
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

describe.skipIf(!hostToolsThere)('messages larger than any of the contract (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  // The topic and the packet id take 23 bytes of the 66,560 that the contract knows; the last is a pipe's worth.
  test.each([[[66_537]], [[66_538]], [[66_541]], [[100_000, 3_000_000, 66_538]]])(
    'of %j bytes go by, acknowledged, and what is behind them is heard on the same connection',
    async sizes => {
      const [house, { seen, url }] = await Promise.all([nodeHouse(), brokerWith(sizes)])
      await house.node('n1', url)
      await until('the command behind', async () => seen.acks.find(({ state }) => state === 'done'))
      await until('every PUBACK', async () => (seen.acknowledged.length > sizes.length ? true : undefined))
      expect(seen.acknowledged).toEqual([...sizes.keys(), sizes.length].map(i => i + 1))
      expect(seen.connections).toBe(1)
    },
  )
})
