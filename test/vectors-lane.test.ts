import { describe, expect, test } from 'vitest'
import { createLedger } from '../src/ledger/create.ts'
import { message, openWorld } from './ingest/lane-world.ts'
import { type ExpectedReadings, loadStreams, loadVectors, type StreamVector, type Vector } from './vectors.ts'

/** Vectors and sequences through a lane with the real ledger and the store in memory: the fast decoder, verdicts that need to know
 *  what came before, and that a verdict ends where it belongs. What only a broker can show (`given.broker`) is run against the
 *  running process. */
const streams = loadStreams()

describe('a lane gives every sequence its verdict', () => {
  test.each(streams.filter(({ given }) => !given.broker).map(stream => [`${stream.id}: ${stream.name}`, stream] as const))(
    '%s',
    async (_, stream) => {
      const { rows, rejects, nodes } = await run(stream)
      expect(rows).toEqual(stream.expect.rows)
      expect(rejects).toEqual(stream.expect.rejects)
      for (const [node, wanted] of Object.entries(stream.expect.nodes)) expect(nodes(node)).toMatchObject(wanted)
    },
  )
})

describe('a lane stores and rejects what the vector says', () => {
  test.each(loadVectors(['telemetry', 'status', 'ack']).map(vector => [`${vector.id}: ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const { rows, rejects, settled, kinds } = await runOne(vector)
      if ('rejected' in vector.expect) {
        expect(rejects).toEqual([
          { reason: vector.expect.rejected, count: 1, indices: null, settles: vector.expect.settles ?? null },
        ])
        expect(rows).toEqual([])
      } else if ('points' in vector.expect) {
        expect(rows).toEqual(inTimeOrder(vector.expect, vector.now * 1000))
        expect(settled).toBe(vector.expect.settled?.length ?? 0)
        expect(rejects.map(({ reason, count, indices }) => ({ reason, count, indices }))).toEqual(
          (vector.expect.rejects ?? []).map(({ reason, count, indices }) => ({ reason, count, indices })),
        )
      } else {
        expect(rejects).toEqual([])
        expect(kinds).toContain(vector.kind)
      }
    },
  )
})

/** Points as the store gives them back: by time, an arrival dated. */
const inTimeOrder = ({ points }: ExpectedReadings, arrived: number) =>
  points
    .map(({ time, fields, boot, seq }) => ({ time: time === 'arrival' ? arrived : time, fields, boot, seq }))
    .sort((a, b) => a.time - b.time)

async function runOne({ topic, now, payload, retain, clockSuspect }: Vector) {
  const world = openWorld({ ledger: createLedger(), clockSuspect: () => clockSuspect })
  world.clock.advance(now * 1000 - world.clock.wall)
  await world.send(message(topic, payload, { retain, arrived: now * 1000 }))
  const events = world.events()
  return {
    rows: (await allRows(world)).map(({ node: _, ...row }) => row),
    rejects: world.rejects().map(({ reason, count, indices, settles }) => ({ reason, count, indices, settles })),
    settled: events.filter(event => event.kind === 'settled').length,
    kinds: events.map(event => event.kind),
  }
}

async function allRows(world: ReturnType<typeof openWorld>) {
  const rows = []
  for await (const chunk of world.store.export({ nodes: null, sensors: null, from: null, to: null })) rows.push(...chunk)
  return rows.map(({ node, time, names, values, boot, seq }) => ({
    node,
    time,
    fields: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    boot,
    seq,
  }))
}

async function run({ given, steps }: StreamVector) {
  const ledger = createLedger()
  const world = openWorld({
    ledger,
    ackMatches: () => false,
    removed: node => given.removed?.includes(node) ?? false,
    ...(given.readings_per_s !== undefined && { rateLimit: { readingsPerS: given.readings_per_s, burst: 1 } }),
  })
  for (const { topic, now, payload, retain, replay } of steps) {
    world.clock.advance(now * 1000 - world.clock.wall)
    await world.send(message(topic, payload, { retain, replay, arrived: now * 1000 }))
  }
  const events = world.events()
  return {
    rows: await allRows(world),
    rejects: world.rejects().map(({ node, reason, count, indices }) => ({ node, reason, count, indices })),
    nodes(node: string) {
      const counts = { duplicates: 0, null_values: 0, ignored_keys: 0 }
      for (const event of events) {
        if (event.kind !== 'counts' || event.node !== node) continue
        counts.duplicates += event.duplicates
        counts.null_values += event.nullValues
        counts.ignored_keys += event.ignoredKeys
      }
      return { ...counts, ledger: ledger.report(node), receipts: ledger.receipt(node, world.clock.wall) }
    },
  }
}
