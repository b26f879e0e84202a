import { connectAsync, type MqttClient } from 'mqtt'
import type { NodeView } from '../src/api/nodes.ts'
import { type Random, seeded } from '../src/kit/random.ts'
import { type Up, until } from '../test/espalier.ts'

/** Gives a house what a house has after a day: names and tags, the day before, a board that fell silent, one that lost readings,
 *  commands in several states, and a first sketch with a mistake in it. */
const stepMs = 20_000
const dayMs = 86_400_000

export async function furnish(house: Up): Promise<void> {
  const nodes = await until('first readings of all', async () => {
    const { items } = (await house.api<{ items: NodeView[] }>('/api/nodes')).body
    return items.length === 3 && items.every(node => node.last_reading !== null) ? items : undefined
  })
  const client = await connectAsync(`mqtt://${house.run.mqtt.host}:${house.run.mqtt.port}`)
  for (const [i, node] of nodes.entries()) await publishDay(client, node, seeded(i).fork(node.id))
  await name(house, 'sim-1', 'Greenhouse', ['garden'])
  await name(house, 'sim-2', 'Living room', ['house'])
  await name(house, 'sim-3', 'Cellar', ['house'])
  await publishPump(client)
  await firstSketch(client)
  await client.endAsync()
  await house.cli('send', 'sim-1', 'set_led', 'state=on', 'brightness=128')
  await house.cli('send', 'sim-1', 'read_now')
  await house.cli('send', 'sim-2', 'identify', 'seconds=1')
  await house.cli('send', 'pump', 'pulse_output', 'name=valve', 'ms=1500', '--no-wait')
}

async function name(house: Up, id: string, text: string, tags: readonly string[]): Promise<void> {
  const body = JSON.stringify({ name: text, tags })
  await house.api(`/api/nodes/${id}`, { method: 'PATCH', body, headers: { 'content-type': 'application/json' } })
}

/** A board with boot and seq: some readings never came, and now it is silent. */
async function publishPump(client: MqttClient): Promise<void> {
  const topic = 'iot/node/pump/telemetry'
  const status = { node_id: 'node_pump', online: true, boot: 7, interval: 2, board: 'esp32-c3', firmware: { version: '1.4.2' } }
  const sensors = [
    { name: 'flow', unit: 'l/min' },
    { name: 'soil_moisture', unit: '%' },
  ]
  await client.publishAsync(
    'iot/node/pump/status',
    JSON.stringify({ ...status, reset_reason: 'brownout', uptime: 5400, sensors }),
  )
  const end = await serverSeconds()
  const random = seeded(9)
  for (const [from, to] of [
    [0, 200],
    [218, 270],
  ] as const) {
    const readings = Array.from({ length: to - from }, (_, i) => ({
      timestamp: end - (270 - from - i) * 2,
      seq: from + i,
      sensors: { flow: rounded(4 + random.normal() * 0.2, 2), soil_moisture: rounded(41 - (from + i) / 90, 1) },
    }))
    await client.publishAsync(topic, JSON.stringify({ node_id: 'node_pump', boot: 7, seq: from, readings }), { qos: 1 })
  }
}

const serverSeconds = async (): Promise<number> => Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000)

/** What somebody sends who tries for the first time. */
async function firstSketch(client: MqttClient): Promise<void> {
  const tries: readonly (readonly [string, string])[] = [
    ['iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"temperature":"22.5"}}'],
    ['iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"temperature":22.5}'],
    ['iot/node/bench/telemetry', '{"node_id":"node_bench","timestamp":1772366400000,"sensors":{"temperature":22.5}}'],
    ['iot/nodes/bench/telemetry', '{"node_id":"node_bench","sensors":{"temperature":22.5}}'],
    ['iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"temperature":22.5}}'],
  ]
  for (const [topic, payload] of tries) await client.publishAsync(topic, payload, { qos: 1 })
}

/** A day that ends in what the node measures now. */
async function publishDay(client: MqttClient, node: NodeView, random: Random): Promise<void> {
  const end = node.last_reading!
  const warmestH = 14 + 2 * random.next()
  const sun = (ms: number): number => 2.6 * Math.cos(((ms / 3_600_000 - warmestH) / 24) * 2 * Math.PI)
  const readings: { timestamp: number; sensors: Record<string, number> }[] = []
  // Backwards, straying from what is measured now.
  let [drift, damp, weather] = [0, 0, 0]
  for (let ms = end - stepMs; ms > end - dayMs; ms -= stepMs) {
    drift = 0.997 * drift + 0.025 * random.normal()
    damp = 0.997 * damp + 0.12 * random.normal()
    weather = 0.9997 * weather + 0.06 * random.normal()
    const warmer = sun(ms) - sun(end) + drift
    readings.unshift({
      timestamp: ms / 1000,
      sensors: {
        temperature: rounded(node.last.temperature! + warmer + random.normal() * 0.05, 2),
        humidity: rounded(node.last.humidity! - 4 * warmer + damp + random.normal() * 0.2, 1),
        pressure: rounded(node.last.pressure! + weather + random.normal() * 0.05, 1),
      },
    })
  }
  for (let at = 0; at < readings.length; at += 256) {
    const batch = { node_id: `node_${node.id}`, readings: readings.slice(at, at + 256) }
    await client.publishAsync(`iot/node/${node.id}/telemetry`, JSON.stringify(batch), { qos: 1 })
  }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
