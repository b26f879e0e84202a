import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadVectors } from '../../test/vectors.ts'
import { decodeTelemetry, type TelemetryContext } from '../contract/decode.ts'
import { parseTopic } from '../contract/topics.ts'
import { decode, decodeFast } from './decode-fast.ts'

const scale = Number(process.env['ESPALIER_TEST_SCALE'] ?? 1)
const now = 1_704_844_900_000
const context: TelemetryContext = { topicNode: '01', now, clockSuspect: false }
const utf8 = new TextEncoder()

/** Compared with what is distinct in JavaScript and not in JSON: −0 must not come out. */
function sameOrNone(payload: Uint8Array, given = context): boolean {
  const fast = decodeFast(payload, given)
  if (fast === undefined) return false
  expect(fast).toStrictEqual(decodeTelemetry(payload, given))
  return true
}

describe('the fast decoder answers as the reference, or not at all', () => {
  test.each(loadVectors(['telemetry']).map(vector => [vector.id, vector] as const))('%s', (_, vector) => {
    const topic = parseTopic(vector.topic)
    if (!('node' in topic)) return
    const given = { topicNode: topic.node, now: vector.now * 1000, clockSuspect: vector.clockSuspect }
    sameOrNone(vector.payload, given)
    expect(decode(vector.payload, given)).toStrictEqual(decodeTelemetry(vector.payload, given))
  })

  test('messages in the form nodes send, with any numbers', () => {
    let answered = 0
    fc.assert(
      fc.property(message, form, (object, space) => {
        if (sameOrNone(utf8.encode(JSON.stringify(object, null, space)))) answered++
      }),
      { numRuns: 3000 * scale },
    )
    expect(answered).toBeGreaterThan(800 * scale)
  })

  test('the same with bytes changed, removed, doubled and cut', () => {
    fc.assert(
      fc.property(message, fc.array(damage, { minLength: 1, maxLength: 3 }), (object, damages) => {
        sameOrNone(damages.reduce(damaged, utf8.encode(JSON.stringify(object))))
      }),
      { numRuns: 6000 * scale },
    )
  })

  test('numbers written in any way', () => {
    fc.assert(
      fc.property(numberText, text => {
        sameOrNone(utf8.encode(`{"node_id":"node_01","timestamp":1704844800,"sensors":{"a":${text}}}`))
        sameOrNone(utf8.encode(`{"node_id":"node_01","timestamp":${text},"sensors":{"a":1}}`))
        sameOrNone(utf8.encode(`{"node_id":"node_01","boot":1,"seq":${text},"timestamp":1704844800,"sensors":{"a":1}}`))
      }),
      { numRuns: 3000 * scale },
    )
  })

  test('a reading of 64 sensors, and not one of 65', () => {
    const of = (count: number) =>
      utf8.encode(
        JSON.stringify({
          node_id: 'node_01',
          sensors: Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, i])),
          wifi_rssi: -1,
          uptime: 2,
        }),
      )
    expect([sameOrNone(of(64)), sameOrNone(of(65))]).toEqual([true, false])
  })
})

test("the contract's example and a batch are answered, so the fast way is taken", () => {
  const example =
    '{"node_id":"node_01","timestamp":1704844800,"sensors":{"temperature":22.5,"humidity":45.2},"wifi_rssi":-65,"uptime":3600}'
  const batch =
    '{"node_id": "node_01", "boot": 7, "seq": 0, "oldest": {"boot": 7, "seq": 0}, "readings": [{"timestamp": 1704844800.25, "sensors": {"door": true}}]}'
  expect([sameOrNone(utf8.encode(example)), sameOrNone(utf8.encode(batch))]).toEqual([true, true])
})

test('readings of one shape share their names', () => {
  const of = (value: number) =>
    decodeFast(utf8.encode(`{"node_id":"node_01","sensors":{"a":${value},"b":1},"uptime":1}`), context)!
  expect(of(1).readings[0]!.names).toBe(of(2).readings[0]!.names)
})

