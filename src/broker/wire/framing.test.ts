import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { type Fed, Framing } from './framing.ts'

const seen: string[] = []
const note = (bytes: Buffer, first: number, start: number, end: number): boolean => {
  seen.push(`${first} ${bytes.toString('hex', start, end)}`)
  return true
}
const fed = (framing: Framing, ...chunks: Buffer[]): Fed[] => {
  seen.length = 0
  return chunks.map(chunk => framing.feed(chunk, note))
}
const expected = (packets: Buffer[]): string[] =>
  packets.map(bytes => {
    let start = 1
    while (bytes[start]! > 127) start++
    return `${bytes[0]} ${bytes.toString('hex', start + 1)}`
  })

const publish = fc.record({ topic: fc.constantFrom('a', 'iot/node/01/telemetry'), payload: fc.uint8Array({ maxLength: 400 }) })
const packet = fc.oneof(
  publish.map(({ topic, payload }) =>
    mqttPacket.generate({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false }),
  ),
  fc.integer({ min: 1, max: 65_535 }).map(messageId => mqttPacket.generate({ cmd: 'puback', messageId } as Packet)),
  fc.constant(Buffer.from([0xc0, 0])),
)

test('however the bytes are cut, the same packets come out', () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 300 })), (packets, cuts) => {
      const stream = Buffer.concat(packets)
      const chunks: Buffer[] = []
      let at = 0
      for (const cut of cuts) {
        if (at >= stream.length) break
        chunks.push(stream.subarray(at, at + cut))
        at += cut
      }
      chunks.push(stream.subarray(at))
      expect(fed(new Framing(100_000), ...chunks).every(result => result === 'more')).toBe(true)
      expect(seen).toEqual(expected(packets))
    }),
  )
})

test('after a stop the next packet waits for the next feed, and none is lost', () => {
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 500 }), (packets, cut) => {
      const stream = Buffer.concat(packets)
      const framing = new Framing(100_000)
      const one: string[] = []
      const stopping = (bytes: Buffer, first: number, start: number, end: number): boolean => {
        one.push(`${first} ${bytes.toString('hex', start, end)}`)
        return false
      }
      for (const chunk of [stream.subarray(0, cut), stream.subarray(cut)]) {
        let result = framing.feed(chunk, stopping)
        while (result === 'stopped') {
          const before = one.length
          result = framing.feed(null, stopping)
          expect(one.length - before).toBeLessThanOrEqual(1)
        }
      }
      expect(one).toEqual(expected(packets))
    }),
  )
})

test('a packet beyond the limit is announced as soon as its length is known, before anything is allocated', () => {
  const framing = new Framing(1_000)
  expect(fed(framing, Buffer.from([0x30, 0xe8]), Buffer.from([0x07]))).toEqual(['more', { announced: 1_003 }])
  expect(fed(new Framing(1_000), Buffer.from([0x30, 0xe5, 0x07]))).toEqual(['more'])
  expect(fed(new Framing(1_000), Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))).toEqual([{ announced: 268_435_455 + 5 }])
})

test('a length of more than four bytes is malformed', () => {
  expect(fed(new Framing(1_000), Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toEqual(['malformed'])
})

test('who wants to go on is shown the beginning of a packet over the limit, and then what follows it', () => {
  const over = mqttPacket.generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(5_000, 'x'),
    qos: 1,
    messageId: 7,
  } as Packet)
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 900 })), (around, cuts) => {
      const stream = Buffer.concat([...around, over, ...around, over, over])
      const large: string[] = []
      const framing = new Framing(1_000, (head, first, start, size) => {
        large.push(`${first} ${head.toString('latin1', start, start + 5)} ${head.length} ${size}`)
      })
      const chunks: Buffer[] = []
      let at = 0
      for (const cut of cuts) {
        chunks.push(stream.subarray(at, at + cut))
        at += cut
      }
      chunks.push(stream.subarray(Math.min(at, stream.length)))
      expect(fed(framing, ...chunks).every(result => result === 'more')).toBe(true)
      expect(seen).toEqual(expected([...around, ...around]))
      expect(large).toEqual(Array(3).fill(`50 \0\u0001t\0\u0007 1000 ${over.length}`))
    }),
  )
})
