import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { firstPosition, type JournalEvent } from '../../src/contract/events.ts'
import { openJournal } from '../../src/journal/open.ts'

/** The process that the faults happen to: `node writer.mjs DIR LIST COUNT` appends numbered batches as fast as it can, going on behind
 *  the last one it finds, and writes each number to LIST (synced) once `append` has answered. COUNT 0 = until it is killed. Prints a
 *  line for each 100 batches, and what its health said at the end. */
const [dir, list, count] = process.argv.slice(2) as [string, string, string]

/** Batch `n`: its number as time, and content that grows and shrinks with it. */
export function batch(n: number): JournalEvent[] {
  return Array.from({ length: 1 + (n % 7) }, (_, i) => ({
    kind: 'reading',
    node: `node-${i}`,
    arrived: n,
    time: n,
    boot: 1,
    seq: n,
    names: ['a', 'b'],
    values: [n, i],
  }))
}

const journal = await openJournal({ dir, segmentBytes: 64 * 1024 })
let next = 0
await journal.replay(firstPosition, ({ events }) => {
  next = events[0]!.arrived + 1
})
const acknowledged = openSync(list, 'a')
for (let done = 0; count === '0' || done < Number(count); done++) {
  await journal.append(batch(next))
  writeSync(acknowledged, `${next}\n`)
  fsyncSync(acknowledged)
  if (++next % 100 === 0) process.stdout.write('.\n')
}
closeSync(acknowledged)
process.stdout.write(`${JSON.stringify(journal.health())}\n`)
await journal.close()
