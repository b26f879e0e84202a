import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Position } from '../../src/contract/events.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { openJournal } from '../../src/journal/open.ts'
import { openWorld, t0, telemetry, witness } from './lane-world.ts'

const dirs: string[] = []
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function smallJournal(onHealth: () => void): Promise<Journal> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-bound-'))
  dirs.push(dir)
  const journal = await openJournal({ dir, segmentBytes: 16_384, boundBytes: 65_536, onHealth })
  await journal.replay({ segment: 0, offset: 0 }, () => {})
  return journal
}

const group = (from: number) =>
  Array.from({ length: 50 }, (_, i) =>
    telemetry({ boot: 7, seq: from + i, timestamp: t0 - 40_000 + from + i, sensors: { a: from + i + 0.5, b: -i } }),
  )

test('at its bound the journal holds the group back; a checkpoint between batches and a trim let it go on, and nothing is missing', async () => {
  let full = (): void => {}
  const reachedBound = new Promise<void>(resolve => {
    full = resolve
  })
  const journal = await smallJournal(() => journal.health().ok || full())
  const seen = witness()
  const base = openWorld().store
  const world = openWorld({ journal, store: base, appliers: [base, seen] })
  let accepted = 0
  const sending = (async () => {
    for (let from = 0; from < 5_000; from += 50) {
      await world.lane.accept(group(from))
      accepted += 50
    }
  })()
  await reachedBound
  const before = accepted
  expect(before).toBeLessThan(5_000)
  expect(world.lane.stats()).toMatchObject({ ok: false, stored: before })

  // What the keeper does: ledger and appliers stand at what is durable, so all of it may go from the journal.
  const trimming = setInterval(() => {
    void world.lane
      .between((): Position => seen.batches.at(-1)!.end)
      .then(end => {
        expect(world.ledger.report('01').stored).toBe(seen.batches.reduce((sum, batch) => sum + batch.events.length, 0))
        return journal.trim(end)
      })
  }, 20)
  await sending
  clearInterval(trimming)
  expect(accepted).toBe(5_000)
  expect(world.ledger.report('01')).toMatchObject({ stored: 5_000, missing: 0 })
  expect(await base.rows('01', 0, Number.MAX_SAFE_INTEGER)).toHaveLength(5_000)
  await world.lane.close()
  await journal.close()
})

test('closing a journal at its bound refuses the group, which is then not acknowledged, and a new start takes it again once', async () => {
  let full = (): void => {}
  const reachedBound = new Promise<void>(resolve => {
    full = resolve
  })
  const journal = await smallJournal(() => journal.health().ok || full())
  const world = openWorld({ journal })
  let from = 0
  const sending = (async () => {
    for (; ; from += 50) await world.lane.accept(group(from))
  })()
  const refused = expect(sending).rejects.toThrow()
  await reachedBound
  await journal.close()
  await refused

  const again = openWorld({ store: world.store, ledger: world.ledger })
  await again.lane.accept(group(from - 50))
  await again.lane.accept(group(from))
  expect(again.lane.stats()).toMatchObject({ duplicates: 50, stored: 50 })
})
