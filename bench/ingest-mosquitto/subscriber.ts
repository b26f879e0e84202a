import { rm } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { connect } from 'mqtt'
import mqttPacket from 'mqtt-packet'
import type { Incoming } from '../../src/broker/broker.ts'
import { openMosquittoBroker } from '../../src/broker/mosquitto/mosquitto.ts'
import { Framing } from '../../src/broker/wire/framing.ts'
import { answer, writeAnswer } from '../../src/broker/wire/packets.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import { openDurableLane } from '../broker/durable-lane.ts'

/** One subscriber of bench/ingest-mosquitto.ts, in a process of its own. Says `ready` over IPC; asked anything, it answers with how many
 *  came and when the last one did (ms of its clock). */
let count = 0
let lastMs = 0
const came = (n: number): void => {
  count += n
  lastMs = performance.now()
}

/** All that a PUBACK of ours promises: lane, ledger and a synced journal, without the store, which is behind the acknowledgement. */
async function ours(port: number): Promise<void> {
  const { dir, lane } = await openDurableLane('bench-ingest-')
  openMosquittoBroker(
    {
      host: '127.0.0.1',
      port,
      tls: false,
      credentials: async () => ({ user: null, password: null, ca: null, cert: null, key: null }),
      clientId: '_manager',
      clock: systemClock,
      random: seeded(1),
      onUp: ready,
    },
    {
      accept: async (group: readonly Incoming[]) => {
        await lane.accept(group)
        came(group.length)
      },
      oversize: () => {},
      reachability: () => {},
      authenticate: async () => null,
    },
  )
  process.on('disconnect', () => void rm(dir, { recursive: true, force: true }).then(() => process.exit()))
}

/** The usual way: a handler for each message, which parses it and keeps nothing. */
function mqttjs(port: number): void {
  const client = connect({ host: '127.0.0.1', port, clientId: '_manager', clean: false })
  client.on('message', (_, payload) => {
    JSON.parse(payload.toString())
    came(1)
  })
  client.subscribe('iot/node/+/telemetry', { qos: 1 }, ready)
}

/** What mosquitto can hand to one subscriber at all: acknowledged unseen. */
function ceiling(port: number): void {
  const socket = connectPlain({ host: '127.0.0.1', port, noDelay: true })
  const framing = new Framing(66_560)
  let ids: number[] = []
  const seen = (bytes: Buffer, first: number, start: number): boolean => {
    if (first >> 4 === 9) ready()
    if (first >> 4 !== 3) return true
    came(1)
    if ((first & 6) !== 0) ids.push(bytes.readUInt16BE(start + 2 + bytes.readUInt16BE(start)))
    return true
  }
  socket.on('data', chunk => {
    framing.feed(chunk, seen)
    const out = Buffer.allocUnsafe(4 * ids.length)
    let at = 0
    for (const id of ids) at = writeAnswer(out, at, answer.puback, id)
    ids = []
    if (at > 0) socket.write(out)
  })
  const hello = {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: '_manager',
    clean: false,
    keepalive: 0,
  } as const
  socket.write(mqttPacket.generate(hello))
  const subscriptions = [{ topic: 'iot/node/+/telemetry', qos: 1 as const }]
  socket.write(mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
}

const ready = (): void => void process.send!('ready')

export async function run(kind: string, port: string): Promise<void> {
  process.on('message', () => process.send!({ count, sinceLastMs: performance.now() - lastMs }))
  process.on('disconnect', () => setTimeout(() => process.exit(), 500))
  await { ours, mqttjs, ceiling }[kind]!(Number(port))
}
