import type { JournalEvent } from '../contract/events.ts'
import type { Ledger } from '../ledger/ledger.ts'

type Verdict = 'stored' | 'rejected'

/** Which (boot, seq) came before, as the next judgement must see it: verdicts of the batch being judged first, then the ledger. The
 *  ledger itself is told only when the batch is durable. So it never stands ahead of the journal, and receipts and checkpoints
 *  can be made of it even while an append hangs: at the journal's bound it is the checkpoint that ends the wait. */
export class Known {
  /** By node; emptied, not made anew, for each batch: small batches of many nodes would make little else than garbage. */
  private readonly pending = new Map<string, PendingSeqs>()
  private readonly touched: PendingSeqs[] = []
  private readonly spokeStatus = new Set<string>()
  private readonly ledger: Pick<Ledger, 'known' | 'oldestIsNews'>

  constructor(ledger: Pick<Ledger, 'known' | 'oldestIsNews'>) {
    this.ledger = ledger
  }

  of(node: string, boot: number, seq: number): 'no' | Verdict {
    return this.pending.get(node)?.of(boot, seq) ?? this.ledger.known(node, boot, seq)
  }

  /** Is this word on a node's oldest reading worth an event? Judged against the ledger, which does not know the batch yet: where
   *  the batch may have changed what it would answer (another boot, a birth), yes. */
  oldestIsNews(node: string, ownBoot: number, oldest: { readonly boot: number; readonly seq: number }): boolean {
    if (oldest.boot !== ownBoot || this.spokeStatus.has(node) || !this.pending.get(node)?.onlyBoot(ownBoot)) return true
    return this.ledger.oldestIsNews(node, oldest.boot, oldest.seq)
  }

  note(event: JournalEvent): void {
    if (event.kind === 'status') this.spokeStatus.add(event.node)
    else if (event.kind === 'reading' || event.kind === 'settled') {
      if (event.boot !== null && event.seq !== null) this.seqs(event.node).add(event.boot, event.seq, 'stored')
    } else if (event.kind === 'reject' && event.settles && event.node !== null) {
      const seqs = this.seqs(event.node)
      for (const seq of event.settles.seqs) seqs.add(event.settles.boot, seq, 'rejected')
    }
  }

  /** The batch is applied: the ledger knows it all now. */
  clear(): void {
    for (const seqs of this.touched) seqs.clear()
    this.touched.length = 0
    this.spokeStatus.clear()
  }

  private seqs(node: string): PendingSeqs {
    let seqs = this.pending.get(node)
    if (!seqs) this.pending.set(node, (seqs = new PendingSeqs()))
    if (seqs.empty) this.touched.push(seqs)
    return seqs
  }
}

interface Run {
  readonly boot: number
  readonly from: number
  to: number
  readonly verdict: Verdict
}

/** Verdicts of one node in one batch, as runs: what a node sends rises by one, so there are one or two. */
class PendingSeqs {
  private readonly runs: Run[] = []

  get empty(): boolean {
    return this.runs.length === 0
  }

  of(boot: number, seq: number): Verdict | undefined {
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const run = this.runs[i]!
      if (run.boot === boot && seq >= run.from && seq <= run.to) return run.verdict
    }
    return undefined
  }

  add(boot: number, seq: number, verdict: Verdict): void {
    const last = this.runs.at(-1)
    if (last && last.boot === boot && last.to + 1 === seq && last.verdict === verdict) last.to = seq
    else this.runs.push({ boot, from: seq, to: seq, verdict })
  }

  /** Is something of this boot here, and of no other? */
  onlyBoot(boot: number): boolean {
    return this.runs.length > 0 && this.runs.every(run => run.boot === boot)
  }

  clear(): void {
    this.runs.length = 0
  }
}
