import { describe, expect, test } from 'vitest'
import { rejectReasons } from '../src/contract/codes.ts'
import { judgeCommand } from '../src/contract/commands.ts'
import {
  decodeAck,
  decodeCommand,
  decodeLog,
  decodeReceipts,
  decodeStatus,
  decodeTelemetry,
  type MessageReject,
  type TelemetryMessage,
} from '../src/contract/decode.ts'
import { limits } from '../src/contract/limits.ts'
import { parseTopic } from '../src/contract/topics.ts'
import { loadStreams, loadVectors, type Vector, withNode } from './vectors.ts'

/** Every vector against the reference decoders. What the decoder answers is written in the vector's own words and compared whole,
 *  so nothing it says can go unnoticed. Sequences (contract/vectors/stream) need a lane: its suite runs them. */
const vectors = loadVectors()

describe.each(['telemetry', 'status', 'ack', 'log', 'command', 'receipt'] as const)('%s', kind => {
  test.each(vectors.filter(vector => vector.kind === kind).map(vector => [`${vector.id}: ${vector.name}`, vector] as const))(
    '%s',
    (_, vector) => expect(answer(vector)).toEqual(expected(vector)),
  )
})

test('there are at least 200 vectors, with names and ids of their own', () => {
  expect(vectors.length).toBeGreaterThanOrEqual(200)
  expect(new Set(vectors.map(vector => vector.kind + vector.name)).size).toBe(vectors.length)
})

/** Their states are not in a message: they belong to later issues' retention and claiming. */
const withoutVector = ['beyond_retention', 'unclaimed']

test('every reject reason has a vector or a sequence', () => {
  const met = new Set<string>(loadStreams().flatMap(stream => stream.expect.rejects.map(reject => reject.reason)))
  for (const { expect } of vectors) {
    if ('rejected' in expect) met.add(expect.rejected)
    if ('points' in expect) for (const reject of expect.rejects ?? []) met.add(reject.reason)
  }
  expect([...met, ...withoutVector].sort()).toEqual([...rejectReasons].sort())
})

test('a sequence names a reason that exists, and sends what its topic allows', () => {
  for (const stream of loadStreams()) {
    expect(stream.steps.length, stream.id).toBeGreaterThan(0)
    for (const reject of stream.expect.rejects) expect(rejectReasons, stream.id).toContain(reject.reason)
    for (const step of stream.steps) expect(parseTopic(step.topic).kind, stream.id).not.toBe('other')
  }
})

test('a vector told by another node gives the same verdict', () => {
  for (const vector of vectors.filter(vector => vector.topic.startsWith('iot/node/01/'))) {
    const told = withNode(vector, 'Zz')
    expect(told.payload.length).toBe(vector.payload.length)
    expect(JSON.stringify(answer(told)).replaceAll('node_Zz', 'node_01')).toBe(JSON.stringify(answer(vector)))
  }
})

/** The expectation with its defaults written out. */
function expected({ expect }: Vector): unknown {
  if ('points' in expect) return { settled: [], rejects: [], ignored_keys: 0, null_values: 0, oldest: null, ...expect }
  if ('rejected' in expect) return { settles: null, ignored_keys: 0, oldest: null, ...expect }
  return expect
}

function answer(vector: Vector): unknown {
  const topic = parseTopic(vector.topic)
  if (topic.kind === 'badId') return rejection('bad_topic')
  if (!('node' in topic)) throw new Error(`${vector.id}: ${vector.topic} is no topic of a node`)
  const context = { topicNode: topic.node, now: vector.now * 1000, clockSuspect: vector.clockSuspect }
  switch (vector.kind) {
    case 'telemetry': {
      const decoded = decodeTelemetry(vector.payload, context)
      return decoded.ok ? readings(decoded, vector) : refusal(decoded.reject)
    }
    case 'status': {
      const decoded = decodeStatus(vector.payload, { ...context, retained: vector.retain })
      if (!decoded.ok) return refusal(decoded.reject)
      return 'status_keys' in vector.expect ? { status_keys: Object.keys(decoded.status ?? {}) } : { status: decoded.status }
    }
    case 'ack': {
      const decoded = decodeAck(vector.payload, context)
      if (!decoded.ok) return refusal(decoded.reject)
      return 'ack_keys' in vector.expect ? { ack_keys: Object.keys(decoded.ack) } : { ack: decoded.ack }
    }
    case 'log': {
      const { msg, ...log } = decodeLog(vector.payload)
      const short = 'log' in vector.expect && 'msg_chars' in vector.expect.log
      return { log: short ? { ...log, msg_chars: msg.length } : { ...log, msg } }
    }
    case 'command': {
      const command = decodeCommand(vector.payload)
      return command ? { command, error: judgeCommand(command.command, command.params)?.code ?? null } : { ignored: true }
    }
    case 'receipt': {
      const receipts = decodeReceipts(vector.payload)
      return receipts ? { receipts } : { ignored: true }
    }
  }
}

const rejection = (rejected: string) => ({ rejected, settles: null, ignored_keys: 0, oldest: null })

function refusal(reject: MessageReject): unknown {
  expect(reject.detail).toMatch(/; allowed: .+\. .+\.$/)
  return rejection(reject.reason)
}

function readings(message: TelemetryMessage, vector: Vector): unknown {
  const numbered = (index: number) => ({ boot: message.boot, seq: message.firstSeq === null ? null : message.firstSeq + index })
  for (const reject of message.rejects) expect(reject.detail).toMatch(/; allowed: .+\. .+\.$/)
  if (!message.batch && message.rejects.length > 0) {
    const { reason, raw, truncated } = message.rejects[0]!
    expect(Buffer.from(raw)).toEqual(Buffer.from(vector.payload.subarray(0, limits.rejectRawBytes)))
    expect(truncated).toBe(vector.payload.length > limits.rejectRawBytes)
    const settles = message.boot === null ? null : { boot: message.boot, seqs: [message.firstSeq] }
    return { ...rejection(reason), settles, ignored_keys: message.ignoredKeys, oldest: message.oldest }
  }
  const wanted = 'points' in vector.expect ? (vector.expect.rejects ?? []) : []
  return {
    points: message.readings
      .filter(reading => reading.names.length > 0)
      .map(({ index, time, names, values }) => ({
        time: time ?? 'arrival',
        fields: Object.fromEntries(names.map((name, i) => [name, values[i]])),
        ...numbered(index),
      })),
    settled: message.readings
      .filter(reading => reading.names.length === 0)
      .map(({ index, time }) => ({ time: time ?? 'arrival', ...numbered(index) })),
    rejects: message.rejects.map(({ reason, indices, raw, truncated }, i) => ({
      reason,
      indices,
      count: indices.length,
      ...(wanted[i]?.raw !== undefined && { raw: Buffer.from(raw).toString() }),
      ...(wanted[i]?.raw_bytes !== undefined && { raw_bytes: raw.length }),
      ...(wanted[i]?.truncated !== undefined && { truncated }),
    })),
    ignored_keys: message.ignoredKeys,
    null_values: message.nullValues,
    oldest: message.oldest,
  }
}
