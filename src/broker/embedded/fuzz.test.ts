import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { type Random, seeded } from '../../kit/random.ts'
import { Framing } from '../wire/framing.ts'
import { Connection } from './connection.ts'
import { Entrance } from './entrance.ts'
import { Exchange } from './exchange.ts'
import { readConnect, readSubscribe, readUnsubscribe } from './guard.ts'
import { forgetfulKeep } from './keep.ts'
import { defaultLimits } from './options.ts'
import { contractPermissions } from './permissions.ts'
import { Reach } from './reach.ts'
import type { Shared } from './shared.ts'
import { Topics } from './topic.ts'

/** Mutated real packets: bits flipped, bytes cut, doubled, moved, lengths changed. Nothing may throw, whatever comes. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const random = seeded(4711)

const real: Buffer[] = (
  [
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: 'node',
      clean: true,
      keepalive: 30,
      username: '01',
      password: Buffer.from('pw'),
      will: { topic: 'iot/node/01/status', payload: Buffer.from('{}'), qos: 1, retain: true },
    },
    { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clientId: 'x', clean: true, keepalive: 0 },
    {
      cmd: 'publish',
      topic: 'iot/node/01/telemetry',
      payload: '{"node_id":"node_01"}',
      qos: 1,
      messageId: 9,
      retain: false,
      dup: false,
    },
    { cmd: 'publish', topic: 'iot/node/ü/log', payload: Buffer.alloc(150), qos: 2, messageId: 300, retain: true, dup: true },
    { cmd: 'publish', topic: 'iot/node/01/log', payload: '', qos: 0, retain: false, dup: false },
    {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'iot/#', qos: 1 },
        { topic: 'iot/node/+/command', qos: 2 },
      ],
    },
    { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['iot/#', 'a'] },
    { cmd: 'puback', messageId: 3 },
    { cmd: 'pubrec', messageId: 3 },
    { cmd: 'pubrel', messageId: 3 },
    { cmd: 'pubcomp', messageId: 3 },
    { cmd: 'pingreq' },
    { cmd: 'disconnect' },
  ] as Packet[]
).map(packet => mqttPacket.generate(packet))

function mutated(random: Random): Buffer {
  const source = real[random.below(real.length)]!
  let bytes = Buffer.from(source)
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(bytes.length)
    switch (random.below(6)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.below(8))
        break
      case 1:
        bytes[at] = random.below(256)
        break
      case 2:
        bytes = bytes.subarray(0, at + 1)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes])
        break
      case 4:
        if (bytes.length > 1) bytes[1] = random.below(256)
        break
      default:
        bytes = Buffer.concat([bytes, real[random.below(real.length)]!.subarray(0, 1 + random.below(12))])
    }
  }
  return bytes
}

test(`${scale} M mutated packets: framing and guard answer, none throws`, () => {
  const topics = new Topics('iot', defaultLimits, new Reach(() => {}))
  const framing = new Framing(defaultLimits.packetBytes)
  let seen = 0
  let good = 0
  const look = (bytes: Buffer, first: number, start: number, end: number): boolean => {
    seen++
    if (first >> 4 === 1) good += readConnect(bytes, start, end).ok ? 1 : 0
    else if (first >> 4 === 3 && start + 2 <= end) {
      const topicEnd = start + 2 + bytes.readUInt16BE(start)
      if (topicEnd <= end) good += topics.fromWire(bytes, start + 2, topicEnd) === null ? 0 : 1
    } else if (first === 0x82) good += typeof readSubscribe(bytes, start, end) === 'string' ? 0 : 1
    else if (first === 0xa2) good += typeof readUnsubscribe(bytes, start, end) === 'string' ? 0 : 1
    return true
  }
  for (let i = 0; i < 1_000_000 * scale; i++) {
    // A fresh start each time, as a connection that went wrong is closed.
    const fed = new Framing(framing.limit).feed(mutated(random), look)
    if (fed === 'stopped') expect.unreachable('nobody stopped it')
  }
  expect(seen).toBeGreaterThan(600_000 * scale)
  expect(good).toBeGreaterThan(100_000 * scale)
})

/** A socket that keeps nothing. */
class NullSocket extends EventEmitter {
  destroyed = false
  writableEnded = false
  writableLength = 0
  remoteAddress = '127.0.0.1'
  write(_bytes: Uint8Array, done?: () => void): boolean {
    if (done) process.nextTick(done)
    return true
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.writableEnded = true
    this.destroy()
  }
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    process.nextTick(() => this.emit('close'))
  }
}

test('connections fed with mutated packets leave nothing behind', async () => {
  const clock = new ManualClock()
  const accepted: string[] = []
  const exchange = new Exchange({
    root: 'iot',
    limits: defaultLimits,
    permissions: contractPermissions('iot'),
    handlers: {
      accept: async group => void accepted.push(...group.map(({ topic }) => topic)),
      oversize: () => {},
      reachability: () => {},
      authenticate: async () => null,
    },
    keep: forgetfulKeep,
    clock,
    commitWindowMs: 5,
    alarm: () => {},
    notice: () => {},
  })
  const open = new Set<Connection>()
  const shared: Shared = {
    exchange,
    entrance: new Entrance(async () => ({ role: 'node', user: '01' }), clock, 256),
    limits: defaultLimits,
    clock,
    counters: { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 },
    oversize: () => {},
    notice: () => {},
    fault: () => {},
    gone: connection => open.delete(connection),
  }
  for (let i = 0; i < 20_000 * scale; i++) {
    const socket = new NullSocket()
    open.add(new Connection({ socket: socket as unknown as Socket, anonymous: true, certificate: null, foreign: null }, shared))
    socket.emit('data', random.below(3) === 0 ? mutated(random) : real[1]!)
    if (i % 4 === 0) await new Promise(setImmediate)
    for (let n = random.below(4); n > 0 && !socket.destroyed; n--) socket.emit('data', mutated(random))
    if (i % 16 === 0) await new Promise(setImmediate)
    socket.destroy()
  }
  await exchange.queue.drained()
  await new Promise(setImmediate)
  await exchange.queue.drained()
  expect(accepted.length).toBeGreaterThan(0)
  expect(open.size).toBe(0)
  expect(exchange.online.size).toBe(0)
  expect([...exchange.sessions.byKey.values()].filter(({ persistent }) => !persistent)).toEqual([])
  expect(exchange.sessions.router.size).toBe(
    [...exchange.sessions.byKey.values()].reduce((sum, { subscriptions }) => sum + subscriptions.size, 0),
  )
})
