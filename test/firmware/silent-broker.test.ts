import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../espalier.ts'
import { hasFaketime, hurried } from '../faketime.ts'
import { falseBroker } from './false-broker.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** espalier-node at a broker that answers everything but its messages. Its clock goes twenty times faster: half a minute is 1.5 s. */
const timesFaster = 20

/** `acknowledges`: whether it sends PUBACKs. */
async function brokerThat(acknowledges: boolean) {
  const seen = { published: 0, pinged: 0 }
  const broker = await falseBroker((packet, say) => {
    if (packet.cmd === 'pingreq') {
      seen.pinged++
      say({ cmd: 'pingresp' })
    } else if (packet.cmd === 'publish') {
      if (packet.topic.endsWith('/telemetry')) seen.published++
      if (acknowledges && packet.qos === 1) say({ cmd: 'puback', messageId: packet.messageId! })
    }
  })
  return { seen, broker }
}

describe.skipIf(!hostToolsThere || !hasFaketime)(
  'a node whose messages nobody acknowledges (needs g++, cmake, libssl-dev, faketime)',
  () => {
    beforeAll(() => buildHostNode(), 240_000)

    test('gives the connection up after half a minute, though pings are answered, and tries another', async () => {
      const [house, { seen, broker }] = await Promise.all([nodeHouse(), brokerThat(false)])
      const node = await house.startIn(hurried(timesFaster), '--id', 'n1', '--broker', broker.url, '--state', house.file('n1'))
      await until('another connection', async () => (broker.connections > 1 ? true : undefined))
      expect(seen.pinged).toBeGreaterThan(0)
      expect(node.err()).toContain('acknowledges nothing')
    })

    test('keeps a connection on which they are, for minutes', async () => {
      const [house, { seen, broker }] = await Promise.all([nodeHouse(), brokerThat(true)])
      await house.startIn(hurried(timesFaster), '--id', 'n1', '--broker', broker.url, '--state', house.file('n1'))
      await until('twelve readings', async () => (seen.published >= 12 ? true : undefined))
      expect(broker.connections).toBe(1)
    })
  },
)
