import { describe, expect, test } from 'vitest'
import { resolveUp } from './config.ts'

const files: Record<string, string> = { 'ca.pem': 'CA', pw: 'secret', 'me.pem': 'CERT', 'me-key.pem': 'KEY' }
const resolve = (flags: Record<string, string>, env: Record<string, string> = {}) =>
  resolveUp({
    data: 'data',
    flags,
    env,
    file: null,
    readSecret: name => {
      const value = files[name]
      return value === undefined ? { ok: false, what: `no ${name}`, allowed: 'a file' } : { ok: true, value }
    },
  })
const problems = (flags: Record<string, string>, env: Record<string, string> = {}) => {
  const resolved = resolve(flags, env)
  return resolved.ok ? [] : resolved.problems
}

describe('an external broker', () => {
  test.each([
    ['mqtt://127.0.0.1', { host: '127.0.0.1', port: 1883, tls: false }],
    ['mqtt://[::1]:2000/', { host: '::1', port: 2000, tls: false }],
    ['mqtts://broker.lan', { host: 'broker.lan', port: 8883, tls: true }],
  ])('%s is one', (broker, parsed) => {
    expect(resolve({ broker })).toMatchObject({ ok: true, options: { broker: parsed } })
  })

  test.each(['http://x', 'mqtt:x', 'mosquitto', 'mqtt://x:70000', 'mqtt://127.0.0.1/topic', 'mqtt://127.0.0.1?a=b'])(
    '%s is none',
    broker => expect(problems({ broker })).toMatchObject([{ key: '--broker' }]),
  )

  test.each([
    ['mqtts://_manager:hunter2@x', 'credentials'],
    ['mqtts://_manager:hun#ter2@x', ''],
    ['http://_manager:hunter2@x', ''],
  ])('a password in the URL %s is refused wherever it stands, and not repeated', (url, word) => {
    for (const found of [problems({ broker: url }), problems({}, { ESPALIER_BROKER: url })]) {
      expect(found).toHaveLength(1)
      expect(found[0]!.what).toContain(word)
      expect(JSON.stringify(found)).not.toContain('hun')
    }
  })

  test('has no virtual nodes unless they are asked for', () => {
    const broker = 'mqtt://127.0.0.1'
    expect(resolve({ broker })).toMatchObject({ options: { sim: 0 } })
    expect(resolve({ broker, sim: '2' })).toMatchObject({ options: { sim: 2 } })
    expect(resolve({})).toMatchObject({ options: { sim: 3 } })
  })

  test('on another machine, without TLS and credentials, only with --insecure', () => {
    const broker = 'mqtt://192.0.2.1'
    expect(problems({ broker })).toMatchObject([{ key: '--broker', where: 'command line', what: expect.stringContaining('TLS') }])
    expect(problems({ broker, insecure: 'on' })).toEqual([])
    expect(problems({ broker, 'broker-user': '_manager' }, { ESPALIER_BROKER_PASSWORD: 'x' })).toEqual([])
    expect(problems({ broker: 'mqtts://192.0.2.1' })).toEqual([])
    expect(problems({ broker: 'mqtt://localhost' })).toEqual([])
  })

  test('takes its password from the environment or a file, never from the command line', () => {
    const broker = 'mqtt://127.0.0.1'
    expect(resolve({ broker, 'broker-password': 'x' })).toMatchObject({ options: { brokerPassword: null } })
    expect(resolve({ broker }, { ESPALIER_BROKER_PASSWORD: 'x' })).toMatchObject({ options: { brokerPassword: 'x' } })
    expect(resolve({ broker }, { ESPALIER_BROKER_PASSWORD_FILE: 'pw' })).toMatchObject({ options: { brokerPasswordFile: 'pw' } })
  })

  test('names the file that is not there, and certificates that do not fit', () => {
    expect(problems({ broker: 'mqtts://x', 'broker-ca': 'none' })).toMatchObject([{ key: '--broker-ca', what: 'no none' }])
    expect(problems({ broker: 'mqtt://127.0.0.1', 'broker-ca': 'ca.pem' })).toMatchObject([{ key: '--broker-ca' }])
    expect(problems({ broker: 'mqtts://x', 'broker-cert': 'me.pem' })).toMatchObject([{ key: '--broker-cert' }])
    expect(problems({ broker: 'mqtts://x', 'broker-cert': 'me.pem', 'broker-key': 'me-key.pem' })).toEqual([])
  })
})
