import type { JournalEvent, RejectEvent } from '../contract/events.ts'
import type { Ledger } from './ledger.ts'
import { NodeAccount } from './node.ts'
import { restoreNode, snapshotNode } from './snapshot.ts'

/** An empty ledger. */
export function createLedger(): Ledger {
  const accounts = new Map<string, NodeAccount>()
  let changed: string[] = []

  function toChange(node: string): NodeAccount {
    let account = accounts.get(node)
    if (account === undefined) accounts.set(node, (account = new NodeAccount(node)))
    if (!account.changed) {
      account.changed = true
      changed.push(node)
    }
    return account
  }

  /** Readings with a time out of bounds are rejected too, so a reject gives the borders of a gap no time. */
  function applyReject(event: RejectEvent): void {
    if (event.settles === null || event.node === null) return
    const account = toChange(event.node)
    for (const seq of event.settles.seqs) account.came(event.settles.boot, seq, Number.NaN, event.arrived, true)
  }

  return {
    known: (node, boot, seq) => accounts.get(node)?.known(boot, seq) ?? 'no',
    oldestIsNews: (node, boot, seq) => accounts.get(node)?.oldestIsNews(boot, seq) ?? true,
    apply(event: JournalEvent) {
      switch (event.kind) {
        case 'reading':
        case 'settled':
          if (event.boot === null || event.seq === null) return
          toChange(event.node).came(event.boot, event.seq, event.time, event.arrived, false)
          return
        case 'oldest':
          toChange(event.node).oldest(event.ownBoot, event.boot, event.seq, event.arrived)
          return
        case 'reject':
          applyReject(event)
          return
        case 'status':
          if (!event.live || event.status?.online !== true || event.status.boot === undefined) return
          toChange(event.node).born(event.status.boot, event.status, event.arrived)
          return
        case 'counts':
          if (event.duplicates > 0 && (accounts.get(event.node)?.boots.size ?? 0) > 0)
            toChange(event.node).duplicates += event.duplicates
          return
        case 'ack':
          return
      }
    },
    receipt: (node, now, asked) => accounts.get(node)?.receipt(now, asked) ?? [],
    report: node => (accounts.get(node) ?? new NodeAccount(node)).report(),
    nodes: () =>
      [...accounts.values()]
        .filter(account => account.boots.size > 0)
        .map(account => account.node)
        .sort(),
    snapshot(node) {
      const account = accounts.get(node)
      return account && snapshotNode(account)
    },
    restore(node, snapshot) {
      accounts.set(node, restoreNode(node, snapshot))
    },
    takeChanged() {
      const taken = changed
      changed = []
      for (const node of taken) {
        const account = accounts.get(node)
        if (account) account.changed = false
      }
      return taken
    },
    forget(node) {
      const account = accounts.get(node)
      if (account === undefined) return
      if (!account.changed) changed.push(node)
      accounts.delete(node)
    },
  }
}
