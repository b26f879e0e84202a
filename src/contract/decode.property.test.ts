import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadVectors } from '../../test/vectors.ts'
import {
  decodeAck,
  decodeCommand,
  decodeLog,
  decodeReceipts,
  decodeStatus,
  decodeTelemetry,
  type TelemetryContext,
} from './decode.ts'
import { limits } from './limits.ts'
import { readingExtents } from './reading-text.ts'
import { reservedNames } from './reserved-names.ts'

const scale = Math.max(1, Number(process.env['ESPALIER_TEST_SCALE'] ?? 1))
const runs = { numRuns: 500 * scale }
const context: TelemetryContext = { topicNode: '01', now: 1_780_000_000_000, clockSuspect: false }
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** What holds of any answer: every reading is accepted or rejected, once; nothing that is stored breaks a rule of points. */
function expectSound(payload: Uint8Array): void {
  const decoded = decodeTelemetry(payload, context)
  if (!decoded.ok) {
    expect(decoded.reject.detail.length).toBeGreaterThan(20)
    return
  }
  const places = [...decoded.readings.map(reading => reading.index), ...decoded.rejects.flatMap(reject => reject.indices)]
  expect(places.sort((a, b) => a - b)).toEqual(places.map((_, i) => i))
  expect(places.length).toBeGreaterThan(0)
  for (const { names, values, time } of decoded.readings) {
    expect(names.length).toBe(values.length)
    expect(new Set(names).size).toBe(names.length)
    for (const value of values) expect(Number.isFinite(value) && !Object.is(value, -0)).toBe(true)
    expect(time === null || Number.isInteger(time)).toBe(true)
  }
  for (const { raw } of decoded.rejects) expect(raw.length).toBeLessThanOrEqual(limits.rejectRawBytes)
}

/** JSON of the shape of telemetry, right or wrong in any place. */
const maybe = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: right }, { weight: 1, arbitrary: fc.jsonValue() })
const timestamp = maybe(fc.double({ min: 1.5e9, max: 1.79e9, noNaN: true }))
const sensorName = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/),
  fc.constantFrom(...reservedNames, '', 'T', '__proto__', '1'),
)
const sensors = maybe(
  fc.dictionary(sensorName, maybe(fc.oneof(fc.double({ noNaN: true }), fc.boolean(), fc.constant(null))), { maxKeys: 6 }),
)
const uint32 = maybe(fc.nat({ max: 20 }))
const entry = fc.record(
  { timestamp, sensors, wifi_rssi: maybe(fc.integer()), uptime: maybe(fc.nat()), x: fc.jsonValue() },
  { requiredKeys: [] },
)
const envelope = fc.record(
  {
    timestamp,
    sensors,
    boot: uint32,
    seq: uint32,
    oldest: maybe(fc.record({ boot: uint32, seq: uint32 })),
    readings: maybe(fc.array(maybe(entry), { maxLength: 5 })),
    y: fc.jsonValue(),
  },
  { requiredKeys: [] },
)

describe('any bytes give readings or a rejection, never a throw', () => {
  test('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), payload => {
        expectSound(payload)
        decodeStatus(payload, { topicNode: '01', retained: true })
        decodeAck(payload, context)
        decodeLog(payload)
        decodeCommand(payload)
        decodeReceipts(payload)
      }),
      runs,
    )
  })

  test('JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expectSound(bytes(value))
        const told = bytes({ node_id: 'node_01', online: value, command: value, state: value, ...(value as object) })
        decodeStatus(told, { topicNode: '01', retained: false })
        decodeAck(told, context)
        decodeCommand(told)
        decodeReceipts(bytes({ receipts: value }))
        decodeLog(bytes({ level: value, msg: 'x' }))
      }),
      runs,
    )
  })

  test('telemetry with a fault anywhere', () => {
    fc.assert(
      fc.property(envelope, value => expectSound(bytes({ node_id: 'node_01', ...value }))),
      { numRuns: 2000 * scale },
    )
  })

  test('vectors with a byte changed, cut or put in', () => {
    const payloads = loadVectors(['telemetry', 'status', 'ack', 'command', 'receipt'])
      .map(vector => vector.payload)
      .filter(payload => payload.length > 0 && payload.length < 2_000)
    const change = fc.record({
      payload: fc.constantFrom(...payloads),
      at: fc.nat(),
      byte: fc.nat({ max: 255 }),
      how: fc.constantFrom('change', 'cut', 'insert'),
    })
    fc.assert(
      fc.property(change, ({ payload, at, byte, how }) => {
        const place = at % payload.length
        const kept = [payload.subarray(0, place), payload.subarray(how === 'insert' ? place : place + 1)] as const
        const changed = Buffer.concat(
          how === 'cut' ? [kept[0]] : [kept[0], [byte] as unknown as Uint8Array, kept[1]].map(Buffer.from),
        )
        expectSound(changed)
        decodeStatus(changed, { topicNode: '01', retained: false })
        decodeAck(changed, context)
        decodeCommand(changed)
        decodeReceipts(changed)
      }),
      { numRuns: 2000 * scale },
    )
  })
})

test("each reading's own text is found in any batch", () => {
  const spaced = fc.constantFrom('', ' ', '\n', '\t ')
  const around = fc.record({
    before: fc.jsonValue(),
    readings: fc.array(fc.jsonValue(), { maxLength: 6 }),
    space: spaced,
    key: fc.string(),
  })
  fc.assert(
    fc.property(around, ({ before, readings, space, key }) => {
      const texts = readings.map(reading => JSON.stringify(reading))
      const list = `[${space}${texts.join(`${space},${space}`)}${space}]`
      const payload = Buffer.from(
        `${space}{${space}${JSON.stringify(`k${key}`)}${space}:${JSON.stringify({ readings: before })},"readings":${space}${list}${space}}`,
      )
      const found = readingExtents(payload).map(({ start, end }) => payload.subarray(start, end).toString())
      expect(found).toEqual(texts)
    }),
    runs,
  )
})
