import fc from 'fast-check'
import { Check } from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { decodeAck, decodeCommand, decodeReceipts, decodeStatus, decodeTelemetry } from './decode.ts'
import {
  batchLength,
  encodeAck,
  encodeBatch,
  encodeBrokerStatus,
  encodeCommand,
  encodePlainTelemetry,
  encodeReceipts,
  encodeStatus,
  encodeTelemetry,
  encodeWill,
  type NumberedReading,
  type ReadingToSend,
  readingBody,
} from './encode.ts'
import { limits } from './limits.ts'
import { ackStates, BrokerStatus, type Receipt, SingleTelemetry } from './schemas.ts'

const now = 1_780_000_000_000
const context = { topicNode: '01', now, clockSuspect: false }
const uint32 = fc.nat({ max: limits.uint32Max })
const name = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
  .filter(text => !['time', 'node', 'site', 'boot', 'seq', 'timestamp', 'wifi_rssi', 'uptime'].includes(text))
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0)
const reading: fc.Arbitrary<ReadingToSend> = fc.record({
  timeMs: fc.integer({ min: limits.oldestTimestampS * 1000, max: now }),
  sensors: fc.dictionary(name, fc.oneof(finite, fc.boolean(), fc.constant(null)), {
    minKeys: 1,
    maxKeys: 8,
    noNullPrototype: true,
  }),
  wifiRssi: fc.option(finite),
  uptimeS: fc.option(finite),
})

/** What must come back of a reading. */
function fieldsOf({ sensors, wifiRssi, uptimeS }: ReadingToSend): Record<string, number> {
  const fields: Record<string, number> = {}
  for (const [key, value] of Object.entries(sensors)) if (value !== null) fields[key] = Number(value)
  if (typeof wifiRssi === 'number') fields['wifi_rssi'] = wifiRssi
  if (typeof uptimeS === 'number') fields['uptime'] = uptimeS
  return fields
}

const decoded = (payload: Uint8Array) => {
  const message = decodeTelemetry(payload, context)
  if (!message.ok) throw new Error(message.reject.detail)
  expect(message.rejects).toEqual([])
  expect(message.ignoredKeys).toBe(0)
  const readings = message.readings.map(({ time, names, values }) => ({
    time,
    fields: Object.fromEntries(names.map((key, i) => [key, values[i]])),
  }))
  return { ...message, readings }
}

describe('what is encoded is decoded as it was', () => {
  test('a reading with boot, seq and oldest', () => {
    fc.assert(
      fc.property(reading, uint32, uint32, (sent, boot, seq) => {
        const payload = encodeTelemetry('01', { boot, seq, body: readingBody(sent) }, { boot, seq })
        const { readings, ...message } = decoded(payload)
        expect(message).toMatchObject({ node: '01', boot, firstSeq: seq, oldest: { boot, seq }, batch: false })
        expect(readings).toEqual([{ time: sent.timeMs, fields: fieldsOf(sent) }])
        expect(Check(SingleTelemetry, JSON.parse(Buffer.from(payload).toString()))).toBe(true)
      }),
    )
  })

  test('a reading without a time', () => {
    fc.assert(
      fc.property(reading, sent => {
        expect(decoded(encodePlainTelemetry('01', { ...sent, timeMs: null })).readings).toEqual([
          { time: null, fields: fieldsOf(sent) },
        ])
      }),
    )
  })

  test('a batch', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 20 }), uint32, (sent, boot) => {
        const records = sent.map((one, seq) => ({ boot, seq, body: readingBody(one) }))
        const { readings, ...message } = decoded(encodeBatch('01', records))
        expect(message).toMatchObject({ boot, firstSeq: 0, oldest: null, batch: true })
        expect(readings).toEqual(sent.map(one => ({ time: one.timeMs, fields: fieldsOf(one) })))
      }),
    )
  })

  test('receipts, of any number and size that is allowed', () => {
    const receipt: fc.Arbitrary<Receipt> = fc
      .record({ boot: uint32, seq: fc.option(uint32), seen: uint32 })
      .map(({ boot, seq, seen }) => ({ boot, seq, seen: Math.max(seen, seq ?? 0) }))
    fc.assert(
      fc.property(fc.array(receipt, { minLength: 1, maxLength: limits.receiptEntries }), receipts => {
        const payload = encodeReceipts(receipts)
        expect(payload.length).toBeLessThanOrEqual(limits.receiptBytes)
        expect(decodeReceipts(payload)).toEqual(receipts)
      }),
    )
  })

  test('commands, acks and statuses', () => {
    const params = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 3,
      noNullPrototype: true,
    })
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    fc.assert(
      fc.property(params, fc.constantFrom(...ackStates), uint32, (json, state, boot) => {
        const sent = { id: '01J0000000000000000000000A', command: 'configure', params: json, expires: 1_780_000_300 }
        const payload = encodeCommand(sent)
        if (payload.length <= limits.commandBytes) expect(decodeCommand(payload)).toEqual(plain(sent))
        const ack = { id: sent.id, command: 'ping', state, progress: 50, error: { code: 'busy', message: 'later' } }
        expect(decodeAck(encodeAck('01', ack), context)).toEqual({ ok: true, ack: { node_id: 'node_01', ...ack } })
        const status = decodeStatus(encodeWill('01', boot), { topicNode: '01', retained: true })
        expect(status).toEqual({ ok: true, status: { node_id: 'node_01', online: false, boot } })
      }),
    )
  })
})

