import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { type RawClient, rawClient, tryRawClient } from './client.ts'

/** kill -9 of the broker while publishers write at full speed for subscribers that are not there. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
let room: string
const bundle = fileURLToPath(new URL(`../../node_modules/.cache/broker-kill-${process.pid}.mjs`, import.meta.url))
let running: ChildProcess | null = null

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'broker-kill-'))
  const entry = fileURLToPath(new URL('./server.ts', import.meta.url))
  // Beside node_modules: the keep's binary is found from there.
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: bundle })
})
afterAll(async () => {
  running?.kill('SIGKILL')
  await rm(bundle, { force: true })
  await rm(room, { recursive: true })
})

async function start(keep: string): Promise<{ port: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [bundle, keep], { stdio: ['ignore', 'pipe', 'inherit'] })
  running = child
  const [port] = await once(createInterface({ input: child.stdout }), 'line')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  return { port: Number(port), kill }
}

/** Publishes numbers at `qos` with a window of 20, until the connection ends; answers with what was acknowledged (PUBACK, PUBREC),
 *  and what is open: sent and not acknowledged. */
async function publishUntilCut(client: RawClient, qos: 1 | 2, from: number): Promise<{ acknowledged: number[]; next: number }> {
  const acknowledged: number[] = []
  let next = from
  const window = async (): Promise<void> => {
    for (;;) {
      const n = next++
      const messageId = (n % 60_000) + 1
      client.send({
        cmd: 'publish',
        topic: `iot/node/q${qos}/telemetry`,
        payload: `${n}`,
        qos,
        retain: false,
        dup: false,
        messageId,
      })
      await client.expect(qos === 1 ? 'puback' : 'pubrec', messageId)
      acknowledged.push(n)
      if (qos === 2) await client.expect('pubcomp', messageId)
    }
  }
  await Promise.allSettled(Array.from({ length: 20 }, window))
  return { acknowledged, next }
}

test('every message acknowledged before a kill is delivered after it, QoS 2 once', async () => {
  const keep = join(room, 'keep')
  const random = seeded(4711)
  let server = await start(keep)
  for (const qos of [1, 2] as const) {
    const subscriber = await rawClient({ port: server.port, clientId: `sub${qos}`, clean: false })
    await subscriber.subscribe({ [`iot/node/q${qos}/telemetry`]: qos })
    await subscriber.disconnect()
  }
  let next = 0
  for (let round = 0; round < 4 * scale; round++) {
    const publishers = await Promise.all(
      [1, 2].map(qos => rawClient({ port: server.port, clientId: `pub${qos}-${round}`, clean: false })),
    )
    const done = Promise.all(publishers.map((client, i) => publishUntilCut(client, (i + 1) as 1 | 2, next)))
    const enough = 100 + random.below(400)
    await publishers[0]!.until(() => publishers[0]!.packets.length > enough)
    await server.kill()
    const sent = await done
    server = await start(keep)
    for (const [i, { acknowledged }] of sent.entries()) {
      const qos = i + 1
      const { client, sessionPresent } = await tryRawClient({ port: server.port, clientId: `sub${qos}`, clean: false })
      expect(sessionPresent).toBe(true)
      await client.until(() => {
        const got = new Set(client.messages.map(({ payload }) => Number(payload.toString())))
        return acknowledged.every(n => got.has(n))
      })
      const numbers = client.messages.map(({ payload }) => Number(payload.toString()))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      expect(new Set(numbers).size).toBe(numbers.length)
      expect(acknowledged.length).toBeGreaterThan(20)
      // What was acknowledged to the broker must not come again: it has to be settled before the next kill.
      await client.ping()
      await client.disconnect()
    }
    next = Math.max(...sent.map(({ next }) => next))
  }
  await server.kill()
})
