import type { Ledger } from '../../src/ledger/ledger.ts'

/** The ledger's questions that the lane asks, answered by sets. */
export function plainLedger(): Ledger {
  const seqs = new Map<string, Map<number, Map<number, 'stored' | 'rejected'>>>()
  const of = (node: string, boot: number): Map<number, 'stored' | 'rejected'> => {
    let boots = seqs.get(node)
    if (!boots) seqs.set(node, (boots = new Map()))
    let known = boots.get(boot)
    if (!known) boots.set(boot, (known = new Map()))
    return known
  }
  return {
    known: (node, boot, seq) => of(node, boot).get(seq) ?? 'no',
    apply(event) {
      if ((event.kind === 'reading' || event.kind === 'settled') && event.boot !== null) {
        of(event.node, event.boot).set(event.seq!, 'stored')
      }
      if (event.kind === 'reject' && event.settles)
        for (const seq of event.settles.seqs) of(event.node!, event.settles.boot).set(seq, 'rejected')
    },
    receipt: node =>
      [...(seqs.get(node) ?? [])]
        .filter(([, known]) => known.size > 0)
        .map(([boot, known]) => {
          let seq = -1
          while (known.has(seq + 1)) seq++
          return { boot, seq: seq < 0 ? null : seq, seen: Math.max(...known.keys()) }
        }),
    report: node => ({ node, expected: 0, stored: 0, duplicates: 0, rejected: 0, missing: 0, lost: 0, gaps: [] }),
    nodes: () => [...seqs.keys()],
    snapshot: () => undefined,
    restore: () => {},
    takeChanged: () => [],
    forget: node => void seqs.delete(node),
  }
}
