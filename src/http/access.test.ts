import { describe, expect, test } from 'vitest'
import {
  bearerOf,
  hostAllowed,
  hostName,
  originAllowed,
  sameSecret,
  sealSession,
  sessionSeconds,
  sessionValid,
} from './access.ts'

describe('host names', () => {
  const names = new Set(['greenhouse.local'])

  test.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '[::1]:8080', '192.168.1.4', 'GREENHOUSE.local:80', 'a.localhost'])(
    '%s is served',
    host => expect(hostAllowed(host, names)).toBe(true),
  )

  // Names an attacker's DNS can point at 127.0.0.1.
  test.each(['evil.example', 'localhost.evil.example:8080', '127.0.0.1.evil.example', 'greenhouse.local.evil.example', ''])(
    '%j is refused',
    host => expect(hostAllowed(host, names)).toBe(false),
  )

  test('the port and the brackets do not belong to the name', () => {
    expect([hostName('[::1]:80'), hostName('A.b:1'), hostName('a')]).toEqual(['::1', 'a.b', 'a'])
  })
})

describe('origins', () => {
  test('the same host and port may write', () => {
    expect(originAllowed({ origin: 'http://localhost:8080', host: 'localhost:8080' }, 'http')).toBe(true)
    expect(originAllowed({ origin: 'http://localhost', host: 'localhost:80' }, 'http')).toBe(true)
  })

  test('another host, another port or an opaque origin may not', () => {
    expect(originAllowed({ origin: 'http://evil.example', host: 'localhost:8080' }, 'http')).toBe(false)
    expect(originAllowed({ origin: 'http://localhost:3000', host: 'localhost:8080' }, 'http')).toBe(false)
    expect(originAllowed({ origin: 'null', host: 'localhost:8080' }, 'http')).toBe(false)
    expect(originAllowed({ origin: 'http://pi.local:8443', host: 'pi.local:8443' }, 'https')).toBe(false)
    expect(originAllowed({ origin: 'https://pi.local:8443', host: 'PI.local:8443' }, 'https')).toBe(true)
    expect(originAllowed({ origin: 'https://pi.local', host: 'pi.local:443' }, 'https')).toBe(true)
  })

  test('without an origin Sec-Fetch-Site has the word', () => {
    expect(originAllowed({ host: 'localhost' }, 'http')).toBe(true)
    expect(originAllowed({ host: 'localhost', site: 'cross-site' }, 'http')).toBe(false)
    expect(originAllowed({ host: 'localhost', site: 'same-site' }, 'http')).toBe(false)
  })
})

describe('secrets and sessions', () => {
  test('secrets of different lengths are compared, not thrown at', () => {
    expect(sameSecret('a', 'longer')).toBe(false)
    expect(sameSecret('same', 'same')).toBe(true)
  })

  test('the bearer is found whatever the case of its scheme', () => {
    expect(bearerOf('bearer abc')).toBe('abc')
    expect(bearerOf('Basic abc')).toBeUndefined()
  })

  test('a session ends after its time, with a new token, and when it was touched', () => {
    const cookie = sealSession('token', 1000)
    expect(sessionValid(cookie, 'token', 2000)).toBe(true)
    expect(sessionValid(cookie, 'token', 1000 + sessionSeconds * 1000)).toBe(false)
    expect(sessionValid(cookie, 'another', 2000)).toBe(false)
    expect(sessionValid(cookie.replace(/^./, 'z'), 'token', 2000)).toBe(false)
    expect(sessionValid(undefined, 'token', 2000)).toBe(false)
    expect(sessionValid('x', 'token', 2000)).toBe(false)
  })
})
