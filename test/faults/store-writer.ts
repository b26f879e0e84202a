import { ManualClock } from '../../src/kit/clock.ts'
import { openParquetReadings } from '../../src/store/parquet/parquet.ts'
import { batchAt, nowAt } from './store-history.ts'

/** The victim: opens the store, goes on behind its watermark as after a replay, seals and merges without end, until it is killed.
 *  Says `ready` when it has begun and `sealed` with each new
 *  watermark. */
const [dir, seed] = [process.argv[2]!, Number(process.argv[3])]
const clock = new ManualClock(0)
const store = await openParquetReadings({ dir, clock, sealRows: 2_000, ballastBytes: 0, backgroundAfterMs: 60_000 })
process.stdout.write('ready\n')
let sealed = store.watermark().offset
for (let k = store.watermark().offset + 1; ; k++) {
  clock.wall = nowAt(k)
  store.apply(batchAt(seed, k), true)
  if (k % 37 === 0) void store.seal() // as the journal's keeper asks for it
  if (store.watermark().offset !== sealed) process.stdout.write('sealed\n')
  sealed = store.watermark().offset
  await (store.room() ?? new Promise(resolve => setTimeout(resolve, 1)))
}
