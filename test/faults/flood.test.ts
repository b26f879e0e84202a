import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { type Wire, wire } from '../wire.ts'
import { residentBytes } from './resident.ts'

/** Twenty connections at full speed: what is acknowledged is stored, memory stays bounded, and a quiet node, the API and the page
 *  go on beside them. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const MiB = 1024 * 1024
/** Above what was measured on Node 20 (231 MiB with 117,000 readings in 4 s, 360 MiB with 14,000 rejects of 4 KiB), and far below
 *  what it would be if anything were kept that can't be written. */
const residentBound = 600 * MiB

let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
beforeEach(async () => {
  data = await temporaryData()
  house = await up(data.dir, '--seal-rows', '100000')
})
afterEach(async () => {
  await house.kill()
  await data.remove()
})

const firstMs = Date.UTC(2026, 1, 1)
const message = (node: string, seq: number): string =>
  JSON.stringify({
    node_id: `node_${node}`,
    timestamp: (firstMs + seq) / 1000,
    sensors: { temperature: 20 + (seq % 100) / 10, humidity: 40, pressure: 1000 + (seq % 7), light: seq % 500, battery: 3.7 },
    boot: 5,
    seq,
  })

/** Keeps `window` messages on their way until told to stop; answers with how many were sent, all acknowledged in order. */
async function flood(at: Wire, node: string, window: number, more: () => boolean): Promise<number> {
  let sent = 0
  const lane = async (): Promise<void> => {
    while (more()) await at.publish(`iot/node/${node}/telemetry`, message(node, sent++))
  }
  await Promise.all(Array.from({ length: window }, lane))
  return sent
}

async function expectExactly(node: string, count: number): Promise<void> {
  const exported = await house.cli('export', '--node', node, '--format', 'csv', '--sensor', 'light')
  const rows = exported.stdout.trimEnd().split('\n').slice(1)
  expect(rows.length, node).toBe(count)
  rows.forEach((row, seq) => {
    const wanted = `${new Date(firstMs + seq).toISOString()},${node},5,${seq},${seq % 500}`
    if (row !== wanted) expect.fail(`${row} where ${wanted} was acknowledged`)
  })
}

describe('a flood from twenty connections', () => {
  test('is stored as far as it is acknowledged, in bounded memory, and harms nobody beside it', async () => {
    const enough = performance.now() + 4_000 * scale
    const nodes = Array.from({ length: 20 }, (_, i) => `flood-${i}`)
    const wires = await Promise.all(nodes.map(node => wire(house.run.mqtt, node)))
    const quiet = await wire(house.run.mqtt, 'quiet')
    let flooding = true
    let quietSent = 0
    // It goes on until the quiet node has had its turns: were those starved, it would never end.
    const more = (): boolean => performance.now() < enough || quietSent < 20
    const floods = Promise.all(wires.map((at, i) => flood(at, nodes[i]!, 100, more)))
    const resident: number[] = []
    const beside = (async () => {
      // Each turn a reading of a quiet node is acknowledged and the API answers, while the flood goes on.
      while (flooding) {
        await quiet.publish('iot/node/quiet/telemetry', message('quiet', quietSent++))
        expect((await house.api('/healthz')).status).toBe(200)
        expect((await house.api('/api/nodes/quiet')).body.stored).toBe(quietSent)
        resident.push(residentBytes(house.pid))
      }
    })()
    const sent = await floods
    flooding = false
    await beside
    const total = sent.reduce((sum, n) => sum + n, 0)
    expect(total).toBeGreaterThan(10_000)
    expect(quietSent).toBeGreaterThanOrEqual(20)
    expect(Math.max(...resident)).toBeLessThan(residentBound)
    for (const [i, node] of nodes.entries()) await expectExactly(node, sent[i]!)
    await expectExactly('quiet', quietSent)
    const { body } = await house.api('/api/ledger?limit=1000')
    for (const report of body.items) expect(report).toMatchObject({ missing: 0, lost: 0, rejected: 0, duplicates: 0 })
    expect((await house.api('/api/rejects/counts')).body.total).toBe(0)
    for (const at of [...wires, quiet]) at.end()
  })

  test('of messages nobody can read keeps the newest rejects, counts all, and stays bounded', async () => {
    const wires = await Promise.all(Array.from({ length: 20 }, (_, i) => wire(house.run.mqtt, `noise-${i}`)))
    const noise = Buffer.alloc(8 * 1024, '{"x":')
    const each = 700 * scale
    await Promise.all(
      wires.map(async (at, i) => {
        const lane = async (): Promise<void> => {
          for (let n = 0; n < each / 50; n++) await at.publish(`iot/node/noise-${i}/telemetry`, noise)
        }
        await Promise.all(Array.from({ length: 50 }, lane))
      }),
    )
    const { body: counts } = await house.api('/api/rejects/counts')
    expect(counts.total).toBe(20 * each)
    expect(counts.by_reason).toEqual({ bad_json: 20 * each })
    const metrics = (await house.api<string>('/metrics')).body
    const kept = Number(/^espalier_rejects_kept (\d+)$/m.exec(metrics)![1])
    expect(kept).toBeGreaterThan(5_000)
    expect(kept).toBeLessThanOrEqual(10_000)
    expect(residentBytes(house.pid)).toBeLessThan(residentBound)
    expect((await house.api('/api/nodes')).body.items).toEqual([])
    for (const at of wires) at.end()
  })

  test('at QoS 0 is paused by its socket, and nothing of it is dropped', async () => {
    const at = await wire(house.run.mqtt, 'zero')
    const count = 60_000
    const packets: Buffer[] = []
    for (let seq = 0; seq < count; seq++) packets.push(qos0('zero', message('zero', seq)))
    at.socket.write(Buffer.concat(packets))
    // Behind them on the same connection: what is acknowledged came after all of them.
    await at.publish('iot/node/zero/log', 'the end')
    expect(residentBytes(house.pid)).toBeLessThan(residentBound)
    await expectExactly('zero', count)
    await until('a house that is well', async () => ((await house.api('/healthz')).body.checks.ingest.ok ? true : undefined))
    at.end()
  })
})

function qos0(node: string, payload: string): Buffer {
  const topic = Buffer.from(`iot/node/${node}/telemetry`)
  const body = Buffer.from(payload)
  const length = 2 + topic.length + body.length
  const head = [0x30, ...(length < 128 ? [length] : [(length % 128) | 0x80, length >> 7])]
  return Buffer.concat([Buffer.from([...head, topic.length >> 8, topic.length & 0xff]), topic, body])
}
