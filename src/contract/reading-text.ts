/** Where the entries of `readings` stand in a batch's bytes, so that a kept reject shows the reading exactly as it came. Run only
 *  for rejects. The payload must be valid JSON with a list under a top-level `readings`; of repeated keys the last counts. */
export interface Extent {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export function readingExtents(payload: Uint8Array): Extent[] {
  const scan = new JsonScan(payload)
  let readings: Extent[] = []
  scan.eachMember((key, at) => {
    if (key === 'readings') readings = scan.elements(at)
  })
  return readings
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openList = 0x5b
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d
const colon = 0x3a

/** Steps over the values of a valid JSON text without reading them. */
class JsonScan {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Calls `visit` with each key of the top-level object and the place of its value. */
  eachMember(visit: (key: string, at: number) => void): void {
    let at = this.#skipSpace(this.#skipSpace(0) + 1)
    while (this.#bytes[at] === quote) {
      const keyEnd = this.#afterString(at)
      const key = JSON.parse(new TextDecoder().decode(this.#bytes.subarray(at, keyEnd))) as string
      at = this.#skipSpace(keyEnd)
      if (this.#bytes[at] !== colon) return
      at = this.#skipSpace(at + 1)
      visit(key, at)
      at = this.#skipSpace(this.#afterValue(at))
      if (this.#bytes[at] !== comma) return
      at = this.#skipSpace(at + 1)
    }
  }

  elements(listAt: number): Extent[] {
    const extents: Extent[] = []
    if (this.#bytes[listAt] !== openList) return extents
    let at = this.#skipSpace(listAt + 1)
    while (at < this.#bytes.length && this.#bytes[at] !== closeList) {
      const end = this.#afterValue(at)
      extents.push({ start: at, end })
      at = this.#skipSpace(end)
      if (this.#bytes[at] === comma) at = this.#skipSpace(at + 1)
    }
    return extents
  }

  #afterValue(start: number): number {
    const first = this.#bytes[start]
    if (first === quote) return this.#afterString(start)
    return first === openObject || first === openList ? this.#afterNested(start) : this.#afterScalar(start)
  }

  #afterNested(start: number): number {
    let depth = 0
    let at = start
    while (at < this.#bytes.length) {
      const byte = this.#bytes[at]
      if (byte === quote) {
        at = this.#afterString(at)
        continue
      }
      at++
      if (byte === openObject || byte === openList) depth++
      else if ((byte === closeObject || byte === closeList) && --depth === 0) return at
    }
    return at
  }

  #afterString(start: number): number {
    let at = start + 1
    while (at < this.#bytes.length && this.#bytes[at] !== quote) at += this.#bytes[at] === backslash ? 2 : 1
    return at + 1
  }

  #afterScalar(start: number): number {
    let at = start
    while (at < this.#bytes.length && !isEnd(this.#bytes[at]!)) at++
    return at
  }

  #skipSpace(start: number): number {
    let at = start
    while (at < this.#bytes.length && isSpace(this.#bytes[at]!)) at++
    return at
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
const isEnd = (byte: number): boolean => byte === comma || byte === closeList || byte === closeObject || isSpace(byte)
