import { crc32 } from 'node:zlib'

/** One record in LevelDB: key `collection \0 key`, value eight hex digits of CRC32 (over the key and the JSON), then the JSON.
 *  The checksum is ours because LevelDB does not look at its own when it reads: a byte flipped in a table came back as a value
 *  without an error (level.test.ts). */
export const entryKey = (collection: string, key: string): string => `${collection}\0${key}`

export function encodeEntry(fullKey: string, value: unknown): string {
  const json = JSON.stringify(value)
  if (json === undefined) throw new Error('a record needs a JSON value')
  return checksum(fullKey, json) + json
}

/** undefined: the value is not the one that was written under this key. */
export function decodeEntry(fullKey: string, stored: string): { readonly value: unknown } | undefined {
  const json = stored.slice(8)
  return stored.slice(0, 8) === checksum(fullKey, json) ? { value: JSON.parse(json) } : undefined
}

const checksum = (fullKey: string, json: string): string => crc32(json, crc32(fullKey)).toString(16).padStart(8, '0')
