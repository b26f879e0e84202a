import { describe, expect, test } from 'vitest'
import { createLedger } from '../src/ledger/create.ts'
import { message, openWorld } from './ingest/lane-world.ts'
import { type ExpectedReadings, loadVectors, type Vector } from './vectors.ts'

/** Every message of contract/vectors through a lane with the real ledger and the store in memory: whichever decoder answers, the
 *  verdict ends where it belongs. Sequences: test/ingest/stream-vectors.test.ts. */
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
