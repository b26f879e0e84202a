/** Every packet the broker sends, written straight into a block of bytes: no object a packet, no list of small buffers.
 *  Plain on purpose. It is one of the two hot files of the broker (the other is framing.ts); measured by bench/broker.
 *  Promise: what mqtt-packet, the independent codec, reads from it is what was meant. Held by packets.test.ts. */

export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

/** First bytes of the four-byte answers: type, its fixed flags. */
export const answer = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70, unsuback: 0xb0 } as const
export type Answer = (typeof answer)[keyof typeof answer]

/** Return codes of CONNACK (MQTT 3.1.1, table 3.1). */
export const connackCode = {
  accepted: 0,
  badProtocol: 1,
  badClientId: 2,
  unavailable: 3,
  badCredentials: 4,
  notAuthorized: 5,
} as const

/** What SUBACK says for a filter that is not granted. */
export const subackFailure = 0x80

export const pingresp = Buffer.from([0xd0, 0])

export const connack = (code: number, sessionPresent: boolean): Buffer => Buffer.from([0x20, 2, sessionPresent ? 1 : 0, code])

/** To an MQTT 5 client in its own format: reason 0x84, unsupported protocol version, no properties. */
export const connackUnsupported5 = Buffer.from([0x20, 3, 0, 0x84, 0])

export function suback(id: number, codes: readonly number[]): Buffer {
  return Buffer.concat([fixedHeader(0x90, 2 + codes.length), Buffer.from([id >>> 8, id & 0xff, ...codes])])
}

export function fixedHeader(first: number, body: number): Buffer {
  const out = Buffer.allocUnsafe(1 + remainingLengthBytes(body))
  out[0] = first
  writeRemainingLength(out, 1, body)
  return out
}

export function writeAnswer(out: Buffer, at: number, first: Answer, id: number): number {
  out[at] = first
  out[at + 1] = 2
  out[at + 2] = id >>> 8
  out[at + 3] = id & 0xff
  return at + 4
}

/** Bytes of a PUBLISH with this topic (UTF-8), payload and QoS. */
export function publishSize(topicBytes: number, payloadBytes: number, qos: number): number {
  const body = 2 + topicBytes + (qos > 0 ? 2 : 0) + payloadBytes
  return 1 + remainingLengthBytes(body) + body
}

/** Writes a PUBLISH at `at`, which has room for `publishSize`; answers with the position behind it. `topic`: UTF-8 with its two
 *  length bytes in front. */
export function writePublish(
  out: Buffer,
  at: number,
  topic: Uint8Array,
  payload: Uint8Array,
  qos: number,
  retain: boolean,
  dup: boolean,
  id: number,
): number {
  const body = topic.length + (qos > 0 ? 2 : 0) + payload.length
  out[at] = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  let next = writeRemainingLength(out, at + 1, body)
  out.set(topic, next)
  next += topic.length
  if (qos > 0) {
    out[next++] = id >>> 8
    out[next++] = id & 0xff
  }
  out.set(payload, next)
  return next + payload.length
}

function remainingLengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

function writeRemainingLength(out: Buffer, at: number, length: number): number {
  let rest = length
  let next = at
  while (rest > 127) {
    out[next++] = (rest & 127) | 128
    rest >>>= 7
  }
  out[next++] = rest
  return next
}
