import { spawn } from 'node:child_process'
import { createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { openSocket } from '../broker/client.ts'
import { freePort, hasMosquitto } from '../broker/mosquitto.ts'
import { until } from '../espalier.ts'
import { buildHostNode, type HostNode, hostToolsThere, nodeHouse } from '../firmware/host-node.ts'

/** The same commands, byte for byte, a hundred times, while the node restarts, is killed, loses its line and its broker: each runs once, and
 *  every repeat is answered with what became of it then. The witness is the log that is on the disk before an effect. */
const seed = Number(process.env.ESPALIER_SEED ?? 20261124)
const replays = 100

interface Ack {
  readonly id: string
  readonly state: string
  readonly [key: string]: unknown
}
const finals = ['done', 'failed', 'rejected', 'expired']

/** mosquitto, and before it a line that can be cut. */
async function broker() {
  const port = await freePort()
  let server: ReturnType<typeof spawn>
  const start = async (): Promise<void> => {
    server = spawn('mosquitto', ['-p', String(port)], { stdio: 'ignore' })
    await until('mosquitto', () =>
      openSocket(port).then(
        socket => socket.destroy(),
        () => undefined,
      ),
    )
  }
  const kill = async (): Promise<void> => {
    const gone = new Promise(done => server.once('exit', done))
    server.kill('SIGKILL')
    await gone
  }
  await start()
  const sockets = new Set<Socket>()
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const line = createServer(near => {
    const far = dial(port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
        .pipe(other)
    }
  })
  await new Promise<void>(done => line.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    line.close()
    cut()
    await kill()
  })
  return { port, line: (line.address() as { port: number }).port, kill, start, cut }
}

/** What the node is told, and all that it answered. */
async function desk(port: number) {
  const link = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 20, connectTimeout: 2_000 })
  onTestFinished(() => link.endAsync(true))
  const acks: Ack[] = []
  let births = 0
  link.on('message', (topic, payload) => {
    const body = JSON.parse(`${payload}`)
    if (topic.endsWith('/ack')) acks.push(body)
    else if (body.online) births++
  })
  await link.subscribeAsync(['iot/node/n1/ack', 'iot/node/n1/status'], { qos: 1 })
  const say = (body: string) => link.publishAsync('iot/node/n1/command', body, { qos: 1 })
  const finalsOf = (id: string): Ack[] => acks.filter(ack => ack.id === id && finals.includes(ack.state))
  return {
    acks,
    say,
    finalsOf,
    births: () => births,
    /** Said until it is answered: what a line that is cut takes with it was not heard by the node. */
    async answered(id: string, body: string): Promise<Ack> {
      const before = finalsOf(id).length
      let said = 0
      return until(`an answer to ${id}, seed ${seed}`, async () => {
        if (finalsOf(id).length > before) return finalsOf(id).at(-1)!
        if (said === 0 || performance.now() - said > 2_000) {
          said = performance.now()
          await say(body)
        }
        return undefined
      })
    },
  }
}

/** Without what an ack says of its own moment. */
const ending = ({ timestamp, ...rest }: Ack): object => rest

beforeAll(async () => {
  if (hostToolsThere) await buildHostNode()
}, 240_000)

test.skipIf(!hostToolsThere || !hasMosquitto)(
  `commands replayed ${replays} times over reboots, kills, cut lines and a broker that goes: each runs once`,
  { timeout: 300_000 },
  async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    const { answered, say, finalsOf, acks, births } = await desk(there.port)
    const random = seeded(seed)
    let node!: HostNode
    let boots = 0
    let starts = 0
    const start = async (): Promise<void> => {
      starts++
      node = await house.node(
        'n1',
        `mqtt://127.0.0.1:${there.line}`,
        // Slow flash: a kill falls between two writes more often.
        ...['--interval', '1', '--fault', 'flash-slow=3', '--exec-log', house.file('executed')],
      )
    }
    const end = async (): Promise<void> => {
      await node.stop('SIGKILL')
      boots += node.boots.length
    }
    const born = async (act: () => unknown): Promise<void> => {
      const before = births()
      await act()
      await until('a birth', async () => (births() > before ? true : undefined), 60_000)
    }
    const order = (id: string, command: string, params = {}): string => JSON.stringify({ id, command, params })
    const valve = order('valve-open', 'set_output', { name: 'relay', value: 1 })
    const lamp = order('lamp', 'identify', { seconds: 60 })

    await born(start)
    const first = await answered('valve-open', valve)
    expect(first).toMatchObject({ state: 'done', result: { name: 'relay', value: 1 } })
    // One that the power ends while it runs.
    await say(lamp)
    await until('it runs', async () => acks.find(({ id, state }) => id === 'lamp' && state === 'running'))
    await end()
    await born(start)
    expect(await answered('lamp', lamp)).toMatchObject({ state: 'failed', error: { code: 'interrupted' } })

    const known = new Map([
      ['valve-open', valve],
      ['lamp', lamp],
    ])
    let reboots = 0
    const strikes: readonly (() => Promise<void>)[] = [
      async () => {
        const id = `reboot-${++reboots}`
        known.set(id, order(id, 'reboot'))
        expect(await answered(id, known.get(id)!)).toMatchObject({ state: 'done' })
      },
      () => born(() => say('{"command":"reboot"}')),
      async () => {
        await end()
        await born(start)
      },
      () => born(there.cut),
      () =>
        born(async () => {
          await there.kill()
          await there.start()
        }),
      // Killed about the moment at which it hears of something new.
      async () => {
        const id = `pump-${known.size}`
        known.set(id, order(id, 'set_output', { name: 'pump', value: 1 }))
        await say(known.get(id)!)
        await sleep(random.below(25))
        await end()
        await born(start)
        await answered(id, known.get(id)!)
      },
    ]
    for (let replay = 0; replay < replays; replay++) {
      expect(ending(await answered('valve-open', valve)), `replay ${replay}, seed ${seed}`).toEqual(ending(first))
      if (replay % 3 > 0) continue
      // Half of them while a repeat of everything is on its way.
      if (random.below(2) === 0) for (const body of known.values()) await say(body)
      await strikes[(replay / 3) % strikes.length]!()
    }
    // 32 ids are remembered; nothing above asks for more.
    expect(known.size).toBeLessThan(32)
    for (const [id, body] of known) {
      await answered(id, body)
      const all = finalsOf(id).map(ending)
      expect(all, `${id}, seed ${seed}`).toEqual(all.map(() => all[0]))
    }
    expect(finalsOf('valve-open').length).toBeGreaterThanOrEqual(replays)

    await node.stop()
    boots += node.boots.length
    const log = await house.lines('executed')
    const runs = (wanted: string): number => log.filter(({ id }) => id === wanted).length
    for (const id of known.keys()) {
      // Cut off between the note in flash and the effect, a command has not run at all, and says that it was interrupted.
      const least = finalsOf(id)[0]!.state === 'done' ? 1 : 0
      expect([least, 1], `${id} ran ${runs(id)} times, seed ${seed}`).toContain(runs(id))
    }
    expect([runs('valve-open'), runs('lamp')]).toEqual([1, 1])
    // And nothing restarted it but a kill and what it was told once.
    const restarts = log.filter(({ command }) => command === 'reboot').length
    expect(restarts).toBeGreaterThan(reboots)
    expect(boots).toBe(starts + restarts)
  },
)