const decimal = fc
  .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 6 }))
  .map(([n, places]) => n / 10 ** places)
const value = fc.oneof(
  { weight: 60, arbitrary: decimal },
  { weight: 4, arbitrary: fc.boolean() },
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(null),
)
const good = fc.constantFrom('temperature', 'humidity', 'a', 'b', 'co2', 'soil_1', 'c'.repeat(32))
const bad = fc.constantFrom('uptime', 'Bad', 'c'.repeat(33), 'ü', '')
const sensors = fc.oneof(
  { weight: 30, arbitrary: fc.dictionary(good, value, { minKeys: 1, maxKeys: 6 }) },
  fc.dictionary(fc.oneof(good, bad), value, { maxKeys: 3 }),
)
const seconds = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: 1_577_836_800_000, max: now + 300_000 }).map(ms => ms / 1000) },
  fc.constantFrom(1_577_836_799.9996, 1_577_836_799.9994, now / 1000 + 300, now / 1000 + 300.0005, 1e11, 0, -1),
)
const uint32 = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 10 }) },
  fc.constantFrom(4_294_967_295, 4_294_967_296, -1, 1.5),
)
const extras = { wifi_rssi: fc.oneof({ weight: 20, arbitrary: decimal }, fc.constant(null)), uptime: decimal }
const reading = fc.record({ timestamp: seconds, sensors, ...extras }, { requiredKeys: ['timestamp', 'sensors'] })
const numbering = fc.oneof(
  fc.constant({}),
  fc.record({ boot: uint32, seq: uint32, oldest: fc.record({ boot: uint32, seq: uint32 }) }, { requiredKeys: ['boot', 'seq'] }),
)
const shuffled = (object: object) =>
  fc
    .shuffledSubarray(Object.entries(object), { minLength: Object.keys(object).length })
    .map(entries => Object.fromEntries(entries))
const message = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: fc.constant('node_01') }, fc.constantFrom('node_02', 'node_011')),
    numbering,
    fc.oneof(
      fc.record({ timestamp: seconds, sensors, ...extras }, { requiredKeys: ['sensors'] }),
      fc.record({ readings: fc.array(reading, { minLength: 1, maxLength: 4 }), ...extras }, { requiredKeys: ['readings'] }),
    ),
    fc.oneof({ weight: 20, arbitrary: fc.constant({}) }, fc.constant({ more: 1 })),
  )
  .chain(([node_id, numbers, body, more]) => shuffled({ node_id, ...numbers, ...body, ...more }))
const form = fc.constantFrom('', ' ', '\t')

const numberText = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?$/),
  fc.stringMatching(/^[-+0-9.eE]{1,8}$/),
  fc.constantFrom(
    '-0',
    '-0.0',
    '0.1',
    '9007199254740993',
    '9007199254740991',
    '00',
    '1.',
    '.5',
    '1e400',
    '4294967295',
    '4294967296',
  ),
)

interface Damage {
  readonly at: number
  readonly how: 'byte' | 'remove' | 'double' | 'cut'
  readonly byte: number
}
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  how: fc.constantFrom('byte', 'byte', 'remove', 'double', 'cut'),
  byte: fc.oneof(fc.constantFrom(...utf8.encode('{}[]",:.-+eE0159 \n\\tfn')), fc.integer({ min: 0, max: 255 })),
})

function damaged(bytes: Uint8Array, { at, how, byte }: Damage): Uint8Array {
  const place = Math.floor(at * bytes.length)
  const before = bytes.subarray(0, place)
  if (how === 'cut') return before
  const middle = how === 'byte' ? [byte] : how === 'remove' ? [] : [...bytes.subarray(place, place + 2)]
  return Uint8Array.from([...before, ...middle, ...bytes.subarray(how === 'double' ? place : place + 1)])
}
