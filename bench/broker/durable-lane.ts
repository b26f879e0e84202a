import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLane } from '../../src/ingest/ingest.ts'
import { openJournal } from '../../src/journal/open.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { createLedger } from '../../src/ledger/create.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'

/** All that a PUBACK of ours promises, for benches: lane, ledger and a journal that is synced before each, without the store, which is
 *  behind the acknowledgement. In a new folder `dir`; ESPALIER_BENCH_DIR chooses the disk. `trim`: the timer by which what is behind
 *  the watermark goes, as it would with a store. */
export async function openDurableLane(name: string) {
  const dir = await mkdtemp(join(process.env['ESPALIER_BENCH_DIR'] ?? tmpdir(), name))
  const journal = await openJournal({ dir: join(dir, 'journal') })
  await journal.replay({ segment: 0, offset: 0 }, () => {})
  const lane = openLane({
    journal,
    ledger: createLedger(),
    store: { ...createMemoryReadings(), apply: () => {}, rowAt: () => null },
    appliers: [],
    clock: systemClock,
    ackMatches: () => true,
    clockSuspect: () => false,
    removed: () => false,
  })
  const trim = setInterval(() => void journal.trim(journal.end()), 500)
  return { dir, journal, lane, trim }
}
