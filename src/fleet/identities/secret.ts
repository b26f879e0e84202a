import { pbkdf2Sync, timingSafeEqual } from 'node:crypto'

/** Passwords of boards: drawn here, never chosen by people, so one strong hash with a salt is enough (nothing to guess in 135 bits),
 *  and a storm of a thousand reconnects costs 0.1 s. The form is that of mosquitto's password file, `$7$iterations$salt$hash`
 *  (PBKDF2 with HMAC-SHA512), so the same line serves either broker. */
const iterations = 101
/** mosquitto 2.0.11 refuses any other length. */
const saltBytes = 12
const hashBytes = 64

/** No letter that looks like a digit, nothing a shell or a sketch has to escape. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const letters = 27

/** A fresh password: 27 letters of 5 bits. `random` fills bytes with chance fit for secrets. */
export function drawPassword(random: (bytes: Uint8Array) => void): string {
  const chance = new Uint8Array(letters)
  random(chance)
  let password = ''
  for (const byte of chance) password += alphabet[byte & 31]
  return password
}

export function hashPassword(password: string, random: (bytes: Uint8Array) => void): string {
  const salt = Buffer.alloc(saltBytes)
  random(salt)
  const hash = pbkdf2Sync(password, salt, iterations, hashBytes, 'sha512')
  return `$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Compares in constant time. What is no hash of ours matches nothing. */
export function passwordMatches(given: Uint8Array, kept: string): boolean {
  const parts = /^\$7\$(\d{1,6})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(kept)
  if (parts === null) return false
  const wanted = Buffer.from(parts[3]!, 'base64')
  const hash = pbkdf2Sync(given, Buffer.from(parts[2]!, 'base64'), Number(parts[1]), hashBytes, 'sha512')
  return wanted.length === hash.length && timingSafeEqual(hash, wanted)
}
