import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../espalier.ts'
import { falseBroker } from './false-broker.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** A broker that hands a command out to whoever subscribes, behind messages larger than the contract knows: one that is retained would
 *  end every connection of a node that will not have it. */
async function brokerWith(sizes: readonly number[]) {
  const seen = { acknowledged: [] as number[], acks: [] as { state: string; id: string }[] }
  const broker = await falseBroker((packet, say) => {
    const command = (messageId: number, payload: string | Buffer, retain: boolean): void =>
      say({ cmd: 'publish', topic: 'iot/node/n1/command', payload, qos: 1, retain, dup: false, messageId })
    if (packet.cmd === 'subscribe') {
      for (const [i, size] of sizes.entries()) command(i + 1, Buffer.alloc(size, 0x10), true)
      command(sizes.length + 1, JSON.stringify({ id: 'behind', command: 'ping' }), false)
    } else if (packet.cmd === 'puback') seen.acknowledged.push(packet.messageId!)
    else if (packet.cmd === 'publish' && packet.qos === 1) {
      if (packet.topic.endsWith('/ack')) seen.acks.push(JSON.parse(packet.payload.toString()))
      say({ cmd: 'puback', messageId: packet.messageId! })
    }
  })
  return { seen, broker }
}

describe.skipIf(!hostToolsThere)('messages larger than any of the contract (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  // The topic and the packet id take 23 bytes of the 66,560 that the contract knows; the last is a pipe's worth.
  test.each([[[66_537]], [[66_538]], [[66_541]], [[100_000, 3_000_000, 66_538]]])(
    'of %j bytes go by, acknowledged, and what is behind them is heard on the same connection',
    async sizes => {
      const [house, { seen, broker }] = await Promise.all([nodeHouse(), brokerWith(sizes)])
      await house.node('n1', broker.url)
      await until('the command behind', async () => seen.acks.find(({ state }) => state === 'done'))
      await until('every PUBACK', async () => (seen.acknowledged.length > sizes.length ? true : undefined))
      expect(seen.acknowledged).toEqual([...sizes.keys(), sizes.length].map(i => i + 1))
      expect(broker.connections).toBe(1)
    },
  )
})
