import type { AckEvent, JournalEvent, RejectEvent, SettledEvent, StatusEvent } from '../contract/events.ts'
import { identity, tagMask, tags } from './layout.ts'

/** The way back from a payload (layout.ts) to its events, equal to those that were encoded. Throws `RangeError` for bytes that are
 *  no payload; nothing it returns refers to `payload`. Readings of one shape share their `names`. */
export function decode(payload: Uint8Array): JournalEvent[] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const events: JournalEvent[] = []
  const nodes: string[] = []
  const shapes: string[][] = []
  const lastBoot: number[] = []
  const lastSeq: number[] = []
  let arrived = 0
  let time = 0
  let at = 0

  function unsigned(): number {
    let byte = bytes[at++]!
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let factor = 128
    do {
      if (at >= bytes.length) throw new RangeError('a number runs over the end')
      byte = bytes[at++]!
      value += (byte & 0x7f) * factor
      factor *= 128
    } while (byte >= 0x80)
    return value
  }

  function signed(): number {
    const n = unsigned()
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2
  }

  function span(): number {
    const length = unsigned()
    if (length > bytes.length - at) throw new RangeError('a string runs over the end')
    at += length
    return length
  }

  function text(): string {
    const length = span()
    return bytes.toString('utf8', at - length, at)
  }

  function nodeNumber(): number {
    const number = unsigned()
    if (number >= nodes.length) throw new RangeError('a node that was never defined')
    return number
  }

  function reading(form: number): SettledEvent {
    const number = nodeNumber()
    arrived += signed()
    time += signed()
    let boot: number | null = null
    let seq: number | null = null
    if (form === identity.next) {
      boot = lastBoot[number]!
      seq = lastSeq[number]! + 1
    } else {
      if (form === identity.both || form === identity.bootOnly) {
        lastBoot[number] = boot = view.getUint32(at, true)
        at += 4
      }
      if (form === identity.both || form === identity.seqOnly) seq = unsigned()
    }
    if (seq !== null) lastSeq[number] = seq
    return { kind: 'settled', node: nodes[number]!, arrived, time, boot, seq }
  }

  function shapeNames(): string[] {
    const names = shapes[unsigned()]
    if (names === undefined) throw new RangeError('a shape that was never defined')
    return names
  }

  function values(count: number): number[] {
    const list = new Array<number>(count)
    for (let i = 0; i < count; i++, at += 8) list[i] = view.getFloat64(at, true)
    return list
  }

  function startRecord(): string {
    const node = nodes[nodeNumber()]!
    arrived += signed()
    time += signed()
    return node
  }

  function reject(): RejectEvent {
    const rest = JSON.parse(text()) as Omit<RejectEvent, 'raw'>
    const length = span()
    return { ...rest, raw: new Uint8Array(bytes.subarray(at - length, at)) }
  }

  while (at < bytes.length) {
    const tag = bytes[at++]!
    switch (tag & tagMask) {
      case tags.reading: {
        const { node, boot, seq } = reading(tag & ~tagMask)
        const names = shapeNames()
        events.push({ kind: 'reading', node, arrived, time, boot, seq, names, values: values(names.length) })
        break
      }
      case tags.settled:
        events.push(reading(tag & ~tagMask))
        break
      case tags.node:
        nodes.push(text())
        lastBoot.push(-1)
        lastSeq.push(-1)
        break
      case tags.shape:
        shapes.push(Array.from({ length: unsigned() }, text))
        break
      case tags.counts:
        events.push({
          kind: 'counts',
          node: startRecord(),
          arrived,
          duplicates: unsigned(),
          nullValues: unsigned(),
          ignoredKeys: unsigned(),
        })
        break
      case tags.oldest:
        events.push({ kind: 'oldest', node: startRecord(), arrived, ownBoot: unsigned(), boot: unsigned(), seq: unsigned() })
        break
      case tags.reject:
        events.push(reject())
        break
      case tags.status:
        events.push(JSON.parse(text()) as StatusEvent)
        break
      case tags.ack:
        events.push(JSON.parse(text()) as AckEvent)
        break
      default:
        throw new RangeError(`no such record: ${tag}`)
    }
  }
  if (at !== bytes.length) throw new RangeError('the last record runs over the end')
  return events
}
