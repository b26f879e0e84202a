import { connect } from 'mqtt'
import { expect, test } from 'vitest'
import { testBroker } from '../../../test/broker/broker.ts'

test.each([
  ['MQIsdp', 3, false],
  ['MQTT', 4, true],
] as const)('%s %i: session present is said only where the protocol has it', async (protocolId, protocolVersion, said) => {
  const { port } = await testBroker()
  const present: (boolean | undefined)[] = []
  for (let i = 0; i < 2; i++) {
    const client = connect({
      host: '127.0.0.1',
      port,
      protocolId,
      protocolVersion,
      clientId: 'x',
      clean: false,
      reconnectPeriod: 0,
    })
    client.once('connect', packet => present.push(packet.sessionPresent))
    await expect.poll(() => present.length).toBe(i + 1)
    await client.endAsync()
  }
  expect(present).toEqual([false, said])
})
