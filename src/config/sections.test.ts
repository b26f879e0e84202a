import { describe, expect, test } from 'vitest'
import { loadFile, resolveUp } from './config.ts'
import { nearest } from './nearest.ts'

const resolve = (yaml: string, env: Record<string, string> = {}, flags: Record<string, string> = {}) => {
  const loaded = loadFile(yaml, 'e.yaml')
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const readSecret = (file: string) =>
    file === '/run/token'
      ? ({ ok: true, value: 'from-a-file' } as const)
      : ({ ok: false, what: 'no such file', allowed: 'a file' } as const)
  return resolveUp({ data: 'data', flags, env, file: loaded.file, readSecret })
}
const channels = (...args: Parameters<typeof resolve>) => {
  const resolved = resolve(...args)
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems))
  return resolved.options.alerts.channels
}

const phone = 'alerts:\n  channels:\n    phone: { type: ntfy, topic: greenhouse }\n'

describe('a key that holds a tree', () => {
  test('comes from the file, from a variable as JSON, or from the flag as JSON', () => {
    const json = (topic: string) => JSON.stringify({ channels: { phone: { type: 'ntfy', topic } } })
    expect(channels(phone)).toMatchObject([{ topic: 'greenhouse' }])
    expect(channels(phone, { ESPALIER_ALERTS: json('b') })).toMatchObject([{ topic: 'b' }])
    expect(channels(phone, { ESPALIER_ALERTS: json('b') }, { alerts: json('c') })).toMatchObject([{ topic: 'c' }])
  })

  test('takes single values from the environment, items of a list by name or number', () => {
    expect(channels(phone, { ESPALIER_ALERTS__CHANNELS__PHONE__TOKEN: 'secret' })).toMatchObject([{ token: 'secret' }])
    const rules = 'alerts:\n  rules:\n    - { name: silent, for: 1h }\n'
    for (const item of ['SILENT', '0']) {
      const resolved = resolve(rules, { [`ESPALIER_ALERTS__RULES__${item}__FOR`]: '2h' })
      const silent = resolved.ok && resolved.options.alerts.rules.find(rule => rule.name === 'silent')
      expect(silent).toMatchObject({ forMs: 7_200_000 })
    }
    expect(channels(phone, { ESPALIER_ALERTS__CHANNELS__PHONE__TOKEN_FILE: '/run/token' })).toMatchObject([
      { token: 'from-a-file' },
    ])
  })

  test('is refused by line, variable or flag', () => {
    const places = (...args: Parameters<typeof resolve>) => {
      const resolved = resolve(...args)
      return resolved.ok ? [] : resolved.problems.map(p => `${p.where} ${p.key}`)
    }
    expect(places('alerts:\n  channels:\n    phone:\n      type: ntfy\n      topik: a\n')).toContain(
      'e.yaml:5 alerts.channels.phone.topik',
    )
    expect(places(phone, { ESPALIER_ALERTS__CHANNELS__PHONE__TYPE: 'pigeon' })).toContain(
      'environment alerts.channels.phone.type',
    )
    expect(places('', { ESPALIER_ALERTS: '{"rules": [' })).toEqual(['environment ESPALIER_ALERTS'])
    expect(places('', {}, { alerts: '{' })).toEqual(['command line --alerts'])
  })
})

test.each([
  ['up.mqtt_prot', 'up.mqtt_port'],
  ['sim', 'up.sim'],
  ['retention.raw_sise', 'retention.raw_size'],
  ['completely_else', undefined],
])('%s most likely means %s', (written, meant) => {
  expect(nearest(written, ['up.mqtt_port', 'up.http_port', 'up.sim', 'retention.raw_size'])).toBe(meant)
})
