import { expect, test } from 'vitest'
import { hasSecrets, hidden, payloadWithoutSecrets, withoutSecrets } from './secrets.ts'

const params = {
  rev: 3,
  key: 'not under network',
  network: {
    wifi: { ssid: 'garden', password: 'marker-1' },
    broker: { url: 'mqtts://pi', user: '01', password: 'marker-2', ca: 'PEM', cert: 'PEM', key: 'marker-3' },
    more: [{ psk: { deep: 'marker-4' } }, { Password: 5 }],
  },
}

test('every secret under network is hidden, nothing else is', () => {
  const shown = withoutSecrets(params)
  expect(JSON.stringify(shown)).not.toContain('marker')
  expect(shown).toEqual({
    rev: 3,
    key: 'not under network',
    network: {
      wifi: { ssid: 'garden', password: hidden },
      broker: { url: 'mqtts://pi', user: '01', password: hidden, ca: 'PEM', cert: 'PEM', key: hidden },
      more: [{ psk: hidden }, { Password: hidden }],
    },
  })
  expect(params.network.wifi.password).toBe('marker-1')
})

test('what holds no secret stays the object it is', () => {
  for (const plain of [{}, { rev: 1 }, { network: null }, { network: { broker: { password: '', key: null } } }]) {
    expect(hasSecrets(plain)).toBe(false)
    expect(withoutSecrets(plain)).toBe(plain)
  }
  const shown = withoutSecrets(params)
  expect(withoutSecrets(shown)).toBe(shown)
})

test('the payload of a command is hidden as its params are', () => {
  const payload = JSON.stringify({ id: 'A', command: 'configure', params, expires: 1 })
  const shown = payloadWithoutSecrets('iot/node/01/command', payload)
  expect(shown).not.toContain('marker')
  expect(JSON.parse(shown)).toEqual({ id: 'A', command: 'configure', params: withoutSecrets(params), expires: 1 })
  for (const other of ['{"params":{"network":1}}', 'network {', '{"command":"ping","params":{}}'])
    expect(payloadWithoutSecrets('iot/node/01/command', other)).toBe(other)
  expect(payloadWithoutSecrets('iot/node/01/telemetry', payload)).toBe(payload)
})
