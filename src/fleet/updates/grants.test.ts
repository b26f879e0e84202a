import { expect, test } from 'vitest'
import { Grants } from './grants.ts'

const sha = 'ab'.repeat(32)
const url = (token: string, of = sha): string => `https://192.168.1.2:8443/fw/${of}?t=${token}`
const token = 'A-token_of_32_bytes_in_base64url'

test('a token stands for one command and its image, and nothing near it does', () => {
  const grants = new Grants()
  grants.take({ id: '01A', params: { url: url(token) } })
  expect(grants.find(token)).toEqual({ command: '01A', sha256: sha })
  for (const other of ['', token.slice(1), `${token}x`, token.toLowerCase(), url(token)])
    expect(grants.find(other)).toBeUndefined()
})

test('an address that is not ours, or holds no token to speak of, grants nothing', () => {
  const grants = new Grants()
  for (const other of [`https://example.org/firmware.bin`, url(''), url('short'), url(token, 'abc'), undefined])
    grants.take({ id: '01A', params: { url: other } })
  for (const given of ['', 'short', token]) expect(grants.find(given)).toBeUndefined()
})

test('it is forgotten with its command', () => {
  const grants = new Grants()
  grants.take({ id: '01A', params: { url: url(token) } })
  grants.take({ id: '01B', params: { url: url(`${token}2`) } })
  grants.sweep(id => id === '01A')
  expect([grants.find(token), grants.find(`${token}2`)?.command]).toEqual([undefined, '01B'])
})
