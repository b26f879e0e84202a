import type { JournalEvent } from '../contract/events.ts'
import type { Ledger } from '../ledger/ledger.ts'

type Verdict = 'stored' | 'rejected'

/** Which (boot, seq) came before, as the next judgement must see it: verdicts of the batch being judged first, then the ledger. The
 *  ledger itself is told only when the batch is durable. So it never stands ahead of the journal, and receipts and checkpoints
 *  can be made of it even while an append hangs: at the journal's bound it is the checkpoint that ends the wait. */
export class Known {
  private readonly pending = new Map<string, Map<number, Map<number, Verdict>>>()
  private readonly ledger: Pick<Ledger, 'known'>

  constructor(ledger: Pick<Ledger, 'known'>) {
    this.ledger = ledger
  }

  of(node: string, boot: number, seq: number): 'no' | Verdict {
    return this.pending.get(node)?.get(boot)?.get(seq) ?? this.ledger.known(node, boot, seq)
  }

  note(event: JournalEvent): void {
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
  }

  private seqs(node: string, boot: number): Map<number, Verdict> {
    let boots = this.pending.get(node)
    if (!boots) this.pending.set(node, (boots = new Map()))
    let seqs = boots.get(boot)
    if (!seqs) boots.set(boot, (seqs = new Map()))
    return seqs
  }
}
