import { pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawPassword, hashPassword, passwordMatches } from './secret.ts'

const bytes = (values: readonly number[]) => {
  let at = 0
  return (into: Uint8Array): void => {
    for (let i = 0; i < into.length; i++) into[i] = values[at++ % values.length]!
  }
}
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a password has 135 bits: 27 letters of 32, each bit of chance in its place', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { minLength: 27, maxLength: 27 }), chance => {
      const password = drawPassword(bytes(chance))
      expect(password).toMatch(/^[0-9a-hjkmnp-tv-z]{27}$/)
      const letters = '0123456789abcdefghjkmnpqrstvwxyz'
      expect([...password].map(letter => letters.indexOf(letter))).toEqual(chance.map(byte => byte % 32))
    }),
  )
})

test('the hash is a line of a mosquitto password file: PBKDF2 with SHA-512, 12 bytes of salt, 64 of hash', () => {
  const kept = hashPassword('secret', bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))
  const [, version, iterations, salt, hash] = kept.split('$')
  expect([version, iterations]).toEqual(['7', '101'])
  expect(Buffer.from(salt!, 'base64')).toHaveLength(12)
  expect(Buffer.from(hash!, 'base64')).toEqual(pbkdf2Sync('secret', Buffer.from(salt!, 'base64'), 101, 64, 'sha512'))
})

test('only the password itself matches its hash', () => {
  const password = fc.string({ minLength: 1, unit: 'binary' })
  fc.assert(
    fc.property(password, password, fc.nat(255), (right, other, seed) => {
      const kept = hashPassword(right, bytes([seed, seed ^ 85, 7]))
      expect(kept).not.toContain(right.length > 8 ? right : '\0')
      expect(passwordMatches(utf8(right), kept)).toBe(true)
      expect(passwordMatches(utf8(other), kept)).toBe(Buffer.from(other).equals(Buffer.from(right)))
      expect(passwordMatches(utf8(`${right} `), kept)).toBe(false)
      expect(passwordMatches(new Uint8Array(0), kept)).toBe(false)
    }),
    { numRuns: 50 },
  )
})

test('what is no hash of ours matches nothing, and throws nothing', () => {
  for (const kept of ['', 'secret', '$7$', '$7$101$$', '$6$abc$def', '$7$9999999$AAAA$AAAA', '$7$101$AAAA$!'])
    expect(passwordMatches(utf8('secret'), kept)).toBe(false)
})
