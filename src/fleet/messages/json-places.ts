/** Where the values of a JSON text stand, in characters, also of one that is broken: then up to the break. For showing a person the
 *  place of a fault; what a message means is decided elsewhere. */
export interface Place {
  readonly offset: number
  readonly length: number
}

export interface JsonPlaces {
  /** Where it stops being JSON; null: it is JSON. At the end of a text that was cut: its length. */
  readonly broken: Place | null
  /** The value at a path of keys and indices, or undefined. */
  value(path: readonly (string | number)[]): Place | undefined
  /** The key (with its quotes) at the end of a path. */
  key(path: readonly (string | number)[]): Place | undefined
}

interface Found {
  readonly key: Place | null
  place: Place
  readonly children: Map<string | number, Found>
}

export function jsonPlaces(text: string): JsonPlaces {
  const reader = new Reader(text)
  const top = reader.document()
  const at = (path: readonly (string | number)[]): Found | undefined =>
    path.reduce<Found | undefined>((found, step) => found?.children.get(step), top)
  return { broken: reader.broken, value: path => at(path)?.place, key: path => at(path)?.key ?? undefined }
}

/** Deeper than any payload may be; beyond it is a break, not a full stack. */
const deepest = 64

class Reader {
  broken: Place | null = null
  private at = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  document(): Found {
    const top: Found = { key: null, place: { offset: 0, length: 0 }, children: new Map() }
    this.value(top, 0)
    this.space()
    if (this.broken === null && this.at < this.text.length) this.stop()
    return top
  }

  /** Reads a value into `into`; false once the text is broken. */
  private value(into: Found, depth: number): boolean {
    this.space()
    const offset = this.at
    const fine = this.anything(into, depth)
    into.place = { offset, length: this.at - offset }
    return fine
  }

  private anything(into: Found, depth: number): boolean {
    const first = this.text[this.at]
    if (depth > deepest) return this.stop()
    if (first === '{') return this.members(into, depth)
    if (first === '[') return this.items(into, depth)
    if (first === '"') return this.string() !== null
    return this.scalar()
  }

  private members(into: Found, depth: number): boolean {
    this.at++
    if (this.take('}')) return true
    for (;;) {
      this.space()
      const offset = this.at
      if (this.text[offset] !== '"') return this.stop()
      const key = this.string()
      if (key === null) return false
      const child: Found = {
        key: { offset, length: this.at - offset },
        place: { offset: this.at, length: 0 },
        children: new Map(),
      }
      if (!this.take(':')) return this.stop()
      into.children.set(key, child)
      if (!this.value(child, depth + 1)) return false
      if (this.take('}')) return true
      if (!this.take(',')) return this.stop()
    }
  }

  private items(into: Found, depth: number): boolean {
    this.at++
    if (this.take(']')) return true
    for (let i = 0; ; i++) {
      const child: Found = { key: null, place: { offset: this.at, length: 0 }, children: new Map() }
      into.children.set(i, child)
      if (!this.value(child, depth + 1)) return false
      if (this.take(']')) return true
      if (!this.take(',')) return this.stop()
    }
  }

  private string(): string | null {
    stringToken.lastIndex = this.at
    const token = stringToken.exec(this.text)?.[0]
    if (token === undefined) return this.brokenString()
    this.at += token.length
    return JSON.parse(token) as string
  }

  /** One that never ends, or has what no string may have: marked from its opening quote on. */
  private brokenString(): null {
    stringStart.lastIndex = this.at
    const read = stringStart.exec(this.text)![0].length
    if (this.at + read >= this.text.length) this.broken = { offset: this.at, length: read }
    else {
      this.at += read
      this.stop()
    }
    return null
  }

  private scalar(): boolean {
    scalarToken.lastIndex = this.at
    const token = scalarToken.exec(this.text)?.[0]
    if (token === undefined) return this.stop()
    this.at += token.length
    return true
  }

  private take(char: string): boolean {
    this.space()
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  private space(): void {
    spaceToken.lastIndex = this.at
    this.at += spaceToken.exec(this.text)![0].length
  }

  /** The word that can't stand here, or a single character. */
  private stop(): false {
    wordToken.lastIndex = this.at
    this.broken ??= { offset: this.at, length: wordToken.exec(this.text)?.[0].length ?? 0 }
    return false
  }
}

const spaceToken = /[ \t\r\n]*/y
const stringToken = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const stringStart = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y
const scalarToken = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y
const wordToken = /[\w.+-]+|[\s\S]/y
