import { expect, test } from 'vitest'
import type { Applier } from '../../src/contract/events.ts'
import { openRejects } from '../../src/ingest/ingest.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { createMemoryRecords } from '../../src/store/memory/records.ts'
import { loadStreams, type StreamVector } from '../vectors.ts'
import { message, openWorld } from './lane-world.ts'

/** Every sequence of contract/vectors through a lane on memory ports: once message by message, once as one group (a verdict must not
 *  depend on where groups end), once in groups of batches so small that each is closed within. What only a broker can show is left
 *  to the running process. */
const streams = loadStreams().filter(stream => !stream.given.broker)

const ways = { 'one by one': 'single', 'as one group': 'group', 'in small batches': 'small' } as const

for (const [how, way] of Object.entries(ways)) {
  test.each(streams.map(stream => [`${stream.id}: ${stream.name}`, stream] as const))(`${how}: %s`, async (_, stream) => {
    const told = await run(stream, way)
    expect(told.rows).toEqual(stream.expect.rows)
    expect(told.rejects).toEqual(stream.expect.rejects)
    for (const [node, { receipts, ...wanted }] of Object.entries(stream.expect.nodes)) {
      expect(told.node(node)).toMatchObject(wanted)
      if (receipts) expect(new Set(told.node(node).receipts)).toEqual(new Set(receipts))
    }
  })
}

async function run(stream: StreamVector, way: (typeof ways)[keyof typeof ways]) {
  const store = createMemoryReadings()
  const rejects = await openRejects(createMemoryRecords())
  const counts = counting()
  const rate = stream.given.readings_per_s
  const world = openWorld({
    store,
    appliers: [store, rejects, counts],
    removed: node => stream.given.removed?.includes(node) ?? false,
    ackMatches: () => false,
    ...(rate !== undefined && { rateLimit: { readingsPerS: rate, burst: rate } }),
    ...(way === 'small' && { batchBounds: { events: 1, bytes: 1 } }),
  })
  const setClock = (now: number): void => {
    world.clock.wall = now * 1000
    world.clock.mono = now * 1000
  }
  const steps = stream.steps.map(({ topic, payload, now, retain, replay }) =>
    message(topic, payload, { arrived: now * 1000, retain, replay }),
  )
  // A limit by time is about when a message is judged.
  if (way === 'single' || rate !== undefined) {
    for (const [i, step] of steps.entries()) {
      setClock(stream.steps[i]!.now)
      await world.send(step)
    }
  } else {
    setClock(stream.steps.at(-1)!.now)
    await world.send(...steps)
  }
  const rows = []
  for await (const chunk of store.export({ nodes: null, sensors: null, from: null, to: null })) rows.push(...chunk)
  const kept = (await rejects.list({ limit: 1000 })).items.reverse()
  return {
    rows: rows.map(({ node, time, names, values, boot, seq }) => ({
      node,
      time,
      fields: Object.fromEntries(names.map((name, i) => [name, values[i]])),
      boot,
      seq,
    })),
    rejects: kept.map(({ node, reason, count, indices }) => ({ node, reason, count, indices })),
    node: (node: string) => ({
      ...counts.of(node),
      ledger: world.ledger.report(node),
      receipts: world.ledger.receipt(node, world.clock.wall),
    }),
  }
}

function counting(): Applier & { of(node: string): Record<string, number> } {
  const nodes = new Map<string, Record<string, number>>()
  return {
    of: node => nodes.get(node) ?? { duplicates: 0, null_values: 0, ignored_keys: 0 },
    apply(batch) {
      for (const event of batch.events) {
        if (event.kind !== 'counts') continue
        const before = this.of(event.node)
        nodes.set(event.node, {
          duplicates: before['duplicates']! + event.duplicates,
          null_values: before['null_values']! + event.nullValues,
          ignored_keys: before['ignored_keys']! + event.ignoredKeys,
        })
      }
    },
    watermark: () => ({ segment: 0, offset: 0 }),
  }
}
