import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../contract/events.ts'
import { decode } from './decode.ts'
import { createEncoder } from './encode.ts'

const time = fc.integer({ min: -(2 ** 51), max: 2 ** 51 })
const uint32 = fc.integer({ min: 0, max: 4_294_967_295 })
const node = fc.constantFrom('01', '02', 'a-long_node-name', 'Ä')
const nullable = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })
const fields = fc.uniqueArray(fc.constantFrom('temperature', 'humidity', 'wifi_rssi', 'uptime', 'a,b', 'ü', ''), { maxLength: 6 })

const reading = fields.chain(names =>
  fc.record({
    kind: fc.constant('reading' as const),
    node,
    arrived: time,
    time,
    boot: nullable(uint32),
    seq: nullable(fc.oneof(uint32, fc.nat(4))),
    names: fc.constant(names),
    values: fc.array(fc.double(), { minLength: names.length, maxLength: names.length }),
  }),
)
const settled = fc.record({
  kind: fc.constant('settled' as const),
  node,
  arrived: time,
  time,
  boot: nullable(uint32),
  seq: nullable(uint32),
})
const counts = fc.record({
  kind: fc.constant('counts' as const),
  node,
  arrived: time,
  duplicates: fc.nat(),
  nullValues: fc.nat(),
  ignoredKeys: fc.maxSafeNat(),
})
const oldest = fc.record({
  kind: fc.constant('oldest' as const),
  node,
  arrived: time,
  ownBoot: uint32,
  boot: uint32,
  seq: uint32,
})
const reject = fc.record({
  kind: fc.constant('reject' as const),
  node: nullable(node),
  topic: nullable(fc.string()),
  arrived: time,
  reason: fc.constantFrom('bad_json' as const, 'too_large' as const),
  detail: fc.string({ unit: 'grapheme' }),
  size: fc.nat(),
  raw: fc.uint8Array({ maxLength: 300 }),
  truncated: fc.boolean(),
  count: fc.nat(256),
  indices: nullable(fc.array(fc.nat(255))),
  settles: nullable(fc.record({ boot: uint32, seqs: fc.array(uint32) }, { noNullPrototype: true })),
})
const status = fc.record({
  kind: fc.constant('status' as const),
  node,
  arrived: time,
  live: fc.boolean(),
  status: fc.constant(null),
})
const event: fc.Arbitrary<JournalEvent> = fc.oneof({ weight: 4, arbitrary: reading }, settled, counts, oldest, reject, status)

const plain = (events: readonly JournalEvent[]) => events.map(one => ({ ...one }))

describe('the payload of a batch', () => {
  test('any events come back as they were', () => {
    const encoder = createEncoder(36)
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), events => {
        const bytes = encoder.encode(events)
        expect(decode(bytes.subarray(36))).toStrictEqual(plain(events))
      }),
      { numRuns: 400 },
    )
  })

  test('the next seq of a boot costs no bytes for boot and seq, a shared shape is written once', () => {
    const names = ['temperature', 'humidity']
    const events: JournalEvent[] = Array.from({ length: 100 }, (_, i) => ({
      kind: 'reading',
      node: '01',
      arrived: 1_704_844_800_000,
      time: 1_704_844_800_000 + i * 10,
      boot: 7,
      seq: 1000 + i,
      names,
      values: [i, -i],
    }))
    // tag, node, arrived, time, shape: five bytes beside the values.
    expect(createEncoder(0).encode(events).length).toBeLessThan(100 * (5 + 16) + 60)
  })

  test('what decode returns does not refer to the bytes it was given', () => {
    const raw = new Uint8Array([1, 2, 3])
    const events = [{ kind: 'reject', node: null, topic: null, arrived: 0, raw } as unknown as JournalEvent]
    const bytes = createEncoder(0).encode(events)
    const [back] = decode(bytes)
    bytes.fill(0)
    expect(back).toMatchObject({ raw: new Uint8Array([1, 2, 3]) })
  })

  test('a batch of 3 MB fits the buffer that grows', () => {
    const events: JournalEvent[] = Array.from({ length: 1000 }, (_, i) => ({
      kind: 'reject',
      node: '01',
      topic: 't',
      arrived: i,
      reason: 'bad_json',
      detail: 'd',
      size: 3000,
      raw: new Uint8Array(3000).fill(i),
      truncated: false,
      count: 1,
      indices: null,
      settles: null,
    }))
    const encoder = createEncoder(36)
    const back = decode(encoder.encode(events).subarray(36))
    const wrong = back.filter((one, i) => one.kind !== 'reject' || one.arrived !== i || !one.raw.every(byte => byte === i % 256))
    expect([back.length, wrong]).toEqual([1000, []])
  })

  test.each([
    [{ time: 1.5 }, /whole milliseconds/],
    [{ time: Number.NaN }, /whole milliseconds/],
    [{ boot: -1 }, /uint32/],
    [{ seq: 2 ** 32 }, /uint32/],
    [{ values: [1, 2] }, /differ in length/],
  ])('a reading with %j is refused, for it would come back as another', (change, message) => {
    const event = {
      kind: 'reading',
      node: '01',
      arrived: 0,
      time: 0,
      boot: 1,
      seq: 0,
      names: ['t'],
      values: [1],
      ...change,
    } as JournalEvent
    expect(() => createEncoder(0).encode([event])).toThrow(message)
  })

  test('bytes that are no payload throw and never hang', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
