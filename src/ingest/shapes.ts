import { limits } from '../contract/limits.ts'
import { reservedNames } from '../contract/reserved-names.ts'

/** The sensor names of messages seen so far, as a tree: a step down is the next name in the order of the JSON. Nodes send the same
 *  shape over and over, so the name that comes is nearly always the one that came last: a comparison of bytes, no string made.
 *  Readings of one shape share their `names` array. */
export class Shape {
  readonly name: string
  readonly bytes: Uint8Array
  readonly depth: number
  private readonly sensors: readonly string[]
  private readonly withExtras: (readonly string[] | undefined)[] = []
  private readonly children: Shape[] = []
  private last: Shape | null = null

  constructor(parent: Shape | null, name: string) {
    this.name = name
    this.bytes = new TextEncoder().encode(name)
    this.depth = parent ? parent.depth + 1 : 0
    this.sensors = parent ? [...parent.sensors, name] : []
  }

  /** The shape after the name that begins at `at`, with its closing quote; null: a name that is not allowed, or not here. */
  step(bytes: Uint8Array, at: number): Shape | null {
    const { last } = this
    if (last?.isAt(bytes, at)) return last
    return this.branch(bytes, at)
  }

  /** All names of a reading of this shape. */
  names(rssi: boolean, uptime: boolean): readonly string[] {
    const which = (rssi ? 1 : 0) + (uptime ? 2 : 0)
    return (this.withExtras[which] ??= [...this.sensors, ...(rssi ? ['wifi_rssi'] : []), ...(uptime ? ['uptime'] : [])])
  }

  private isAt(bytes: Uint8Array, at: number): boolean {
    const own = this.bytes
    const length = own.length
    if (bytes[at + length] !== quote) return false
    for (let i = 0; i < length; i++) if (bytes[at + i] !== own[i]) return false
    return true
  }

  private branch(bytes: Uint8Array, at: number): Shape | null {
    let child = this.children.find(shape => shape.isAt(bytes, at))
    if (!child) {
      const name = allowedName(bytes, at)
      if (name === null || this.sensors.includes(name) || this.depth >= limits.sensors || made >= mostShapes) return null
      child = new Shape(this, name)
      made++
      this.children.push(child)
    }
    this.last = child
    return child
  }
}

/** Beyond this, new shapes are read by the reference decoder: strangers may invent names for ever. Searched one after the other
 *  where shapes part, so the number also bounds the time a hostile message costs. */
const mostShapes = 4_096
let made = 0

export const emptyShape = new Shape(null, '')

const quote = 0x22
const pattern = /^[a-z][a-z0-9_]{0,31}$/
const reserved: ReadonlySet<string> = new Set(reservedNames)

function allowedName(bytes: Uint8Array, at: number): string | null {
  const end = bytes.indexOf(quote, at)
  if (end < 0 || end - at > 32) return null
  const name = String.fromCharCode(...bytes.subarray(at, end))
  return pattern.test(name) && !reserved.has(name) ? name : null
}
