import { describe, expect, test } from 'vitest'
import { createLedger } from '../src/ledger/create.ts'
import { message, openWorld } from './ingest/lane-world.ts'
import { loadStreams, type StreamVector } from './vectors.ts'

/** The sequences of contract/vectors/stream through a lane with the real ledger and the store in memory: verdicts that need to know
 *  what came before. What only a broker can show (`given.broker`) is run against the running process. */
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
  const rows = []
  for await (const chunk of world.store.export({ nodes: null, sensors: null, from: null, to: null })) rows.push(...chunk)
  return {
    rows: rows.map(({ node, time, names, values, boot, seq }) => ({
      node,
      time,
      fields: Object.fromEntries(names.map((name, i) => [name, values[i]])),
      boot,
      seq,
    })),
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
