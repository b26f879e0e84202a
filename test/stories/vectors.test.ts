import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokerOfStories, until } from '../espalier.ts'
import { frozenAt, hasFaketime } from '../faketime.ts'
import { type ExpectedReadings, type ExpectedRejection, loadVectors, type Vector, withNode } from '../vectors.ts'
import { type Wire, wire } from '../wire.ts'
import { expectedAccount } from './vector-account.ts'
import {
  besideBoot,
  besideNode,
  type Evidence,
  openVectorHouse,
  receiptsOf,
  twoCharacterIds,
  type VectorHouse,
} from './vector-house.ts'

/** Every message of contract/vectors, published to one running `up` whose clock stands at the vectors' `now`: each from a node of its
 *  own, good beside bad, and between any two of them a reading of a node that has nothing to do with it. */
const now = 1_780_000_000
const ownId = (vector: Vector): string => /^iot\/node\/([^/]*)\//.exec(vector.topic)![1]!

const ids = twoCharacterIds()
const renamed = (vector: Vector): Vector => (ownId(vector) === '01' ? withNode(vector, ids.next().value!) : vector)
const published = loadVectors(['telemetry', 'status', 'ack', 'log'])
  .filter(vector => !vector.clockSuspect)
  .map(renamed)
const of = (kind: Vector['kind']) => published.filter(v => v.kind === kind).map(v => [`${v.id}: ${v.name}`, v] as const)
const suspicious = loadVectors(['telemetry'])
  .filter(vector => vector.clockSuspect)
  .map(renamed)

const isBadTopic = ({ expect }: Vector): boolean => 'rejected' in expect && expect.rejected === 'bad_topic'

let world: VectorHouse
let evidence: Evidence
let besideSent: Awaited<ReturnType<VectorHouse['beside']['finish']>>
let commands: Map<string, string>

beforeAll(async () => {
  world = await openVectorHouse(hasFaketime ? frozenAt(now) : {})
  commands = await commandsFor(published.filter(v => v.kind === 'ack' && !isBadTopic(v)))
  const open: Promise<void>[] = []
  for (const vector of published) {
    world.beside.tick()
    open.push(world.sender.publish(vector.topic, payloadOf(vector), { retain: vector.retain }))
  }
  await Promise.all(open)
  world.beside.tick()
  besideSent = await world.beside.finish()
  evidence = await world.evidence()
})
afterAll(() => world?.close())

/** An ack needs a command that waits for it: each node that is about to acknowledge gets one. By node: its id. */
const vectorCommandId = '01J0000000000000000000000A'
async function commandsFor(acks: readonly Vector[]): Promise<Map<string, string>> {
  const sent = await Promise.all(acks.map(async vector => [ownId(vector), await oneCommand(vector)] as const))
  return new Map(sent)
}

