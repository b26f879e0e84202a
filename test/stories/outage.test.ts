import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../broker/mosquitto.ts'
import { cli, temporaryData, type Up, until, up } from '../espalier.ts'
import { buildHostNode, hostToolsThere, startNode } from '../firmware/host-node.ts'

/** The broker was away for a day. Two real nodes measured on, a reading every ten seconds, by a clock that is faster until it is now; then
 *  the broker is there, and the day comes in beside what is measured meanwhile. 01 has room for all of it, 02 for 2,000 readings. */
const daySeconds = 86_400
const intervalS = 10
const perDay = daySeconds / intervalS
const rate = 1_000
/** A node that is held up takes no reading twice as fast afterwards, so on a busy machine some are never taken: it is away for longer
 *  than a day. */
const awayS = daySeconds * 1.4
const small = 2_000

interface Row {
  readonly node: string
  readonly time: number
  readonly boot: number
  readonly seq: number
}

interface Heard {
  readonly at: number
  readonly batch: boolean
  readonly newest: number
}

describe.skipIf(!hostToolsThere)('a day without the broker (needs g++, cmake, libssl-dev)', () => {
  const ends: (() => unknown)[] = []
  let house: Up
  let dir: string
  const heard: Heard[] = []
  const day = new Map<string, number>()

  const taken = (id: string): Row[] =>
    readFileSync(join(dir, `${id}.taken`), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Row)
  const rows = async (id: string): Promise<Row[]> =>
    (await cli(['export', '--node', id, '--format', 'jsonl'], { data: house.data })).lines<Row>()
  const ledger = async (id: string) => (await house.cli('ledger', id, '--json')).json()[0]
  const status = async (id: string) => (await house.api(`/api/nodes/${id}`)).body.status

  beforeAll(async () => {
    const binary = await buildHostNode()
    const [data, state] = [await temporaryData(), await temporaryData()]
    ends.push(data.remove, state.remove)
    dir = state.dir
    const port = await freePort()
    const clock = ['--clock-start', `${Math.floor(Date.now() / 1_000 - awayS)}`, '--clock-rate', `${rate}`]
    for (const [id, ring] of [
      ['01', []],
      ['02', ['--ring', `${small}`]],
    ] as const) {
      const files = ['--state', join(dir, id), '--reading-log', join(dir, `${id}.taken`)]
      const flags = ['--id', id, '--broker', `mqtt://127.0.0.1:${port}`, '--interval', `${intervalS}`]
      const node = await startNode(binary, ...flags, ...files, ...clock, ...ring)
      ends.push(() => node.stop('SIGKILL'))
    }
    // Their clock reaches now after a day of their own and more.
    await sleep((awayS / rate) * 1_000 + 3_000)
    for (const id of ['01', '02']) day.set(id, taken(id).length)
    house = await up(data.dir, '--mqtt-port', `${port}`)
    ends.push(() => house.stop())

    const ear = await connectAsync(`mqtt://127.0.0.1:${port}`)
    ends.push(() => ear.endAsync(true))
    ear.on('message', (_, payload) => {
      const { readings, timestamp } = JSON.parse(`${payload}`) as { readings?: { timestamp: number }[]; timestamp?: number }
      heard.push({ at: Date.now(), batch: readings !== undefined, newest: 1_000 * (readings?.at(-1)?.timestamp ?? timestamp!) })
    })
    await ear.subscribeAsync('iot/node/01/telemetry', { qos: 1 })
    for (const id of ['01', '02']) {
      await until(`${id} is back`, async () => ((await status(id))?.online ? true : undefined), 90_000)
      await house.cli('send', id, 'set_interval', 'seconds=1', '--json')
    }
  }, 400_000)
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  const drained = (id: string): Promise<true> =>
    until(
      `the backlog of ${id} is gone`,
      async () => {
        await house.cli('send', id, 'get_status', '--json')
        return (await status(id))?.backlog <= 3 && (await ledger(id))?.missing === 0 ? true : undefined
      },
      240_000,
    )

  test('all of it arrives, each reading with its own time; what is live does not wait', { timeout: 300_000 }, async () => {
    await drained('01')
    expect(day.get('01')).toBeGreaterThanOrEqual(perDay)
    const stored = new Map((await rows('01')).map(row => [`${row.boot}/${row.seq}`, row.time]))
    // Its own time: the log's clock is read a moment beside the reading's, and a moment is long at this pace.
    const ofTheDay = taken('01').slice(0, day.get('01'))
    const wrong = ofTheDay.filter(({ boot, seq, time }) => !(Math.abs((stored.get(`${boot}/${seq}`) ?? 0) - time) <= 100 * rate))
    expect(wrong).toEqual([])
    expect(await ledger('01')).toMatchObject({ missing: 0, lost: 0, rejected: 0, dropped: 0 })

    const batches = heard.filter(({ batch, newest, at }) => batch && at - newest > 60_000)
    expect(batches.length).toBeGreaterThan(50)
    // Four a second: 41 of them span ten seconds, less what a busy machine bunches at the subscriber (the ring's own tests are exact).
    const tooClose = batches.slice(40).filter(({ at }, i) => at - batches[i]!.at < 9_500)
    expect(tooClose).toEqual([])
    const between = heard.filter(({ at }) => at > batches[0]!.at && at < batches.at(-1)!.at)
    const live = between.filter(({ batch, newest }) => !batch && newest > heard[0]!.at)
    expect(live.length).toBeGreaterThan(5)
    expect(live.filter(({ at, newest }) => at - newest > 2_000)).toEqual([])
  })

  test('a smaller ring loses exactly what it says, and the ledger says the same', { timeout: 300_000 }, async () => {
    await drained('02')
    const { boot, dropped } = await status('02')
    const seqs = (await rows('02')).map(({ seq }) => seq)
    // The oldest went: what is there is a run without a hole that begins where the loss ends.
    const first = Math.min(...seqs)
    expect(Math.max(...seqs) - first + 1).toBe(seqs.length)
    expect(taken('02')[0]).toMatchObject({ seq: 0, boot })
    expect(day.get('02')! - first).toBeGreaterThan(small * 0.9)
    expect(day.get('02')! - first).toBeLessThanOrEqual(small)
    const account = await ledger('02')
    expect({ dropped, lost: account.lost, missing: account.missing }).toEqual({ dropped: first, lost: first, missing: 0 })
    expect(account.expected).toBe(account.stored + account.lost)
  })
})
