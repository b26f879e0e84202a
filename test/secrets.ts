import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Looks for secrets where none may be: in bytes as they are, and as they are when something wrote them down in another way. */
export type Secrets = Readonly<Record<string, string>>

export interface Leak {
  readonly secret: string
  readonly where: string
  readonly as: string
}

/** Every way in which a program may have written it, searched byte by byte. */
function forms(text: string): readonly (readonly [string, Buffer])[] {
  const bytes = Buffer.from(text)
  const hex = bytes.toString('hex')
  return [
    ['text', bytes],
    ['JSON', Buffer.from(JSON.stringify(text).slice(1, -1))],
    ['URL', Buffer.from(encodeURIComponent(text))],
    ['UTF-16', Buffer.from(text, 'utf16le')],
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

/** A searcher for these secrets; each has twelve characters at least, so that a hit is no chance. */
export function searcher(secrets: Secrets) {
  const all = Object.entries(secrets).map(([secret, text]) => {
    if (text.length < 12) throw new RangeError(`${secret} is too short to be found for sure`)
    return { secret, forms: forms(text) }
  })
  const bytes = (where: string, content: Uint8Array | string): Leak[] => {
    const buffer = Buffer.from(content as Uint8Array)
    const plain = buffer[0] === 0x1f && buffer[1] === 0x8b ? gunzipSync(buffer) : buffer
    return all.flatMap(({ secret, forms }) =>
      forms
        .filter(([, form]) => plain.includes(form))
        .slice(0, 1)
        .map(([as]) => ({ secret, where, as })),
    )
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