async function oneCommand(vector: Vector): Promise<string> {
  const node = ownId(vector)
  const at: Wire = await wire(world.house.run.mqtt, node)
  await at.subscribe(`iot/node/${node}/command`)
  await at.publish(`iot/node/${node}/status`, JSON.stringify({ node_id: `node_${node}`, online: true }))
  const { status, body } = await world.house.api(`/api/nodes/${node}/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ command: commandIn(vector), params: {} }),
  })
  if (status !== 202) throw new Error(JSON.stringify(body))
  await until(`command of ${node}`, async () => at.received[0])
  at.end()
  return body.id
}

/** The command that the ack names, where it names one that can be sent. */
const commandIn = ({ payload }: Vector): string =>
  /"command":"([a-z_]{1,64})"/.exec(Buffer.from(payload).toString())?.[1] ?? 'set_led'

function payloadOf(vector: Vector): Uint8Array {
  const id = commands.get(ownId(vector))
  const at = id === undefined ? -1 : Buffer.from(vector.payload).indexOf(vectorCommandId)
  if (id === undefined || at < 0) return vector.payload
  const payload = Buffer.from(vector.payload)
  payload.write(id, at)
  return payload
}

function expectWholeReject(vector: Vector, reason: string): void {
  const payload = Buffer.from(payloadOf(vector))
  const rejects = reason === 'bad_topic' ? evidence.rejectsOfTopic(vector.topic) : evidence.rejectsOf(ownId(vector))
  expect(rejects).toEqual([
    {
      id: expect.any(String),
      node: reason === 'bad_topic' ? null : ownId(vector),
      topic: vector.topic,
      reason,
      detail: expect.stringMatching(/\S+ \S+/),
      time: expect.any(Number),
      size: payload.length,
      raw_base64: payload.subarray(0, 4096).toString('base64'),
      truncated: payload.length > 4096,
      count: 1,
      indices: null,
    },
  ])
}

/** What is rejected is forwarded all the same; only an id that is none has no topic, on our own broker. */
function expectForwarded(vector: Vector): void {
  const came = world.watcher.received.filter(message => message.topic === vector.topic)
  const matching = came.filter(message => message.payload.equals(payloadOf(vector)))
  expect(matching.length).toBe(isBadTopic(vector) && brokerOfStories === 'embedded' ? 0 : 1)
}

describe('telemetry', () => {
  for (const [name, vector] of of('telemetry'))
    test.skipIf(vector.needsClock && !hasFaketime)(name, async () => {
      const node = ownId(vector)
      expectForwarded(vector)
      if ('rejected' in vector.expect) {
        expectWholeReject(vector, vector.expect.rejected)
        expect(evidence.rowsOf(node)).toEqual([])
        expect(evidence.detailOf(node)).toBeNull()
      } else if ('points' in vector.expect) expectReadings(vector, vector.expect)
      const account = expectedAccount(vector)
      if (account === null) return
      expect(evidence.ledgerOf(node)).toMatchObject(account.ledger)
      const entries = await receiptsOf(world, node, found => found.length >= account.receipts.length)
      expect(new Set(entries)).toEqual(new Set(account.receipts))
    })
})

function expectReadings(vector: Vector, expected: ExpectedReadings): void {
  const node = ownId(vector)
  const points = expected.points.map(({ time, ...point }) => ({
    node,
    time: time !== 'arrival' ? time : hasFaketime ? now * 1000 : expect.any(Number),
    ...point,
  }))
  expect(evidence.rowsOf(node)).toEqual(points.sort((a, b) => a.time - b.time))

  const batch = isBatch(vector)
  const rejects = evidence.rejectsOf(node)
  expect(rejects).toMatchObject(
    (expected.rejects ?? []).map(({ reason, count, indices, truncated }) => ({
      node,
      topic: vector.topic,
      reason,
      count,
      indices: batch ? indices : null,
      size: vector.payload.length,
      ...(truncated !== undefined && { truncated }),
    })),
  )
  for (const [i, { raw, raw_bytes }] of (expected.rejects ?? []).entries()) {
    const kept = Buffer.from(rejects[i]!.raw_base64, 'base64')
    if (raw !== undefined) expect(kept.toString()).toBe(raw)
    if (raw_bytes !== undefined) expect(kept.length).toBe(raw_bytes)
  }

  const accepted = points.length + (expected.settled?.length ?? 0)
  const detail = evidence.detailOf(node)
  if (accepted === 0) expect(detail).toBeNull()
  else
    expect(detail).toMatchObject({
      id: node,
      stored: accepted,
      rejected: (expected.rejects ?? []).reduce((sum, reject) => sum + reject.count, 0),
      duplicates: 0,
      ignored_keys: expected.ignored_keys ?? 0,
      null_values: expected.null_values ?? 0,
    })
}

const isBatch = ({ payload }: Vector): boolean => Buffer.from(payload).includes('"readings"')

/** A delivery does not say whether it was published with RETAIN, so behind mosquitto an empty status always is one that clears. */
const cannotTell = ({ id }: Vector): boolean => id === 'status/empty-not-retained' && brokerOfStories === 'mosquitto'

describe('status', () => {
  for (const [name, vector] of of('status').filter(([, one]) => !cannotTell(one)))
    test(name, () => {
      const node = ownId(vector)
      expectForwarded(vector)
      expect(evidence.rowsOf(node)).toEqual([])
      if ('rejected' in vector.expect) {
        expectWholeReject(vector, vector.expect.rejected)
        expect(evidence.detailOf(node)).toBeNull()
        return
      }
      expect(evidence.rejectsOf(node)).toEqual([])
      const detail = evidence.detailOf(node)
      if ('status_keys' in vector.expect)
        expect(Object.keys(detail!.status!).sort()).toEqual([...vector.expect.status_keys].sort())
      else if ('status' in vector.expect && vector.expect.status !== null) {
        const { status } = vector.expect
        expect(detail!.status).toEqual({ ...status, node_id: `node_${node}` })
        expect(detail!.state).toEqual(stateAfter(status))
      } else expect(detail).toBeNull() // clearing what nobody knows makes no node
    })
})

/** Three intervals after a birth without a reading it is late; only one vector's interval is that short. */
function stateAfter({ online, reason, interval }: Readonly<Record<string, unknown>>): string {
  if (online !== true) return reason === 'sleep' ? 'asleep' : 'offline'
  return typeof interval === 'number' && interval < 1 ? expect.stringMatching(/^(online|late)$/) : 'online'
}

describe('ack', () => {
  for (const [name, vector] of of('ack'))
    test(name, async () => {
      expectForwarded(vector)
      const id = commands.get(ownId(vector))
      const command = id === undefined ? null : (await world.house.api(`/api/commands/${id}`)).body
      if ('rejected' in vector.expect) {
        expectWholeReject(vector, vector.expect.rejected)
        if (command !== null) expect(command.history.map((h: { evidence: string }) => h.evidence)).not.toContain('ack')
        return
      }
      expect(evidence.rejectsOf(ownId(vector))).toEqual([])
      expect(command.history.at(-1).evidence).toBe('ack')
      if (!('ack' in vector.expect)) return
      const { id: acked, state, result, progress, error } = vector.expect.ack as Record<string, unknown> & { error?: object }
      expect(command).toMatchObject({ state, matched: acked === undefined ? 'name' : 'id', result: result ?? null })
      if (progress !== undefined) expect(command.progress).toBe(progress)
      if (error !== undefined) expect(command.error).toMatchObject(error)
    })
})

test.each(of('log'))('%s: forwarded, never a reject', (_, vector) => {
  expectForwarded(vector)
  expect(evidence.rejectsOf(ownId(vector))).toEqual([])
  expect(evidence.detailOf(ownId(vector))).toBeNull()
})

test('the counters tell of every reject, by reason and node', () => {
  const wanted: Record<string, number> = {}
  const add = (reason: string, n: number) => (wanted[reason] = (wanted[reason] ?? 0) + n)
  for (const { expect } of published.filter(vector => !cannotTell(vector))) {
    if ('rejected' in expect) add((expect as ExpectedRejection).rejected, 1)
    else if ('points' in expect) for (const { reason, count } of expect.rejects ?? []) add(reason, count)
  }
  if (hasFaketime) expect(evidence.counts.by_reason).toEqual(wanted)
  expect(evidence.counts.total).toBe(Object.values(evidence.counts.by_reason).reduce((a, b) => a + b))
  expect(evidence.counts.by_node[besideNode]).toBeUndefined()
})

test('the stream beside all of it arrived whole and untouched', async () => {
  expect(besideSent.length).toBeGreaterThan(2 * published.length)
  expect(evidence.rowsOf(besideNode)).toEqual(besideSent)
  expect(evidence.rejectsOf(besideNode)).toEqual([])
  const account = { expected: besideSent.length, stored: besideSent.length, duplicates: 0, rejected: 0, missing: 0, lost: 0 }
  expect(evidence.ledgerOf(besideNode)).toMatchObject({ ...account, gaps: [] })
  const last = besideSent.length - 1
  const entries = await receiptsOf(world, besideNode, found => found[0]?.seq === last)
  expect(entries).toEqual([{ boot: besideBoot, seq: last, seen: last }])
})

test('nothing of it made the house unwell', async () => {
  expect((await world.house.api('/healthz')).body.checks).toMatchObject({ ingest: { ok: true }, broker: { ok: true } })
})

describe.skipIf(!hasFaketime)('with a clock that is not believed', () => {
  let dim: VectorHouse
  let seen: Evidence
  beforeAll(async () => {
    dim = await openVectorHouse(frozenAt(Date.UTC(2025, 5, 1) / 1000))
    for (const vector of suspicious) await dim.sender.publish(vector.topic, vector.payload, { retain: vector.retain })
    seen = await dim.evidence()
  })
  afterAll(() => dim?.close())

  test.each(suspicious.map(v => [`${v.id}: ${v.name}`, v] as const))('%s', (_, vector) => {
    const node = ownId(vector)
    const points = 'points' in vector.expect ? vector.expect.points.map(point => ({ node, ...point })) : []
    expect(seen.rowsOf(node)).toEqual(points)
    const reasons = seen.rejectsOf(node).map(reject => reject.reason)
    expect(reasons).toEqual('rejected' in vector.expect ? [vector.expect.rejected] : [])
  })
})
