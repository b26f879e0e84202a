import { isUtf8 } from 'node:buffer'
import mqttPacket from 'mqtt-packet'
import { connack, connackCode, connackUnsupported5, fixedHeader } from '../wire/packets.ts'
import type { Qos } from './message.ts'
import { isFilter, isTopicName } from './topic.ts'
import type { Will } from './will.ts'

/** What is checked before, and beside, the packet codec. mqtt-packet reads the three packets with a structure (CONNECT, SUBSCRIBE,
 *  UNSUBSCRIBE), a fresh parser for each: a shared one misreads other clients' packets after one bad packet. It doesn't look at
 *  trailing bytes, invalid UTF-8, NUL, a password without a user, will QoS 3, packet id 0, empty lists; so those are looked at here. */

export interface ConnectRequest {
  readonly clientId: string
  readonly clean: boolean
  /** 4 = MQTT 3.1.1, 3 = MQTT 3.1. */
  readonly level: 3 | 4
  /** Seconds, 0 = never times out. */
  readonly keepAlive: number
  readonly user: string | null
  readonly password: Uint8Array | null
  readonly will: Will | null
}

/** `refuse`: answer with this CONNACK, then close. `close`: close without a word [MQTT-3.1.4-1]. */
export type ConnectRead =
  | { readonly ok: true; readonly request: ConnectRequest }
  | { readonly ok: false; readonly refuse: Buffer | null; readonly why: string }

const close = (why: string): ConnectRead => ({ ok: false, refuse: null, why })

/** Reads a CONNECT whose body is `bytes[start, end)`. */
export function readConnect(bytes: Buffer, start: number, end: number): ConnectRead {
  const fields = new Fields(bytes, start, end)
  const protocol = fields.bytes()?.toString('latin1')
  const level = fields.byte()
  if (protocol !== 'MQTT' && protocol !== 'MQIsdp') return close('not an MQTT CONNECT')
  // The level before anything else: the rest of another version's packet means something else.
  if (protocol === 'MQTT' && level === 5) return { ok: false, refuse: connackUnsupported5, why: 'MQTT 5 is not spoken here' }
  if ((level !== 4 && level !== 3) || (level === 4) !== (protocol === 'MQTT')) {
    return { ok: false, refuse: connack(connackCode.badProtocol, false), why: `protocol level ${level} is not spoken here` }
  }
  const wrong = checkConnect(fields)
  if (wrong !== null) return close(wrong)
  const packet = decode(0x10, bytes.subarray(start, end))
  if (packet?.cmd !== 'connect') return close('unreadable CONNECT')
  const { will } = packet
  return {
    ok: true,
    request: {
      clientId: packet.clientId,
      clean: packet.clean ?? false,
      level,
      keepAlive: packet.keepalive ?? 0,
      user: packet.username ?? null,
      password: packet.password ?? null,
      will: will
        ? { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos ?? 0, retain: will.retain ?? false }
        : null,
    },
  }
}

/** The fields behind the protocol level; null when they are right, else what is wrong. */
function checkConnect(fields: Fields): string | null {
  const flags = fields.byte()
  if (flags === null || fields.byte() === null || fields.byte() === null) return 'CONNECT is too short'
  const has = { will: (flags & 4) !== 0, password: (flags & 64) !== 0, user: (flags & 128) !== 0 }
  const willQos = (flags >> 3) & 3
  if ((flags & 1) !== 0) return 'reserved CONNECT flag is set' // [MQTT-3.1.2-3]
  if (willQos === 3) return 'will QoS is 3' // [MQTT-3.1.2-14]
  if (!has.will && (flags & 0x38) !== 0) return 'will QoS or retain without a will' // [MQTT-3.1.2-13, -15]
  if (has.password && !has.user) return 'password without a user name' // [MQTT-3.1.2-22]
  if (fields.text() === null) return 'client id is not a string'
  if (has.will) {
    const topic = fields.text()
    if (topic === null || !isTopicName(topic)) return 'will topic is not a topic name'
    if (fields.bytes() === null) return 'will message is cut short'
  }
  if (has.user && fields.text() === null) return 'user name is not a string'
  if (has.password && fields.bytes() === null) return 'password is cut short'
  return fields.atEnd ? null : 'bytes behind the end of CONNECT'
}

export interface Subscription {
  readonly topic: string
  readonly qos: Qos
}

/** Filters of a SUBSCRIBE with their QoS, or what is wrong. */
export function readSubscribe(bytes: Buffer, start: number, end: number): { id: number; filters: Subscription[] } | string {
  const fields = new Fields(bytes, start, end)
  const id = fields.number()
  if (id === null || id === 0) return 'SUBSCRIBE with packet id 0' // [MQTT-2.3.1-1]
  do {
    const filter = fields.text()
    const qos = fields.byte()
    if (filter === null || qos === null) return 'SUBSCRIBE is malformed' // also one without any filter [MQTT-3.8.3-3]
    if (!isFilter(filter)) return 'SUBSCRIBE with a filter that is none' // [MQTT-4.7.1-2, -3]
    if (qos > 2) return 'SUBSCRIBE with a QoS above 2' // [MQTT-3.8.3-4]
  } while (!fields.atEnd)
  const packet = decode(0x82, bytes.subarray(start, end))
  if (packet?.cmd !== 'subscribe') return 'unreadable SUBSCRIBE'
  return { id, filters: packet.subscriptions.map(({ topic, qos }) => ({ topic, qos })) }
}

export function readUnsubscribe(bytes: Buffer, start: number, end: number): { id: number; filters: string[] } | string {
  const fields = new Fields(bytes, start, end)
  const id = fields.number()
  if (id === null || id === 0) return 'UNSUBSCRIBE with packet id 0'
  do {
    const filter = fields.text()
    if (filter === null || !isFilter(filter)) return 'UNSUBSCRIBE with a filter that is none' // also without any [MQTT-3.10.3-2]
  } while (!fields.atEnd)
  const packet = decode(0xa2, bytes.subarray(start, end))
  if (packet?.cmd !== 'unsubscribe') return 'unreadable UNSUBSCRIBE'
  return { id, filters: packet.unsubscriptions }
}

/** Hands the body to mqtt-packet, behind a fixed header made anew: the client's own may spell the length in more bytes. */
function decode(first: number, body: Buffer): mqttPacket.Packet | null {
  let read: mqttPacket.Packet | null = null
  const parser = mqttPacket.parser()
  parser.on('packet', packet => {
    read = packet
  })
  parser.on('error', () => {
    read = null
  })
  parser.parse(Buffer.concat([fixedHeader(first, body.length), body]))
  return read
}

/** Walks the fields of a packet; null where the packet ends too early or a string is none [MQTT-1.5.3-1, -2]. */
class Fields {
  private readonly frame: Buffer
  private readonly end: number
  private at: number
  constructor(frame: Buffer, at: number, end: number) {
    this.frame = frame
    this.at = at
    this.end = end
  }
  get atEnd(): boolean {
    return this.at === this.end
  }
  byte(): number | null {
    return this.at < this.end ? this.frame[this.at++]! : null
  }
  number(): number | null {
    if (this.at + 2 > this.end) return null
    this.at += 2
    return this.frame.readUInt16BE(this.at - 2)
  }
  bytes(): Buffer | null {
    const length = this.number()
    if (length === null || this.at + length > this.end) return null
    this.at += length
    return this.frame.subarray(this.at - length, this.at)
  }
  text(): string | null {
    const raw = this.bytes()
    return raw === null || !isUtf8(raw) || raw.includes(0) ? null : raw.toString()
  }
}
