import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../../src/contract/events.ts'
import { openJournal } from '../../src/journal/open.ts'
import { createLedger } from '../../src/ledger/create.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { openWorld, t0, telemetry } from './lane-world.ts'

const scale = Number(process.env['ESPALIER_TEST_SCALE'] ?? 1)

/** What a node may do with what it keeps: send readings alone or in batches, late, again, in any order, with any word on its oldest
 *  that is true. `boots` readings each have `count`. */
interface Delivery {
  readonly boot: number
  readonly from: number
  readonly length: number
}

const boots = [11, 22]
const count = 12
const valueFor = (boot: number, seq: number) => boot * 1000 + seq
const timeOf = (boot: number, seq: number) => t0 + boot + seq / 8
const readingOf = (boot: number, seq: number) => ({ timestamp: timeOf(boot, seq), sensors: { v: valueFor(boot, seq) } })

const delivery: fc.Arbitrary<Delivery> = fc
  .record({ boot: fc.constantFrom(...boots), from: fc.nat(count - 1), length: fc.integer({ min: 1, max: 5 }) })
  .map(({ boot, from, length }) => ({ boot, from, length: Math.min(length, count - from) }))

const bodyOf = ({ boot, from, length }: Delivery) =>
  length === 1
    ? { boot, seq: from, ...readingOf(boot, from) }
    : { boot, seq: from, readings: Array.from({ length }, (_, i) => readingOf(boot, from + i)) }

/** Everything at least once, at the end. */
const rest: Delivery[] = boots.flatMap(boot => [0, 4, 8].map(from => ({ boot, from, length: 4 })))

test('any order of duplicate, late and rebatched deliveries stores each reading once, however they are grouped', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(delivery, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 8 }),
      async (some, sizes, events) => {
        const world = openWorld({ batchBounds: { events, bytes: 1e6 } })
        const messages = [...some, ...rest].map(item => telemetry(bodyOf(item)))
        for (let at = 0, i = 0; at < messages.length; i++) {
          const size = sizes[i % sizes.length]!
          await world.lane.accept(messages.slice(at, at + size))
          at += size
        }
        const readings = world.events().filter(event => event.kind === 'reading')
        expect(readings.length).toBe(boots.length * count)
        expect(world.rejects()).toEqual([])
        const sent = [...some, ...rest].reduce((sum, item) => sum + item.length, 0)
        expect(world.lane.stats()).toMatchObject({ stored: boots.length * count, duplicates: sent - boots.length * count })
        expect(world.ledger.report('01')).toMatchObject({ expected: 24, stored: 24, missing: 0, lost: 0, rejected: 0 })
      },
    ),
    { numRuns: 150 * scale },
  )
})

test('an oldest that makes no event would have changed nothing', async () => {
  const withOldest = fc.record({ item: delivery, behind: fc.integer({ min: 0, max: 4 }), birth: fc.integer({ min: 0, max: 9 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(withOldest, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, size) => {
      const world = openWorld()
      const all: JournalEvent[] = []
      const messages = steps.flatMap(({ item, behind, birth }) => {
        const oldest = { boot: item.boot, seq: Math.max(0, item.from - behind) }
        const status = { kind: 'status' as const, boot: item.boot }
        return [...(birth === 0 ? [status] : []), { kind: 'telemetry' as const, body: { ...bodyOf(item), oldest }, oldest }]
      })
      for (let at = 0; at < messages.length; at += size) {
        const group = messages.slice(at, at + size)
        const before = world.events().length
        await world.lane.accept(
          group.map(message =>
            message.kind === 'telemetry'
              ? telemetry(message.body)
              : {
                  ...telemetry({ online: true, boot: message.boot }),
                  topic: 'iot/node/01/status',
                },
          ),
        )
        // The same events, each message's oldest said whether news or not, each in its place: behind its message's readings.
        all.push(...world.events().slice(before))
        for (const message of group.slice(-1)) {
          if (message.kind !== 'telemetry') continue
          const { boot, seq } = message.oldest
          all.push({ kind: 'oldest', node: '01', arrived: 0, ownBoot: boot, boot, seq })
        }
      }
      const always = createLedger()
      for (const event of all) always.apply(event)
      expect(world.ledger.report('01')).toEqual(always.report('01'))
      expect(new Set(world.ledger.receipt('01', 0))).toEqual(new Set(always.receipt('01', 0)))
    }),
    { numRuns: 300 * scale },
  )
})

test('with the real journal: what was accepted is replayed into the same rows and the same ledger', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-ingest-'))
  try {
    const journal = await openJournal({ dir, segmentBytes: 65_536 })
    await journal.replay({ segment: 0, offset: 0 }, () => {})
    const world = openWorld({ journal, batchBounds: { events: 7, bytes: 1e6 } })
    const bad = { boot: 11, seq: 12, timestamp: t0 + 99, sensors: { v: 'x' } }
    await world.lane.accept([...rest, ...rest].map(item => telemetry(bodyOf(item))))
    await world.lane.accept([telemetry(bad), telemetry(bad), telemetry({ timestamp: t0, sensors: { a: null, b: 1 }, more: 1 })])
    await world.lane.close()
    await journal.close()

    const again = await openJournal({ dir, segmentBytes: 65_536 })
    const store = createMemoryReadings()
    const ledger = createLedger()
    await again.replay({ segment: 0, offset: 0 }, batch => {
      for (const event of batch.events) ledger.apply(event)
      store.apply(batch, false)
    })
    await again.close()
    expect(await store.rows('01', 0, Number.MAX_SAFE_INTEGER)).toEqual(await world.store.rows('01', 0, Number.MAX_SAFE_INTEGER))
    expect(ledger.report('01')).toEqual(world.ledger.report('01'))
    expect(ledger.report('01')).toMatchObject({ stored: 24, rejected: 1, missing: 0 })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
