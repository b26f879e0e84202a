import { describe, expect, test } from 'vitest'
import { line, readingPoint, statusPoint } from './point.ts'

const reading = { node: '01', time: 1_704_844_800_000, names: ['temperature', 'door'], values: [22, 1] }

describe('a reading as line protocol', () => {
  test('has the node as tag, floats without suffix and the time in ms', () => {
    expect(line(readingPoint(reading)!)).toBe('telemetry,node=01 temperature=22,door=1 1704844800000')
  })

  test('takes nanoseconds without losing a digit', () => {
    expect(line(readingPoint({ ...reading, time: 1_779_999_990_123 })!, 'ns')).toMatch(/ 1779999990123000000$/)
  })

  test('carries the site where there is one', () => {
    expect(line(readingPoint(reading, 'north')!)).toMatch(/^telemetry,node=01,site=north /)
  })

  test('writes very large and very small numbers as floats', () => {
    expect(line(readingPoint({ ...reading, names: ['a', 'b'], values: [1e300, 5e-324] })!)).toContain('a=1e+300,b=5e-324')
  })

  test('without values makes no point', () => {
    expect(readingPoint({ ...reading, names: [], values: [] })).toBeNull()
  })
})

describe('a status as point', () => {
  test('has floats for numbers and booleans, text for firmware and reset reason, and its arrival as time', () => {
    const status = {
      node_id: 'node_01',
      online: true,
      uptime: 60,
      interval: 10,
      firmware: { version: '1.0.0', confirmed: false },
      reset_reason: 'power on',
      ip: '192.168.1.2',
    }
    expect(line(statusPoint('01', status, 1_704_844_800_500))).toBe(
      'status,node=01 online=1,uptime=60,interval=10,confirmed=0,firmware="1.0.0",reset_reason="power on" 1704844800500',
    )
  })
})

describe('escapes', () => {
  const at = (fields: Record<string, number | string>, tags: Record<string, string> = {}) =>
    line({ measurement: 'm', tags, fields, timeMs: 1 })

  test('comma, equals sign and space in tags and keys', () => {
    expect(at({ 'a b=c,d': 1 }, { 'k y': 'v=1,2 3' })).toBe('m,k\\ y=v\\=1\\,2\\ 3 a\\ b\\=c\\,d=1 1')
  })

  test('comma and space in the measurement', () => {
    expect(line({ measurement: 'a b,c', tags: {}, fields: { x: 1 }, timeMs: 1 })).toBe('a\\ b\\,c x=1 1')
  })

  test('quote and backslash in text, which ends where it should', () => {
    expect(at({ x: 'say "hi" \\ there\\' })).toBe('m x="say \\"hi\\" \\\\ there\\\\" 1')
  })

  test('a line break cannot begin another line', () => {
    expect(at({ x: 'one\ntwo\r\nm y=1' }, { t: 'a\nb' })).not.toMatch(/[\r\n]/)
  })

  test('a tag that ends in a backslash cannot eat the separator, an empty one is left out', () => {
    expect(at({ x: 1 }, { t: 'a\\', u: '' })).toBe('m,t=a x=1 1')
  })
})
