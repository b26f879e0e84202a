import { createPrivateKey } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Looks for secrets where none may be: in bytes as they are, and as they are when something wrote them down in another way. */
export type Secrets = Readonly<Record<string, string | Uint8Array>>

export interface Leak {
  readonly secret: string
  readonly where: string
  readonly as: string
}

/** What makes a private key (PEM, P-256) one: its number. */
export const keySecret = (pem: string): Uint8Array =>
  Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d as string, 'base64url')

/** Every way in which a program may have written it, searched byte by byte. */
function forms(secret: string | Uint8Array): readonly (readonly [string, Buffer])[] {
  const bytes = Buffer.from(secret as Uint8Array)
  const hex = bytes.toString('hex')
  const ofText = (text: string): (readonly [string, Buffer])[] => [
    ['JSON', Buffer.from(JSON.stringify(text).slice(1, -1))],
    ['URL', Buffer.from(encodeURIComponent(text))],
    ['UTF-16', Buffer.from(text, 'utf16le')],
  ]
  return [
    ['as it is', bytes],
    ...(typeof secret === 'string' ? ofText(secret) : []),
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ...[0, 1, 2].flatMap(shift => base64Of(bytes, shift)),
  ]
}

/** What of it stands in base64 whatever is before and behind it: whole groups of three bytes that begin at `shift`. */
function base64Of(bytes: Buffer, shift: number): (readonly [string, Buffer])[] {
  const whole = bytes.subarray(shift, shift + Math.floor((bytes.length - shift) / 3) * 3)
  return [
    ['base64', Buffer.from(whole.toString('base64'))],
    ['base64url', Buffer.from(whole.toString('base64url'))],
  ]
}

/** A searcher for these secrets; each has twelve bytes at least, so that a hit is no chance. */
export function searcher(secrets: Secrets) {
  const all = Object.entries(secrets).map(([secret, content]) => {
    if (content.length < 12) throw new RangeError(`${secret} is too short to be found for sure`)
    return { secret, forms: forms(content) }
  })
  const bytes = (where: string, content: Uint8Array | string): Leak[] => {
    const seen = views(Buffer.from(content as Uint8Array))
    return all.flatMap(({ secret, forms }) => {
      const found = forms.find(([, form]) => seen.some(view => view.includes(form)))
      return found === undefined ? [] : [{ secret, where, as: found[0] }]
    })
  }
  return {
    bytes,
    /** Every file below a folder, and every file's name. `where` is the path from the folder on. */
    async tree(dir: string): Promise<Leak[]> {
      const leaks: Leak[] = []
      for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        const where = path.slice(dir.length + 1)
        leaks.push(...bytes(`the name ${where}`, entry.name))
        if (entry.isFile()) leaks.push(...bytes(where, await readFile(path)))
      }
      return leaks
    },
  }
}

/** As it stands there, unpacked, and a PEM without the ends of its lines. */
function views(content: Buffer): readonly Buffer[] {
  const plain = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content
  if (!plain.includes('-----BEGIN')) return [plain]
  return [plain, Buffer.from(plain.toString('latin1').replaceAll(/\\r|\\n|[\r\n]/g, ''), 'latin1')]
}
