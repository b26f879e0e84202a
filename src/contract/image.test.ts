import { createPublicKey, verify } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ImageIdentity, MarkerSearch, markerAt, markerBytes } from './image.ts'
import { type Manifest, manifestText } from './manifest.ts'
import { compareVersions, isVersion } from './semver.ts'

/** The vectors of updates, which the firmware's tests run too. */
function vectors<T>(kind: string): (T & { name: string })[] {
  const folder = new URL(`../../contract/vectors/${kind}/`, import.meta.url)
  return readdirSync(folder).map(file => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
}

describe('manifest', () => {
  interface Case {
    manifest: Manifest
    text: string
    public_key: string
    signature: string
    expect: { verified: boolean }
  }
  test.each(vectors<Case>('manifest'))('$name', ({ manifest, text, public_key, signature, expect: { verified } }) => {
    expect(manifestText(manifest)).toBe(text)
    const key = createPublicKey({ key: Buffer.from(public_key, 'base64'), format: 'der', type: 'spki' })
    const ofOurCurve = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    expect(ofOurCurve && verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'))).toBe(verified)
  })
})

describe('versions', () => {
  interface Case {
    ascending?: string[]
    equal?: [string, string][]
    invalid?: string[]
  }
  test.each(vectors<Case>('semver'))('$name', ({ ascending = [], equal = [], invalid = [] }) => {
    ascending.forEach((low, i) => {
      expect(isVersion(low)).toBe(true)
      for (const high of ascending.slice(i + 1)) {
        expect([low, high, Math.sign(compareVersions(low, high))]).toEqual([low, high, -1])
        expect([high, low, Math.sign(compareVersions(high, low))]).toEqual([high, low, 1])
      }
    })
    for (const [a, b] of equal) expect([a, b, isVersion(a), isVersion(b), compareVersions(a, b)]).toEqual([a, b, true, true, 0])
    expect(invalid.filter(isVersion)).toEqual([])
  })
})

describe('the marker of an image', () => {
  interface Case {
    image_base64: string
    expect: { found: ImageIdentity[] }
  }
  test.each(vectors<Case>('image'))('$name, however it is cut into pieces', ({ image_base64, expect: { found } }) => {
    const image = Buffer.from(image_base64, 'base64')
    for (const piece of [1, 7, 95, 96, 97, 4096]) {
      const search = new MarkerSearch()
      for (let at = 0; at < image.length; at += piece) search.take(image.subarray(at, at + piece))
      expect([piece, search.found()]).toEqual([piece, found])
    }
  })

  test('reads back as it was written', () => {
    const identity = { board: 'esp32dev', version: '1.2.3-rc.1' }
    expect(markerAt(markerBytes(identity), 0)).toEqual(identity)
    expect(markerAt(markerBytes(identity), 1)).toBeNull()
  })
})
