import type { NodeView } from '../../api/nodes.ts'
import type { AlertRule, RuleCondition } from '../../contract/alert-rules.ts'
import type { ReadingEvent } from '../../contract/events.ts'
import { covers } from './conditions.ts'
import { subjectKey } from './instance.ts'

export type ThresholdRule = AlertRule & Extract<RuleCondition, { kind: 'threshold' }>

/** A threshold at one node. */
export interface Slot {
  readonly rule: ThresholdRule
  readonly key: string
}

/** What the alerts want of readings: values of sensors with a threshold, and new boots. Every live reading passes here, so most of
 *  them must cost one look into a map: bench/alerts. */
export interface Watch {
  reading(event: ReadingEvent): void
  /** A boot that the node's status names. */
  boot(node: string, boot: number): void
  /** When starts of the node were noticed in this run, monotonic clock. */
  boots(node: string): readonly number[]
  /** Other rules, or other nodes and tags. */
  refresh(nodes: readonly NodeView[], rules: readonly AlertRule[]): void
}

export interface WatchParts {
  readonly node: (id: string) => NodeView | undefined
  readonly monoMs: () => number
  readonly value: (slot: Slot, node: string, value: number) => void
}

interface NodeWatch {
  labels: string
  slots: readonly Slot[]
  /** Newest reading by its own time. */
  time: number
  boot: number | null
  readonly known: Set<number>
  bootsMs: number[]
  shape: readonly string[] | null
  /** Of each slot, where its sensor stands in the shape; -1: not in it. */
  at: readonly number[]
}

/** A reading that is older on arrival is history: it says nothing of now. */
const freshMs = 600_000
/** Boots of a node that are told apart; more of them are a loop in any case. */
const bootsKept = 256
const bootsAgeMs = 90 * 86_400_000

export function createWatch(parts: WatchParts): Watch {
  const nodes = new Map<string, NodeWatch>()
  let rules: readonly AlertRule[] = []
  let thresholds: readonly ThresholdRule[] = []
  let wanted = false

  const labelsOf = (node: NodeView | undefined): string => (node ? `${node.claimed}/${node.tags.join(' ')}` : '')

  const slotsFor = (id: string, node: NodeView | undefined): Slot[] =>
    thresholds
      .filter(rule => covers(rule, node ?? { id, claimed: false, tags: [] }))
      .map(rule => ({ rule, key: subjectKey(rule.name, id, rule.sensor) }))

  function watchOf(id: string): NodeWatch {
    let watch = nodes.get(id)
    if (watch === undefined) {
      const node = parts.node(id)
      watch = {
        labels: labelsOf(node),
        slots: slotsFor(id, node),
        time: Number.NEGATIVE_INFINITY,
        boot: null,
        known: new Set(),
        bootsMs: [],
        shape: null,
        at: [],
      }
      nodes.set(id, watch)
    }
    return watch
  }

  function noteBoot(watch: NodeWatch, boot: number): void {
    watch.boot = boot
    if (watch.known.has(boot)) return // a backlog of the boot before comes in between
    const first = watch.known.size === 0
    if (watch.known.size >= bootsKept) watch.known.delete(watch.known.values().next().value!)
    watch.known.add(boot)
    if (first) return // it was running when the watch began
    const now = parts.monoMs()
    watch.bootsMs = [...watch.bootsMs.filter(at => now - at < bootsAgeMs), now].slice(-bootsKept)
  }

  function look(watch: NodeWatch, event: ReadingEvent): void {
    if (watch.shape !== event.names) {
      watch.shape = event.names
      watch.at = watch.slots.map(slot => event.names.indexOf(slot.rule.sensor))
    }
    for (let i = 0; i < watch.slots.length; i++) {
      const at = watch.at[i]!
      if (at >= 0) parts.value(watch.slots[i]!, event.node, event.values[at]!)
    }
  }

  return {
    reading(event) {
      if (!wanted) return
      const watch = nodes.get(event.node) ?? watchOf(event.node)
      if (event.time < watch.time || event.arrived - event.time > freshMs) return
      watch.time = event.time
      if (event.boot !== watch.boot && event.boot !== null) noteBoot(watch, event.boot)
      if (watch.slots.length > 0) look(watch, event)
    },
    boot: (node, boot) => noteBoot(watchOf(node), boot),
    boots: node => nodes.get(node)?.bootsMs ?? [],
    refresh(views, current) {
      const anew = current !== rules
      if (anew) {
        rules = current
        thresholds = rules.filter(rule => rule.kind === 'threshold') as ThresholdRule[]
        wanted = thresholds.length > 0 || rules.some(rule => rule.kind === 'reboot_loop')
      }
      const byId = new Map(views.map(view => [view.id, view]))
      for (const [id, watch] of nodes) {
        const view = byId.get(id)
        const labels = labelsOf(view)
        if (view === undefined) nodes.delete(id)
        else if (anew || labels !== watch.labels) Object.assign(watch, { labels, slots: slotsFor(id, view), shape: null })
      }
    },
  }
}
