import type { AlertView } from '../../api/alerts.ts'
import type { Change, Records } from '../../store/records.ts'
import type { AlertQuery } from './alerts.ts'
import { fromRecord, type Instance, type InstanceRecord, type Moment, stateOf, subjectKey, toRecord, viewOf } from './instance.ts'

/** All alerts that are known: one a subject while it lasts, and those that ended, up to a bound. */
export interface Book {
  /** The one that lasts. */
  active(key: string): Instance | undefined
  actives(): Iterable<Instance>
  get(id: string): Instance | undefined
  add(instance: Instance): void
  /** A pending one came to nothing: it never was. */
  forget(instance: Instance): void
  /** It is over: it stays, as long as it is among the newest. */
  ended(instance: Instance): void
  firing(rule: string): number
  list(query: AlertQuery, silenced: (rule: string, node: string | null) => number | null): AlertView[]
  /** The record of it as it is now; of one that was forgotten, its removal. */
  change(id: string, now: Moment): Change
  /** Ended ones beyond the bound. */
  overdue(): Change[]
}

export const alertsCollection = 'alerts'
const endedKept = 1_000

export async function openBook(records: Records, now: Moment): Promise<Book> {
  const all = new Map<string, Instance>()
  const active = new Map<string, Instance>()
  /** Oldest first, by when they began. */
  const ended: Instance[] = []
  const keyOf = (i: Instance): string => subjectKey(i.rule, i.node, i.sensor)

  for await (const [id, record] of records.list<InstanceRecord>(alertsCollection)) {
    const instance = fromRecord(record, now)
    all.set(id, instance)
    if (instance.phase === null) ended.push(instance)
    else active.set(keyOf(instance), instance)
  }

  return {
    active: key => active.get(key),
    actives: () => active.values(),
    get: id => all.get(id),
    add(instance) {
      all.set(instance.id, instance)
      active.set(keyOf(instance), instance)
    },
    forget(instance) {
      all.delete(instance.id)
      active.delete(keyOf(instance))
    },
    ended(instance) {
      active.delete(keyOf(instance))
      ended.push(instance)
    },
    firing(rule) {
      let count = 0
      for (const i of active.values()) if (i.rule === rule && i.phase?.phase === 'firing') count++
      return count
    },
    list({ state, node, before, limit }, silenced) {
      const found = [...all.values()]
        .filter(i => state === undefined || stateOf(i) === state)
        .filter(i => node === undefined || i.node === node)
        .filter(i => before === undefined || i.id < before)
        .sort((a, b) => (a.id < b.id ? 1 : -1))
      return found.slice(0, limit).map(i => viewOf(i, i.phase === null ? null : silenced(i.rule, i.node)))
    },
    change(id, moment) {
      const instance = all.get(id)
      return instance === undefined
        ? { collection: alertsCollection, key: id, remove: true }
        : { collection: alertsCollection, key: id, value: toRecord(instance, moment) }
    },
    overdue() {
      const gone = ended.splice(0, Math.max(0, ended.length - endedKept))
      for (const { id } of gone) all.delete(id)
      return gone.map(({ id }) => ({ collection: alertsCollection, key: id, remove: true }))
    },
  }
}