describe('what a ring holds', () => {
  test('is sent with the same digits live and in a batch', () => {
    const record = { boot: 7, seq: 3, body: readingBody({ timeMs: 1_779_999_990_123, sensors: { t: 0.1 + 0.2 }, uptimeS: 5 }) }
    expect(Buffer.from(encodeTelemetry('01', record)).toString()).toBe(
      '{"node_id":"node_01","boot":7,"seq":3,"timestamp":1779999990.123,"sensors":{"t":0.30000000000000004},"uptime":5}',
    )
    expect(Buffer.from(encodeBatch('01', [record])).toString()).toBe(
      '{"node_id":"node_01","boot":7,"seq":3,"readings":[{"timestamp":1779999990.123,"sensors":{"t":0.30000000000000004},"uptime":5}]}',
    )
  })

  const record = (boot: number, seq: number, body = readingBody({ timeMs: now, sensors: { t: 1 } })): NumberedReading => ({
    boot,
    seq,
    body,
  })

  test('is split at another boot and at a hole', () => {
    const ring = [record(7, 1), record(7, 2), record(7, 4), record(8, 0)]
    expect([0, 1, 2, 3].map(start => batchLength(ring, start))).toEqual([2, 1, 1, 1])
  })

  test('is split after 256 readings', () => {
    const ring = Array.from({ length: 300 }, (_, seq) => record(7, seq))
    expect([batchLength(ring), batchLength(ring, 256)]).toEqual([256, 44])
  })

  test('is split before a payload is too large, however long id and numbers are', () => {
    const sensors = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`sensor_with_quite_a_long_name_${10 + i}`, -1.7976931348623157e308]),
    )
    const body = readingBody({ timeMs: now + 0.5, sensors })
    const boot = limits.uint32Max
    const ring = Array.from({ length: 256 }, (_, i) => record(boot, limits.uint32Max - 255 + i, body))
    const length = batchLength(ring)
    const payload = encodeBatch('a'.repeat(32), ring.slice(0, length), { boot, seq: ring[0]!.seq })
    expect(payload.length).toBeLessThanOrEqual(limits.telemetryBytes)
    expect(payload.length + body.length).toBeGreaterThan(limits.telemetryBytes)
  })
})

describe('bounds of what we send', () => {
  test('eight full receipt entries fit: the oldest boots lose their count of rejected', () => {
    const full = Array.from({ length: 8 }, (_, i) => ({
      boot: limits.uint32Max - i,
      seq: limits.uint32Max,
      seen: limits.uint32Max,
      rejected: limits.uint32Max,
    }))
    const receipts = decodeReceipts(encodeReceipts(full))!
    expect(receipts.map(({ boot, seq, seen }) => ({ boot, seq, seen }))).toEqual(
      full.map(({ boot, seq, seen }) => ({ boot, seq, seen })),
    )
    expect(receipts.map(({ rejected }) => rejected !== undefined)).toEqual([true, true, false, false, false, false, false, false])
  })

  test('no receipt and more than eight are a bug of the caller', () => {
    expect(() => encodeReceipts([])).toThrow(RangeError)
    expect(() => encodeReceipts(Array.from({ length: 9 }, (_, boot) => ({ boot, seq: 0, seen: 0 })))).toThrow(RangeError)
  })

  test('a status that would be rejected is a bug of the caller', () => {
    expect(() => encodeStatus('01', { online: true, caps: Array(100).fill('x'.repeat(60)) })).toThrow(RangeError)
  })

  test('the health of the broker fits its own schema', () => {
    const payload = encodeBrokerStatus({ online: true, receipts: true, timestamp: null, cpu_percent: null })
    expect(Check(BrokerStatus, JSON.parse(Buffer.from(payload).toString()))).toBe(true)
  })
})
