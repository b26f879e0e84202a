import type { Vector } from '../vectors.ts'
import type { ReceiptEntry } from './vector-house.ts'

/** What the ledger has to say, and the receipts, after one message with boot and seq from a node that never spoke before: worked out
 *  from the vector alone (wire contract §3). Null: the message has neither, or settles nothing. */
export interface Account {
  readonly ledger: { expected: number; stored: number; rejected: number; missing: number; lost: number }
  readonly receipts: readonly ReceiptEntry[]
}

export function expectedAccount(vector: Vector): Account | null {
  const { boot, stored, rejected } = settledBy(vector)
  if (boot === null || stored.length + rejected.length === 0) return null
  const own = oldestOf(vector)
  const settled = new Set([...stored, ...rejected])
  const seen = Math.max(...settled)
  const goneBelow = own?.boot === boot ? own.seq : 0
  let lost = 0
  for (let seq = 0; seq < goneBelow; seq++) if (!settled.has(seq)) lost++
  let next = 0
  while (settled.has(next) || next < goneBelow) next++
  const receipts: ReceiptEntry[] = [
    { boot, seq: next === 0 ? null : next - 1, seen, ...(rejected.length > 0 && { rejected: rejected.length }) },
  ]
  const expected = seen + 1
  const ledger = { expected, stored: stored.length, rejected: rejected.length, missing: expected - settled.size - lost, lost }
  if (own !== null && own.boot !== boot && own.seq > 0) {
    // Of an earlier boot the oldest is still to come, and all below it never will.
    ledger.expected += own.seq + 1
    ledger.missing += 1
    ledger.lost += own.seq
    receipts.push({ boot: own.boot, seq: own.seq - 1, seen: own.seq - 1 })
  }
  return { ledger, receipts }
}

/** `+ 0`: a boot of -0 is 0. */
function settledBy({ expect, payload }: Vector): { boot: number | null; stored: number[]; rejected: number[] } {
  if ('rejected' in expect) return { boot: expect.settles?.boot ?? null, stored: [], rejected: [...(expect.settles?.seqs ?? [])] }
  if (!('points' in expect)) return { boot: null, stored: [], rejected: [] }
  const kept = [...expect.points, ...(expect.settled ?? [])]
  const message = JSON.parse(Buffer.from(payload).toString()) as { boot?: number; seq?: number }
  const rejected = (expect.rejects ?? []).flatMap(({ indices }) => indices.map(index => (message.seq ?? 0) + index))
  return { boot: message.boot === undefined ? null : message.boot + 0, stored: kept.map(({ seq }) => seq ?? 0), rejected }
}

function oldestOf({ expect }: Vector): { readonly boot: number; readonly seq: number } | null {
  return ('oldest' in expect ? expect.oldest : null) ?? null
}
