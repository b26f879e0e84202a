import { ManualClock } from '../../src/kit/clock.ts'
import { openParquetReadings } from '../../src/store/parquet/parquet.ts'
import { batchAt, limits, nowAt } from './sweep-history.ts'

/** The victim: goes on behind its watermark, seals, merges, rolls up and sweeps without end, until it is killed. Says `ready` when it has
 *  begun, and `swept` when readings went. */
const [dir, seed] = [process.argv[2]!, Number(process.argv[3])]
const clock = new ManualClock(nowAt(0))
const store = await openParquetReadings({ dir, clock, ballastBytes: 0, backgroundAfterMs: null })
process.stdout.write('ready\n')
let tidied = Promise.resolve()
let taken = Promise.resolve()
let swept = store.sweeps().at(-1)?.id ?? 0
for (let k = store.watermark().offset + 1; ; k++) {
  clock.wall = nowAt(k)
  store.apply(batchAt(seed, k), true)
  if (k % 12 === 0) await store.seal()
  // Beside what comes in, but never more than one behind: this clock runs a month in a second.
  if (k % 24 === 0) await tidied.then(() => void (tidied = store.tidy()))
  if (k % 36 === 0) await taken.then(() => void (taken = store.sweep(limits)))
  const last = store.sweeps().at(-1)?.id ?? 0
  if (last !== swept) process.stdout.write('swept\n')
  swept = last
  await (store.room() ?? new Promise(resolve => setTimeout(resolve, 2)))
}
