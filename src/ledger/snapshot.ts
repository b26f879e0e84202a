import type { BirthsSnapshot } from './births.ts'
import { Boot } from './boot.ts'
import { NodeAccount, type Totals } from './node.ts'
import { Runs } from './runs.ts'

/** A node's account as JSON and back. Boots stand in the order in which they were last spoken of. */
interface NodeSnapshot {
  readonly version: 1
  readonly birth: number | null
  readonly births?: BirthsSnapshot
  readonly duplicates: number
  readonly folded: Totals
  readonly boots: readonly BootSnapshot[]
}

interface BootSnapshot {
  readonly boot: number
  readonly last_ms: number
  readonly oldest: number
  readonly lost_below: number
  /** from, to, from, to, … */
  readonly came: readonly number[]
  readonly times: readonly (number | null)[]
  readonly rejected: readonly number[]
  /** First heard of behind the latest birth. Absent in what earlier versions wrote. */
  readonly young?: true
}

export function snapshotNode(account: NodeAccount): NodeSnapshot {
  const boots = [...account.boots.values()].sort((a, b) => a.turn - b.turn)
  return {
    version: 1,
    birth: account.births.latest,
    births: account.births.snapshot(),
    duplicates: account.duplicates,
    folded: account.folded,
    boots: boots.map(boot => ({ ...snapshotBoot(boot), ...(account.young.has(boot.boot) && { young: true as const }) })),
  }
}

function snapshotBoot(boot: Boot): BootSnapshot {
  const { edges, times } = boot.came.flat()
  return {
    boot: boot.boot,
    last_ms: boot.lastMs,
    oldest: boot.oldest,
    lost_below: boot.lostBelow,
    came: edges,
    times: times.map(time => (Number.isNaN(time) ? null : time)),
    rejected: boot.rejected.flat().edges,
  }
}

/** Throws for anything but what snapshotNode gave. */
export function restoreNode(node: string, value: unknown): NodeAccount {
  const snapshot = value as NodeSnapshot | null
  if (snapshot?.version !== 1 || !Array.isArray(snapshot.boots))
    throw new Error(`the ledger's record of node ${node} is not of version 1: it was written by another version or is damaged`)
  const account = new NodeAccount(node)
  account.births.restore(snapshot.birth, snapshot.births)
  account.duplicates = snapshot.duplicates
  account.folded = snapshot.folded
  for (const boot of snapshot.boots) {
    account.restoreBoot(restoreBoot(boot))
    if (boot.young === true) account.young.add(boot.boot)
  }
  return account
}

function restoreBoot(snapshot: BootSnapshot): Boot {
  const boot = new Boot(snapshot.boot, {
    came: new Runs(
      snapshot.came,
      snapshot.times.map(time => time ?? Number.NaN),
    ),
    rejected: new Runs(snapshot.rejected),
    oldest: snapshot.oldest,
    lostBelow: snapshot.lost_below,
  })
  boot.lastMs = snapshot.last_ms
  return boot
}
