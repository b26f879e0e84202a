import { describe, expect, test } from 'vitest'
import { type ConfigFile, loadFile, resolveUp } from './config.ts'

const file = (text: string): ConfigFile => {
  const loaded = loadFile(text, 'espalier.yaml')
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.file
}
const noSecrets = () => ({ ok: false, what: 'no such file', allowed: 'a file' }) as const
const resolve = (flags: Record<string, string> = {}, env: Record<string, string> = {}, yaml?: string) =>
  resolveUp({ data: 'data', flags, env, file: yaml === undefined ? null : file(yaml), readSecret: noSecrets })

describe('the settings of up', () => {
  test('have defaults', () => {
    expect(resolve()).toMatchObject({
      ok: true,
      options: {
        data: 'data',
        mqttHost: '127.0.0.1',
        mqttPort: 1883,
        httpHost: '127.0.0.1',
        httpPort: 8080,
        sim: 3,
        simIntervalS: 1,
        simReal: 0,
        commitWindowMs: 5,
        store: 'parquet',
        sealRows: 250_000,
        broker: 'embedded',
        logLevel: 'info',
        lan: false,
        mqttsPort: 8883,
        httpsPort: 8443,
        publicHost: null,
        insecure: false,
        siteName: 'Espalier',
        unclaimed: 'accept',
        rawAgeMs: 730 * 86_400_000,
        rawBytes: 2_147_483_648,
        minuteAgeMs: 730 * 86_400_000,
        hourAgeMs: 3_650 * 86_400_000,
        backupDir: null,
        backupEveryMs: 86_400_000,
        backupKeep: 7,
      },
    })
  })

  test('come from the flag before the environment before the file', () => {
    const yaml = 'up:\n  sim: 1\n  mqtt_port: 1\n  http_port: 1\n'
    const env = { ESPALIER_MQTT_PORT: '2', ESPALIER_UP__HTTP_PORT: '2', ESPALIER_SIM: '' }
    expect(resolve({ 'mqtt-port': '3' }, env, yaml)).toMatchObject({ ok: true, options: { mqttPort: 3, httpPort: 2, sim: 1 } })
  })

  test.each([
    ['mqtt-port', '65536'],
    ['mqtt-port', '-1'],
    ['mqtt-port', '1.5'],
    ['mqtt-port', '0x10'],
    ['mqtt-port', ''],
    ['sim', '10001'],
    ['sim-interval', '0'],
    ['sim-interval', 'Infinity'],
    ['commit-window', '5'],
    ['commit-window', '2s'],
    ['store', 'influx'],
    ['broker', 'tcp://x'],
    ['broker', 'mqtt://'],
    ['log-level', 'loud'],
    ['mqtt-host', 'a b'],
  ])('refuse --%s %s, with its name and what is allowed', (flag, value) => {
    const resolved = resolve({ [flag]: value })
    expect(resolved.ok).toBe(false)
    if (resolved.ok) return
    expect(resolved.problems).toEqual([
      { where: 'command line', key: `--${flag}`, what: `"${value}" can't be used`, allowed: expect.stringMatching(/.+/) },
    ])
  })

  test('name the variable or the line a bad value stands in', () => {
    const resolved = resolve({}, { ESPALIER_SIM: 'x' }, 'up:\n  # how many\n  mqtt_port: true\n')
    expect(resolved.ok ? [] : resolved.problems.map(p => `${p.where} ${p.key}`)).toEqual([
      'espalier.yaml:3 up.mqtt_port',
      'environment ESPALIER_SIM',
    ])
  })

  test('read times with units', () => {
    expect(resolve({ 'commit-window': '20ms' })).toMatchObject({ options: { commitWindowMs: 20 } })
    expect(resolve({ 'commit-window': '0.5s' })).toMatchObject({ options: { commitWindowMs: 500 } })
  })
})

describe('espalier.yaml', () => {
  test.each(['', '# nothing\n', 'up:\n'])('may be empty: %j', text => {
    expect(file(text).entries.size).toBe(0)
  })

  test.each([
    ['up:\n  mqtt_prot: 1\n', 2, 'up.mqtt_prot', 'up.mqtt_port'],
    ['sim: 3\n', 1, 'sim', 'up.sim'],
    ['up:\n  sim: [1]\n', 2, 'up.sim', 'one value'],
    ['up:\n  sim: 1\n  sim: 2\n', 3, '', 'up:'],
    ['up:\n\tsim: 1\n', 2, '', 'up:'],
    ['- up\n', 1, '', 'up:'],
  ])('with a mistake is refused by line: %j', (text, line, key, allowed) => {
    const loaded = loadFile(text, 'f.yaml')
    expect(loaded.ok).toBe(false)
    if (loaded.ok) return
    expect(loaded.problems[0]).toMatchObject({ where: `f.yaml:${line}`, key })
    expect(loaded.problems[0]!.allowed).toContain(allowed)
  })
})
