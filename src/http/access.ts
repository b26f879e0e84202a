import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

/** Who may ask what: pure decisions about headers, without a request in sight. */

/** The name in a Host header, without port and brackets, in lower case. */
export function hostName(host: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(host)
  return (bracketed ? bracketed[1]! : host.replace(/:\d+$/, '')).toLowerCase()
}

/** DNS rebinding needs a name that the attacker's DNS answers for: IP addresses and `localhost` can't be rebound, and names are
 *  served only when configured. */
export function hostAllowed(host: string, names: ReadonlySet<string>): boolean {
  const name = hostName(host)
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || names.has(name)
}

/** A page of another origin may not write: scheme, name and port must be those it was asked by. No Origin: not a browser, or its own older form of same-origin; `Sec-Fetch-Site` then
 *  has the word. */
export function originAllowed(headers: { origin?: string; host?: string; site?: string }, scheme: string): boolean {
  if (headers.origin === undefined) return headers.site === undefined || headers.site === 'same-origin' || headers.site === 'none'
  const own = `${scheme}://${headers.host}`
  if (!URL.canParse(headers.origin) || !URL.canParse(own)) return false
  const origin = new URL(headers.origin)
  return origin.protocol.startsWith('http') && origin.origin === new URL(own).origin
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** In constant time, whatever the lengths. */
export const sameSecret = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted))

/** The token of an `Authorization: Bearer …` header. */
export const bearerOf = (header: string | undefined): string | undefined => /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1]

/** 30 days: a tablet on the workshop wall should not ask every morning. */
export const sessionSeconds = 30 * 86_400

/** A session is the moment it was made, signed with the token: it needs no memory, outlives restarts, and a new token ends it. */
export function sealSession(token: string, nowMs: number): string {
  const issued = nowMs.toString(36)
  return `${issued}.${sign(token, issued)}`
}

export function sessionValid(cookie: string | undefined, token: string, nowMs: number): boolean {
  const [issued, signature] = cookie?.split('.') ?? []
  if (!issued || !signature || !sameSecret(signature, sign(token, issued))) return false
  return nowMs - Number.parseInt(issued, 36) < sessionSeconds * 1000
}

const sign = (token: string, issued: string): string =>
  createHmac('sha256', token).update(`session ${issued}`).digest('base64url')
