import type { JournalEvent } from '../src/contract/events.ts'
import { createLedger } from '../src/ledger/create.ts'

/** Verdicts a second through the ledger, which stands in the way of every reading. The limit beside it is the rate that the lane
 *  is built for (1 M readings/s); in-order readings of a live fleet must cost less than a third of that. */
const rows = 2_000_000

export async function bench(): Promise<void> {
  const table = [
    measure('one node, in order', reading => reading, 1),
    measure('100 nodes in turn', i => Math.floor(i / 100), 100),
    measure('1000 nodes in turn, with oldest', i => Math.floor(i / 1000), 1000, true),
    measure('one node, backlog backwards', i => rows - 1 - i, 1),
    measure('one node, every other first', i => (i < rows / 2 ? 2 * i : 2 * (i - rows / 2) + 1), 1),
  ]
  console.table(table)
}

function measure(what: string, seqOf: (i: number) => number, nodes: number, withOldest = false) {
  const rounds = [0, 1, 2].map(() => round(seqOf, nodes, withOldest)).sort((a, b) => a - b)
  const seconds = rounds[1]!
  const events = (withOldest ? 2 : 1) * rows
  return { what, 'M events/s': short(events / seconds / 1e6), 'ns/event': short((seconds * 1e9) / events) }
}

function round(seqOf: (i: number) => number, nodes: number, withOldest: boolean): number {
  const ledger = createLedger()
  const ids = Array.from({ length: nodes }, (_, i) => `node-${i}`)
  const names = ['t']
  const values = [1]
  let spent = 0
  for (let from = 0; from < rows; from += 10_000) {
    const events: JournalEvent[] = []
    for (let i = from; i < from + 10_000; i++) {
      const node = ids[i % nodes]!
      events.push({ kind: 'reading', node, arrived: 1e12 + i, time: 1e12 + i, boot: 7, seq: seqOf(i), names, values })
      if (withOldest)
        events.push({ kind: 'oldest', node, arrived: 1e12 + i, ownBoot: 7, boot: 7, seq: Math.max(0, seqOf(i) - 5) })
    }
    const start = performance.now()
    for (const event of events) ledger.apply(event)
    spent += performance.now() - start
  }
  return spent / 1000
}

const short = (n: number): number => Number(n.toPrecision(3))
