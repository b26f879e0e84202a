import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, up } from '../espalier.ts'
import { foreignClients } from './foreign.ts'

/** Clients that are not ours against the real command: every QoS of a publisher with every QoS of a subscriber, live and kept. */
const qualities = [0, 1, 2]

let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir)
})
afterAll(async () => {
  await house.stop()
  await data.remove()
})

/** Clients hand on a QoS 2 message when it is released, so order is compared within a QoS. */
const byQos = (heard: readonly string[]): string[] => [...heard].sort((a, b) => Number(a[0]) - Number(b[0]))
const payload = (name: string): string => JSON.stringify({ node_id: 'node_f', sensors: { value: 1 }, name })

describe.each(foreignClients.map(client => [client.name, client] as const))('%s', (name, client) => {
  const id = name.replaceAll(/\W/g, '').slice(0, 5)

  test.skipIf(!client.there).each(qualities)('a clean session at QoS %i hears QoS 0, 1 and 2', async granted => {
    const { port } = house.run.mqtt
    const topic = `iot/node/${id}${granted}/telemetry`
    const { heard } = await client.listen(port, `${id}${granted}`, true, granted, topic)
    for (const qos of qualities) await client.publish(port, qos, topic, [payload(`${qos} a`), payload(`${qos} b`)])
    await client.publish(port, 1, topic, ['end'])
    const expected = qualities.flatMap(qos =>
      ['a', 'b'].map(which => `${Math.min(qos, granted)} 0 ${payload(`${qos} ${which}`)}`),
    )
    expect(byQos(await heard)).toEqual(byQos([...expected, `${Math.min(1, granted)} 0 end`]))
  })

  test.skipIf(!client.there)(
    'sessions that are kept get what they missed, over a restart and over kill -9, once and in order',
    async () => {
      const topic = `iot/node/${id}9/telemetry`
      const publishAll = async (when: string): Promise<void> => {
        for (const qos of qualities) await client.publish(house.run.mqtt.port, qos, topic, [payload(`${qos} ${when}`)])
      }
      for (const granted of qualities) await client.leave(house.run.mqtt.port, `${id}kept${granted}`, granted, topic)
      await publishAll('before')
      expect(await house.stop()).toBe(0)
      house = await up(data.dir)
      await publishAll('between')
      await house.kill()
      house = await up(data.dir)
      await publishAll('after')

      const { port } = house.run.mqtt
      const listeners = await Promise.all(
        qualities.map(granted => client.listen(port, `${id}kept${granted}`, false, granted, topic)),
      )
      await client.publish(port, 1, topic, ['end'])
      for (const granted of qualities) {
        const kept = ['before', 'between', 'after'].flatMap(when =>
          qualities
            .filter(qos => Math.min(qos, granted) > 0)
            .map(qos => `${Math.min(qos, granted)} 0 ${payload(`${qos} ${when}`)}`),
        )
        expect(byQos(await listeners[granted]!.heard), `granted ${granted}`).toEqual(
          byQos([...kept, `${Math.min(1, granted)} 0 end`]),
        )
      }
    },
  )
})
