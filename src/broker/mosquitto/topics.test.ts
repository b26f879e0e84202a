import { expect, test } from 'vitest'
import { KnownTopics } from './topics.ts'

test('names of any length mean what they mean, and long ones are not remembered', () => {
  const topics = new KnownTopics('iot')
  const read = (name: string) => topics.fromWire(Buffer.from(name), 0, Buffer.byteLength(name))
  expect(read('iot/node/01/telemetry')).toBe(read('iot/node/01/telemetry'))
  const long = `iot/node/${'a'.repeat(60_000)}/telemetry`
  expect(read(long)).toEqual({ name: long, kind: 'ingest', node: null, status: false })
  expect(read(long)).not.toBe(read(long))
})
