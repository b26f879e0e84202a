import type { CountsEvent, JournalEvent, OldestEvent, ReadingEvent, RejectEvent, SettledEvent } from '../contract/events.ts'
import { identity, largestTime, tags } from './layout.ts'

/** Turns the events of a batch into one payload (layout.ts) in a buffer that is used again for the next batch. The plain loops
 *  buy millions of readings a second on one core (bench/journal: 3 M at 20 a batch, 8 M at 5000). Held by encode.test.ts. */
export interface Encoder {
  /** The payload with `head` free bytes in front of it. Valid until the next call. Throws for an event the contract forbids. */
  encode(events: readonly JournalEvent[]): Buffer
}

/** A buffer that grew beyond this for one batch is not kept. */
const keptBytes = 8 * 1024 * 1024

export function createEncoder(head: number): Encoder {
  let bytes = Buffer.allocUnsafe(64 * 1024)
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0

  // What this payload has defined so far.
  const nodes = new Map<string, number>()
  const shapes = new Map<string, number>()
  let lastBoot: number[] = []
  let lastSeq: number[] = []
  let nodeNames: (readonly string[] | null)[] = []
  let nodeShape: number[] = []
  let lastNode = ''
  let lastNodeNumber = -1
  let lastNames: readonly string[] | null = null
  let lastShape = -1
  let lastArrived = 0
  let lastTime = 0

  function reset(): void {
    if (bytes.length > keptBytes) use(Buffer.allocUnsafe(64 * 1024))
    at = head
    nodes.clear()
    shapes.clear()
    lastBoot = []
    lastSeq = []
    nodeNames = []
    nodeShape = []
    lastNode = ''
    lastNodeNumber = -1
    lastNames = null
    lastShape = -1
    lastArrived = 0
    lastTime = 0
  }

  function use(buffer: Buffer<ArrayBuffer>): void {
    bytes = buffer
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  function reserve(more: number): void {
    if (at + more <= bytes.length) return
    const bigger = Buffer.allocUnsafe(Math.max(bytes.length * 2, at + more))
    bytes.copy(bigger, 0, 0, at)
    use(bigger)
  }

  function unsigned(n: number): void {
    while (n >= 0x80) {
      bytes[at++] = (n & 0x7f) | 0x80
      n = n < 0x80000000 ? n >>> 7 : Math.floor(n / 128)
    }
    bytes[at++] = n
  }

  const signed = (n: number): void => unsigned(n < 0 ? -2 * n - 1 : 2 * n)

  function text(value: string): void {
    const length = Buffer.byteLength(value)
    reserve(length + 10)
    unsigned(length)
    at += bytes.write(value, at)
  }

  function nodeNumber(node: string): number {
    if (node === lastNode && lastNodeNumber >= 0) return lastNodeNumber
    let number = nodes.get(node)
    if (number === undefined) {
      number = nodes.size
      nodes.set(node, number)
      lastBoot.push(Number.NaN) // equal to no boot
      lastSeq.push(Number.NaN)
      nodeNames.push(null)
      nodeShape.push(-1)
      reserve(1)
      bytes[at++] = tags.node
      text(node)
    }
    lastNode = node
    return (lastNodeNumber = number)
  }

  function shapeNumber(node: number, names: readonly string[]): number {
    if (names === lastNames) return lastShape
    let shape = nodeNames[node] === names ? nodeShape[node]! : -1
    if (shape < 0 && lastNames !== null && sameNames(names, lastNames)) shape = lastShape
    if (shape < 0) shape = shapeByContent(names)
    nodeNames[node] = names
    nodeShape[node] = shape
    lastNames = names
    return (lastShape = shape)
  }

  function shapeByContent(names: readonly string[]): number {
    const key = JSON.stringify(names)
    const known = shapes.get(key)
    if (known !== undefined) return known
    const number = shapes.size
    shapes.set(key, number)
    reserve(11)
    bytes[at++] = tags.shape
    unsigned(names.length)
    for (const name of names) text(name)
    return number
  }

  function times(arrived: number, time: number): void {
    checkTime(arrived)
    checkTime(time)
    signed(arrived - lastArrived)
    signed(time - lastTime)
    lastArrived = arrived
    lastTime = time
  }

  function identityOf(node: number, event: ReadingEvent | SettledEvent): number {
    const { boot, seq } = event
    if (boot === null) return seq === null ? identity.none : identity.seqOnly
    if (seq === null) return identity.bootOnly
    return boot === lastBoot[node] && seq === lastSeq[node]! + 1 ? identity.next : identity.both
  }

  /** The part that readings and settled ones share. */
  function placeAndTime(tag: number, node: number, event: ReadingEvent | SettledEvent): void {
    const form = identityOf(node, event)
    bytes[at++] = tag | form
    unsigned(node)
    times(event.arrived, event.time)
    if (form === identity.both || form === identity.bootOnly) {
      checkUint32(event.boot!)
      view.setUint32(at, event.boot!, true)
      at += 4
      lastBoot[node] = event.boot!
    }
    if (form === identity.both || form === identity.seqOnly) {
      checkUint32(event.seq!)
      unsigned(event.seq!)
    }
    if (event.seq !== null) lastSeq[node] = event.seq
  }

  function values(list: readonly number[]): void {
    for (let i = 0; i < list.length; i++) {
      view.setFloat64(at, list[i]!, true)
      at += 8
    }
  }

  function readingRecord(event: ReadingEvent): void {
    if (event.values.length !== event.names.length)
      throw new RangeError(`reading of ${event.node}: names and values differ in length`)
    const node = nodeNumber(event.node)
    const shape = shapeNumber(node, event.names)
    reserve(64 + 8 * event.values.length)
    placeAndTime(tags.reading, node, event)
    unsigned(shape)
    values(event.values)
  }

  function settledRecord(event: SettledEvent): void {
    const node = nodeNumber(event.node)
    reserve(64)
    placeAndTime(tags.settled, node, event)
  }

  /** Three numbers of a node. */
  function numbersRecord(tag: number, event: CountsEvent | OldestEvent, a: number, b: number, c: number): void {
    const node = nodeNumber(event.node)
    reserve(64)
    bytes[at++] = tag
    unsigned(node)
    times(event.arrived, lastTime)
    unsigned(a)
    unsigned(b)
    unsigned(c)
  }

  function jsonRecord(tag: number, event: object): void {
    reserve(1)
    bytes[at++] = tag
    text(JSON.stringify(event))
  }

  function rejectRecord(event: RejectEvent): void {
    const { raw, ...rest } = event
    jsonRecord(tags.reject, rest)
    reserve(10 + raw.length)
    unsigned(raw.length)
    bytes.set(raw, at)
    at += raw.length
  }

  function put(event: JournalEvent): void {
    if (event.kind === 'reading') readingRecord(event)
    else if (event.kind === 'settled') settledRecord(event)
    else if (event.kind === 'oldest') numbersRecord(tags.oldest, event, event.ownBoot, event.boot, event.seq)
    else if (event.kind === 'counts') numbersRecord(tags.counts, event, event.duplicates, event.nullValues, event.ignoredKeys)
    else if (event.kind === 'reject') rejectRecord(event)
    else jsonRecord(event.kind === 'status' ? tags.status : tags.ack, event)
  }

  return {
    encode(events) {
      reset()
      for (let i = 0; i < events.length; i++) put(events[i]!)
      return bytes.subarray(0, at)
    },
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function checkTime(ms: number): void {
  if (!(ms >= -largestTime && ms <= largestTime && Math.floor(ms) === ms))
    throw new RangeError(`not a time in whole milliseconds: ${ms}`)
}

function checkUint32(n: number): void {
  if (n >>> 0 !== n) throw new RangeError(`not a uint32: ${n}`)
}
