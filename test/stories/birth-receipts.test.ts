import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { type Wire, wire } from '../wire.ts'

/** What a node must hear when it is born (wire contract §3, §4): what is settled, whether or not it had a receipt before. */
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
let node: Wire

beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir)
  node = await wire(house.run.mqtt, 'born')
  await node.subscribe('iot/node/born/receipt')
})
afterAll(async () => {
  node?.end()
  await house?.stop()
  await data?.remove()
})

const receipts = () => node.received.length
const state = async () => (await house.api('/api/nodes/born')).body.state
const status = (more: object) =>
  node.publish('iot/node/born/status', JSON.stringify({ node_id: 'node_born', interval: 0.2, ...more }), { retain: true })
/** Births so far: each has to bring one receipt, and the count at the end shows that nothing else did. */
let births = 0
async function birth(more: object): Promise<void> {
  await status({ online: true, ...more })
  births++
  await until(`receipt ${births}`, async () => (receipts() > births ? true : undefined))
}

test('each birth brings a receipt, also that of a node whose telemetry is late; a status that is none brings none', async () => {
  const reading = { node_id: 'node_born', timestamp: 1_704_844_800, boot: 7, seq: 0, sensors: { a: 1 } }
  await node.publish('iot/node/born/telemetry', JSON.stringify(reading))
  await until('the receipt of the reading', async () => (receipts() > 0 ? true : undefined))
  await birth({ boot: 7, interval: 3600 })
  await status({ online: true, boot: 7, interval: 3600 })
  await status({ online: true, boot: 7 })
  await until('late', async () => ((await state()) === 'late' ? true : undefined))
  await birth({ boot: 7 })
  await status({ online: false, boot: 7 })
  await birth({ boot: 7 })
  await birth({ boot: 8, interval: 3600 })
  const settled = { receipts: [{ boot: 7, seq: 0, seen: 0 }] }
  expect(node.received.map(({ payload }) => JSON.parse(payload.toString()))).toEqual(Array(1 + births).fill(settled))
})
