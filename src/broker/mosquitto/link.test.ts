import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { type Random, seeded } from '../../kit/random.ts'
import { Link, type LinkOwner } from './link.ts'

/** One connection without a network: what the broker sends is put in by hand, cut and mutated; nothing may throw, whatever comes. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)

class FakeSocket extends EventEmitter {
  destroyed = false
  paused = false
  writableLength = 0
  readonly written: Buffer[] = []
  write(bytes: Buffer): boolean {
    this.written.push(bytes)
    return true
  }
  cork(): void {}
  uncork(): void {}
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  destroy(): void {
    this.destroyed = true
  }
}

function scene(limit = 1_000) {
  const socket = new FakeSocket()
  const clock = new ManualClock()
  const seen: string[] = []
  let full = false
  const owner: LinkOwner = {
    opened: present => seen.push(`opened ${present}`),
    granted: codes => seen.push(`granted ${codes}`),
    delivered: ({ bytes, topicStart, topicEnd, payloadStart, end, retain, id }) =>
      seen.push(`${bytes.toString('utf8', topicStart, topicEnd)} ${bytes.toString('hex', payloadStart, end)} ${retain} ${id}`),
    large: ({ bytes, topicStart, topicEnd, id }, size) =>
      seen.push(`large ${bytes.toString('utf8', topicStart, topicEnd)} ${size} ${id}`),
    read: () => full,
    acknowledged: id => seen.push(`puback ${id}`),
    closed: (why, admitted) => seen.push(`closed ${admitted}: ${why}`),
  }
  const connect = { protocolId: 'MQTT', protocolVersion: 4, clientId: '_manager', clean: false, keepalive: 30 } as const
  const link = new Link({ socket: socket as unknown as Socket, connect, owner, clock, packetBytes: limit, openMs: 10_000 })
  const put = (...packets: Packet[]): void => {
    socket.emit('data', Buffer.concat(packets.map(packet => mqttPacket.generate(packet))))
  }
  return { socket, clock, seen, link, put, fill: (is: boolean) => void (full = is) }
}

const connack: Packet = { cmd: 'connack', returnCode: 0, sessionPresent: true }
const publish = (topic: string, payload: string | Buffer, messageId = 0, retain = false): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos: messageId === 0 ? 0 : 1,
  retain,
  dup: false,
  ...(messageId !== 0 && { messageId }),
})

test('what the broker sends is told in its order', () => {
  const { seen, put, socket } = scene()
  put(connack, publish('a', 'x', 7), publish('b', '', 0, true))
  put({ cmd: 'suback', messageId: 1, granted: [1, 128] }, { cmd: 'puback', messageId: 9 }, { cmd: 'pingresp' })
  expect(seen).toEqual(['opened true', 'a 78 false 7', 'b  true 0', 'granted 1,128', 'puback 9'])
  expect(socket.destroyed).toBe(false)
})

test('a packet over the limit is passed over with its id, and the next one is read', () => {
  const { seen, put } = scene()
  put(connack, publish('t', Buffer.alloc(5_000), 3), publish('t', 'next', 4))
  expect(seen.slice(1)).toEqual([`large t 5008 3`, `t ${Buffer.from('next').toString('hex')} false 4`])
})

test.each<[string, Buffer]>([
  ['no CONNACK', mqttPacket.generate(publish('a', 'x'))],
  ['a refusal', mqttPacket.generate({ cmd: 'connack', returnCode: 5, sessionPresent: false })],
  ['a length of five bytes', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])],
])('%s closes the connection before it was let in', (_, bytes) => {
  const { seen, socket } = scene()
  socket.emit('data', bytes)
  expect(seen).toEqual([expect.stringMatching(/^closed false: /)])
  expect(socket.destroyed).toBe(true)
})

test('reading stops while the owner is behind, and goes on when it says so', async () => {
  const { put, socket, link, fill } = scene()
  put(connack)
  fill(true)
  put(publish('a', 'x'))
  await new Promise(setImmediate)
  expect(socket.paused).toBe(true)
  link.goOn()
  expect(socket.paused).toBe(false)
})

test('a broker that has gone silent is left, one that is only not read is not', async () => {
  const { put, clock, link, seen, socket, fill } = scene()
  put(connack, { cmd: 'suback', messageId: 1, granted: [1] })
  link.ready()
  fill(true)
  put(publish('a', 'x'))
  await new Promise(setImmediate)
  clock.advance(60_000)
  link.check(clock.monoMs())
  expect(socket.written.at(-1)).toEqual(Buffer.from([0xc0, 0]))
  expect(seen.at(-1)).toMatch(/^a /)
  link.goOn()
  clock.advance(46_000)
  link.check(clock.monoMs())
  expect(seen.at(-1)).toMatch(/^closed true: .*silent/)
})

test('one that lets us in and never grants all that was asked for is left', () => {
  const { put, clock, link, seen } = scene()
  put(connack, { cmd: 'suback', messageId: 1, granted: [1] })
  clock.advance(10_001)
  link.check(clock.monoMs())
  expect(seen.at(-1)).toBe('closed true: the broker does not answer')
})

const real = [
  connack,
  publish('iot/node/01/telemetry', '{"node_id":"node_01"}', 9),
  publish('iot/node/ü/log', Buffer.alloc(150)),
  publish('iot/node/01/status', '', 0, true),
  publish('iot/node/01/telemetry', Buffer.alloc(3_000), 65_535),
  { cmd: 'puback', messageId: 3 } as Packet,
  { cmd: 'suback', messageId: 1, granted: [0, 1, 128] } as Packet,
  { cmd: 'pingresp' } as Packet,
].map(packet => mqttPacket.generate(packet))

function mutated(random: Random): Buffer {
  let bytes = Buffer.from(real[random.below(real.length)]!)
  for (let i = random.below(3); i > 0; i--) {
    const at = random.below(bytes.length)
    const how = random.below(4)
    if (how === 0) bytes[at] = bytes[at]! ^ (1 << random.below(8))
    else if (how === 1) bytes = bytes.subarray(0, at + 1)
    else if (how === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes])
    else if (bytes.length > 1) bytes[1] = random.below(256)
  }
  return bytes
}

test(`${30_000 * scale} connections of mutated packets: none throws, and a closed one says no more`, () => {
  const random = seeded(4711)
  let told = 0
  for (let i = 0; i < 30_000 * scale; i++) {
    const { socket, seen } = scene()
    if (random.below(4) > 0) socket.emit('data', real[0]!)
    for (let n = 1 + random.below(4); n > 0; n--) socket.emit('data', mutated(random))
    const closed = seen.findIndex(one => one.startsWith('closed'))
    if (closed >= 0 && closed !== seen.length - 1) expect.fail(seen.join('\n'))
    told += seen.length
  }
  expect(told).toBeGreaterThan(30_000 * scale)
})
