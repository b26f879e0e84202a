import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { cli, temporaryData, up } from '../espalier.ts'
import { startPublisher } from '../publisher.ts'

/** Every acknowledged reading is read back once, whatever moment the server is killed at. Two publishers at full speed, one with
 *  boot and seq, one without; a small hot set, so that some kills fall into a seal. The seed is printed with a failure. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const rounds = scale >= 10 ? 200 : 25
const firstMs = Date.UTC(2026, 0, 2)

/** A payload and the (node, time, value) it stands for. */
function readings(node: string, boot: number | null) {
  let n = 0
  return {
    next: (): string => {
      const timestamp = (firstMs + n) / 1000
      const extra = boot === null ? {} : { boot, seq: n }
      return JSON.stringify({ node_id: `node_${node}`, timestamp, sensors: { value: n++, half: n / 2 }, ...extra })
    },
  }
}

test(`${rounds} times kill -9 at a random moment: each acknowledged reading is exported once`, {
  timeout: 1_800_000,
}, async () => {
  const seed = Number(process.env.ESPALIER_SEED ?? 20261124)
  const random = seeded(seed)
  const data = await temporaryData()
  const streams = { with: readings('with', 77), without: readings('without', null) }
  const list = (node: string) => join(data.dir, `acknowledged-${node}`)
  try {
    let rounded = 0
    for (let round = 0; round < rounds; round++) {
      const house = await up(data.dir, '--seal-rows', '4000')
      const publishers = await Promise.all(
        (['with', 'without'] as const).map(node =>
          startPublisher({
            ...house.run.mqtt,
            clientId: node,
            topic: `iot/node/${node}/telemetry`,
            list: list(node),
            window: 200,
            next: streams[node].next,
          }),
        ),
      )
      await Promise.all(publishers.map(p => p.reached(1000 + random.below(1500))))
      await house.kill()
      await Promise.all(publishers.map(p => p.ended))
      const acknowledged = publishers.reduce((sum, p) => sum + p.acknowledged.length, 0)
      expect(acknowledged, `round ${round}, seed ${seed}`).toBeGreaterThanOrEqual(2000)
      rounded += acknowledged
    }

    const house = await up(data.dir, '--seal-rows', '4000')
    const exported = await cli(['export', '--format', 'jsonl'], { data: data.dir })
    expect(exported.stderr).toBe('')
    await house.stop()
    const rows = new Map<string, number>()
    for (const row of exported.lines()) {
      const key = `${row.node} ${row.time}`
      expect(rows.has(key), `${key} twice, seed ${seed}`).toBe(false)
      rows.set(key, row.fields.value)
    }
    let checked = 0
    for (const node of ['with', 'without']) {
      for (const line of readFileSync(list(node), 'utf8').trimEnd().split('\n')) {
        const sent = JSON.parse(line)
        const key = `${node} ${Math.round(sent.timestamp * 1000)}`
        if (rows.get(key) !== sent.sensors.value)
          expect.fail(`${key} acknowledged as ${sent.sensors.value}, read back ${rows.get(key)}; seed ${seed}`)
        checked++
      }
    }
    expect(checked).toBe(rounded)
  } finally {
    await data.remove()
  }
})
