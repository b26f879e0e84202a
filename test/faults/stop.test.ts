import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { type Wire, wire } from '../wire.ts'

/** SIGTERM while messages pour in: it ends in time with 0, every acknowledged reading is there at once after the restart, and the
 *  data directory is free for the next the moment it has ended. */
let data: Awaited<ReturnType<typeof temporaryData>>
let running: Up[] = []
beforeEach(async () => {
  data = await temporaryData()
})
afterEach(async () => {
  for (const house of running) await house.kill()
  running = []
  await data.remove()
})

const firstMs = Date.UTC(2026, 2, 1)
const rounds = 3

test('SIGTERM under load loses nothing that was acknowledged', async () => {
  const nodes = Array.from({ length: 8 }, (_, i) => `load-${i}`)
  const acknowledged = new Map(nodes.map(node => [node, new Set<number>()]))
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const house = await up(data.dir, '--seal-rows', '5000', '--sim', '3', '--sim-interval', '0.1')
    running.push(house)
    const wires = await Promise.all(nodes.map(node => wire(house.run.mqtt, node)))
    const floods = wires.map((at, i) => pour(at, nodes[i]!, acknowledged.get(nodes[i]!)!, () => next++))
    const before = total(acknowledged)
    await until('load', async () => (total(acknowledged) - before > 6000 ? true : undefined))
    const asked = performance.now()
    expect(await house.stop()).toBe(0)
    expect(performance.now() - asked).toBeLessThan(5000) // interface.md: within 5 s
    await Promise.all(floods)
    expect(house.stderr()).not.toMatch(/"level":"(error|fatal)"/)
  }

  const house = await up(data.dir)
  running.push(house)
  const exported = await house.cli('export', '--format', 'csv', '--sensor', 'v')
  const stored = new Map(nodes.map(node => [node, new Map<number, string>()]))
  for (const line of exported.stdout.trimEnd().split('\n').slice(1)) {
    const [time, node, , seq, v] = line.split(',') as [string, string, string, string, string]
    const rows = stored.get(node)!
    expect(rows.has(Number(seq)), `${node} ${seq} twice`).toBe(false)
    rows.set(Number(seq), `${time} ${v}`)
  }
  for (const [node, seqs] of acknowledged)
    for (const seq of seqs)
      if (stored.get(node)!.get(seq) !== `${new Date(firstMs + seq).toISOString()} ${seq}`)
        expect.fail(`${node} ${seq} was acknowledged and is not stored: ${stored.get(node)!.get(seq)}`)
  expect(total(acknowledged)).toBeGreaterThan(rounds * 6000)
  expect(await house.stop()).toBe(0)
})

const total = (acknowledged: ReadonlyMap<string, ReadonlySet<number>>): number =>
  [...acknowledged.values()].reduce((sum, seqs) => sum + seqs.size, 0)

/** 50 messages on their way until the connection ends. */
async function pour(at: Wire, node: string, acknowledged: Set<number>, draw: () => number): Promise<void> {
  const lane = async (): Promise<void> => {
    for (;;) {
      const seq = draw()
      const reading = { timestamp: (firstMs + seq) / 1000, sensors: { v: seq }, boot: 8, seq }
      await at.publish(`iot/node/${node}/telemetry`, JSON.stringify({ node_id: `node_${node}`, ...reading }))
      acknowledged.add(seq)
    }
  }
  await Promise.allSettled(Array.from({ length: 50 }, lane))
}
