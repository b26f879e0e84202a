import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { answer, connack, connackUnsupported5, pingresp, publishSize, suback, writeAnswer, writePublish } from './packets.ts'

/** What the codec that is not ours reads. */
function read(bytes: Buffer, protocolVersion = 4): Packet[] {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion })
  parser.on('packet', packet => packets.push(packet))
  parser.on('error', failure => {
    throw failure
  })
  expect(parser.parse(bytes)).toBe(0)
  return packets
}

test('a PUBLISH reads as what was meant, at every size and QoS', () => {
  const sizes = fc.oneof(fc.nat(200), fc.constantFrom(0, 96, 97, 98, 16_350, 16_360, 16_380, 65_536))
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(name => !/[+#\0]/.test(name)),
      sizes,
      fc.constantFrom(0, 1, 2),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 65_535 }),
      (topic, size, qos, retain, dup, id) => {
        const name = Buffer.from(topic)
        const wire = Buffer.concat([Buffer.from([name.length >> 8, name.length & 255]), name])
        const payload = Buffer.alloc(size, 'p')
        const bytes = publishSize(name.length, size, qos)
        const out = Buffer.alloc(bytes + 20)
        expect(writePublish(out, 7, wire, payload, qos, retain, dup, id)).toBe(7 + bytes)
        const [packet, ...more] = read(out.subarray(7, 7 + bytes))
        expect(more).toEqual([])
        expect(packet).toMatchObject({ cmd: 'publish', topic, qos, retain, dup, length: expect.any(Number) })
        expect((packet as { payload: Buffer }).payload.equals(payload)).toBe(true)
        if (qos > 0) expect(packet!.messageId).toBe(id)
      },
    ),
  )
})

test('answers read as what was meant', () => {
  for (const [cmd, first] of Object.entries(answer)) {
    const out = Buffer.alloc(4)
    expect(writeAnswer(out, 0, first, 0xabcd)).toBe(4)
    expect(read(out)).toMatchObject([{ cmd, messageId: 0xabcd }])
  }
  const codes = Array.from({ length: 300 }, (_, i) => [0, 1, 2, 128][i % 4]!)
  expect(read(suback(7, codes))).toMatchObject([{ cmd: 'suback', messageId: 7, granted: codes }])
  expect(read(connack(5, false))).toMatchObject([{ cmd: 'connack', returnCode: 5, sessionPresent: false }])
  expect(read(connack(0, true))).toMatchObject([{ cmd: 'connack', returnCode: 0, sessionPresent: true }])
  expect(read(connackUnsupported5, 5)).toMatchObject([{ cmd: 'connack', reasonCode: 0x84, sessionPresent: false }])
  expect(read(pingresp)).toMatchObject([{ cmd: 'pingresp' }])
})
