import type { JournalEvent } from '../contract/events.ts'
import type { Ledger } from '../ledger/ledger.ts'

type Verdict = 'stored' | 'rejected'

/** Which (boot, seq) came before, as the next judgement must see it: verdicts of the batch being judged first, then the ledger. The
 *  ledger itself is told only when the batch is durable. So it never stands ahead of the journal, and receipts and checkpoints
 *  can be made of it even while an append hangs: at the journal's bound it is the checkpoint that ends the wait. */
export class Known {
  private readonly pending = new Map<string, Map<number, Map<number, Verdict>>>()
  private readonly spokeStatus = new Set<string>()
  private readonly ledger: Pick<Ledger, 'known' | 'oldestIsNews'>

  constructor(ledger: Pick<Ledger, 'known' | 'oldestIsNews'>) {
    this.ledger = ledger
  }

  of(node: string, boot: number, seq: number): 'no' | Verdict {
    return this.pending.get(node)?.get(boot)?.get(seq) ?? this.ledger.known(node, boot, seq)
  }

  /** Is this word on a node's oldest reading worth an event? Judged against the ledger, which does not know the batch yet: where
   *  the batch may have changed what it would answer (another boot, a birth), yes. */
  oldestIsNews(node: string, ownBoot: number, oldest: { readonly boot: number; readonly seq: number }): boolean {
    const boots = this.pending.get(node)
    if (oldest.boot !== ownBoot || this.spokeStatus.has(node) || boots?.size !== 1 || !boots.has(ownBoot)) return true
    return this.ledger.oldestIsNews(node, oldest.boot, oldest.seq)
  }

  note(event: JournalEvent): void {
    if (event.kind === 'status') this.spokeStatus.add(event.node)
    if (event.kind === 'reading' || event.kind === 'settled') {
      if (event.boot !== null && event.seq !== null) this.seqs(event.node, event.boot).set(event.seq, 'stored')
    } else if (event.kind === 'reject' && event.settles && event.node !== null) {
      const seqs = this.seqs(event.node, event.settles.boot)
      for (const seq of event.settles.seqs) seqs.set(seq, 'rejected')
    }
  }

  /** The batch is applied: the ledger knows it all now. */
  clear(): void {
    this.pending.clear()
    this.spokeStatus.clear()
  }

  private seqs(node: string, boot: number): Map<number, Verdict> {
    let boots = this.pending.get(node)
    if (!boots) this.pending.set(node, (boots = new Map()))
    let seqs = boots.get(boot)
    if (!seqs) boots.set(boot, (seqs = new Map()))
    return seqs
  }
}
