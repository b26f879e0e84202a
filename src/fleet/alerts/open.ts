import { randomFillSync } from 'node:crypto'
import type { AlertView } from '../../api/alerts.ts'
import type { AlertRule, AlertsConfig } from '../../contract/alert-rules.ts'
import { firstPosition, type Position } from '../../contract/events.ts'
import { ulidGenerator } from '../../kit/ulid.ts'
import type { Change } from '../../store/records.ts'
import type { Alerts, AlertsParts } from './alerts.ts'
import { openBook } from './book.ts'
import { boundVerdict, covers, type Sample, thresholdDetail } from './conditions.ts'
import { type Instance, type Moment, newInstance, subjectKey, viewOf } from './instance.ts'
import { step, type Verdict } from './machine.ts'
import { messageOf, testMessage } from './messages.ts'
import { type Envelope, outboxCollection } from './outbox.ts'
import { openSilences } from './silences.ts'
import { createSweep } from './sweep.ts'
import { createSwitchboard } from './switchboard.ts'
import { createWatch } from './watch.ts'
import { ruleText } from './words.ts'

const nodesEveryMs = 5_000
const machineEveryMs = 10_000
/** What only a replay of samples would bring again (pending, good since) is written this often at most, without a sync. */
const softEveryMs = 10_000
/** Joins rules, the machine of each alert, records and channels. Everything that is to be told goes into one synced write with the
 *  alert it tells of, and only then to its channel. */
export async function openAlerts(parts: AlertsParts): Promise<Alerts> {
  const { records, clock } = parts
  const suspect = parts.clockSuspect ?? (() => false)
  const problem = parts.onProblem ?? (() => undefined)
  const nextId = ulidGenerator(() => clock.wallMs(), parts.random ?? (bytes => void randomFillSync(bytes)))
  const now = (): Moment => ({ wallMs: clock.wallMs(), monoMs: clock.monoMs(), suspect: suspect() })
  const place = { site: parts.siteName, url: parts.pageUrl ?? null }
  const book = await openBook(records, now())
  const silences = await openSilences(records, now())
  const listeners = new Set<(alert: AlertView) => void>()
  let rules: readonly AlertRule[] = []
  let rulesByName = new Map<string, AlertRule>()
  /** To be written, synced: they changed state, or are to be told. */
  const hard = new Set<string>()
  const soft = new Set<string>()
  let softMs = clock.monoMs()
  let nodesMs = Number.NEGATIVE_INFINITY
  let machineMs = Number.NEGATIVE_INFINITY
  let end: Position = firstPosition
  let writing: Promise<void> = Promise.resolve()
  let saving = false
  let writable = true

  const watch = createWatch({
    node: parts.node,
    monoMs: () => clock.monoMs(),
    value({ rule, key }, node, value) {
      const verdict = boundVerdict(rule, value)
      if (verdict !== 'bad' && book.active(key) === undefined) return // all is well: most readings end here
      take(rule, node, rule.sensor, verdict, value, thresholdDetail(rule, value))
    },
  })
  const sweep = createSweep({
    boots: watch.boots,
    ledger: parts.ledger,
    machine: parts.machine,
    startedMonoMs: clock.monoMs(),
    feed: (rule, node, { verdict, value, detail }: Sample) => take(rule, node, null, verdict, value, detail),
  })

  function take(
    rule: AlertRule,
    node: string | null,
    sensor: string | null,
    verdict: Verdict,
    value: number | null,
    detail: string,
  ) {
    const known = book.active(subjectKey(rule.name, node, sensor))
    if (known === undefined && verdict !== 'bad') return
    const moment = now()
    const instance = known ?? newInstance(nextId(), rule, node, sensor, moment)
    const before = instance.phase
    const { next, change } = step(before, verdict, moment.monoMs, rule)
    if (known === undefined) book.add(instance)
    instance.phase = next
    instance.value = value
    instance.detail = detail
    if (change === 'firing') instance.firedAt = moment.wallMs
    if (change === 'resolved') finish(instance, moment)
    else if (change === 'dropped') {
      book.forget(instance)
      soft.add(instance.id)
      announce({ ...instance, resolvedAt: moment.wallMs })
    } else if (change === 'pending') {
      soft.add(instance.id)
      announce(instance)
    } else if (change === 'firing') hard.add(instance.id)
    else if (next !== before) soft.add(instance.id)
    if (change === 'firing' || change === 'resolved') save()
  }

  function finish(instance: Instance, { wallMs }: Moment): void {
    instance.phase = null
    instance.resolvedAt = wallMs
    book.ended(instance)
    hard.add(instance.id)
  }

  const announce = (instance: Instance): void => {
    const view = viewOf(instance, instance.phase === null ? null : silences.until(instance.rule, instance.node))
    for (const listener of listeners) listener(view)
  }

  /** Messages that are due for it, and what it is to remember of them. */
  function telling(i: Instance): { envelopes: Envelope[]; told: Instance['told']; closed: boolean } {
    const rule = rulesByName.get(i.rule)
    const envelopes: Envelope[] = []
    const put = (event: 'firing' | 'resolved', channels: readonly string[]): void => {
      const message = messageOf(i, event, rule, i.node === null ? undefined : parts.node(i.node), place)
      for (const channel of channels)
        if (board.has(channel)) envelopes.push({ key: `${channel}/${nextId()}`, channel, alert: i.id, message })
    }
    let { told, closed } = i
    if (told === null && i.firedAt !== null && silences.until(i.rule, i.node) === null) {
      told = (rule?.channels ?? board.names()).filter(board.has)
      put('firing', told)
    }
    if (i.phase === null && !closed) {
      closed = true
      if (told !== null) put('resolved', told)
    }
    return { envelopes, told, closed }
  }

  function save(): void {
    if (saving) return // the write that waits takes it along
    saving = true
    writing = writing.then(write).then(
      () => {
        writable = true
      },
      (error: Error) => {
        if (writable) problem(`alerts can't be written, and nobody is told (${error.message}); tried again every second`)
        writable = false
      },
    )
  }

  async function write(): Promise<void> {
    saving = false
    const moment = now()
    const softDue = moment.monoMs - softMs >= softEveryMs
    const urgent = [...hard]
    const rest = softDue ? [...soft].filter(id => !hard.has(id)) : []
    const envelopes: Envelope[] = []
    for (const id of urgent) {
      const instance = book.get(id)
      if (instance === undefined) continue
      const { told, closed, envelopes: own } = telling(instance)
      Object.assign(instance, { told, closed })
      envelopes.push(...own)
    }
    const changes: Change[] = [
      ...[...urgent, ...rest].map(id => book.change(id, moment)),
      ...envelopes.map(envelope => ({ collection: outboxCollection, key: envelope.key, value: envelope })),
      ...silences.expire(moment),
      ...book.overdue(),
    ]
    if (changes.length === 0) return
    hard.clear()
    for (const id of [...urgent, ...rest]) soft.delete(id)
    if (softDue) softMs = moment.monoMs
    try {
      await records.write(changes, { sync: urgent.length > 0 })
    } catch (error) {
      undo(urgent, rest, envelopes)
      throw error
    }
    for (const id of urgent) {
      const instance = book.get(id)
      if (instance) announce(instance)
    }
    board.push(envelopes)
    board.turn()
  }

  /** Not written: nothing was told, and all of it is due again. */
  function undo(urgent: readonly string[], rest: readonly string[], envelopes: readonly Envelope[]): void {
    for (const id of urgent) hard.add(id)
    for (const id of rest) soft.add(id)
    for (const { alert, message } of envelopes) {
      const instance = book.get(alert)
      if (instance === undefined) continue
      if (message.event === 'firing') instance.told = null
      else instance.closed = false
    }
    for (const id of urgent) {
      const instance = book.get(id)
      if (instance?.phase === null) instance.closed = false
    }
  }

  const board = createSwitchboard({
    records,
    clock,
    problem,
    tried(envelope, result) {
      const instance = book.get(envelope.alert)
      if (instance === undefined) return []
      const event = envelope.message.event === 'resolved' ? 'resolved' : 'firing'
      const entry = { channel: envelope.channel, event, time: clock.wallMs(), ...result } as const
      instance.notified = [...instance.notified.filter(n => n.channel !== envelope.channel), entry]
      announce(instance)
      return [book.change(instance.id, now())]
    },
  })

  function setRules(config: AlertsConfig): void {
    rules = config.rules
    rulesByName = new Map(rules.map(rule => [rule.name, rule]))
    const dropped = board.use(config.channels)
    writing = writing.then(() => dropped)
    const views = parts.nodes()
    watch.refresh(views, rules)
    for (const i of [...book.actives()]) if (rulesByName.get(i.rule)?.kind !== i.kind) endQuietly(i, 'the rule is gone')
    save()
  }

  /** Nothing looks at it any more. */
  function endQuietly(instance: Instance, detail: string): void {
    if (instance.phase?.phase === 'pending') {
      book.forget(instance)
      soft.add(instance.id)
      return
    }
    instance.detail = detail
    finish(instance, now())
  }

  function sweepNodes(moment: Moment): void {
    const views = parts.nodes()
    watch.refresh(views, rules)
    sweep.nodes(views, rules, moment)
    const byId = new Map(views.map(view => [view.id, view]))
    for (const i of [...book.actives()]) {
      if (i.node === null) continue
      const view = byId.get(i.node)
      if (view === undefined) endQuietly(i, 'the node was removed')
      else if (!covers(rulesByName.get(i.rule)!, view)) endQuietly(i, 'the rule looks at this node no longer')
    }
  }

  setRules(parts.config)
  await board.load(book.list({ limit: Number.POSITIVE_INFINITY }, silences.until))

  return {
    apply(batch, live) {
      end = batch.end
      if (!live) return
      for (const event of batch.events) {
        if (event.kind === 'reading') watch.reading(event)
        else if (event.kind === 'status' && event.live && event.status?.online && event.status.boot !== undefined)
          watch.boot(event.node, event.status.boot)
      }
    },
    watermark: () => end,
    list: query => book.list(query, silences.until),
    rules: () =>
      rules.map(rule => ({
        name: rule.name,
        kind: rule.kind,
        text: ruleText(rule),
        from: rule.from,
        nodes: rule.nodes,
        channels: [...(rule.channels ?? board.names())],
        firing: book.firing(rule.name),
        silenced_until: silences.until(rule.name, null),
      })),
    channels: board.views,
    test: name => board.test(name, testMessage(`test-${nextId()}`, clock.wallMs(), name, place)),
    async silence(silence) {
      if (!rulesByName.has(silence.rule)) return false
      await silences.set(silence, now())
      for (const i of book.actives())
        if (i.rule === silence.rule && (silence.node === undefined || i.node === silence.node)) announce(i)
      return true
    },
    setRules,
    findings: board.findings,
    async tick() {
      const moment = now()
      if (moment.monoMs - nodesMs >= nodesEveryMs) {
        nodesMs = moment.monoMs
        sweepNodes(moment)
      }
      if (moment.monoMs - machineMs >= machineEveryMs) {
        machineMs = moment.monoMs
        sweep.machine(rules, moment)
      }
      for (const i of book.actives())
        if (i.told === null && i.firedAt !== null && silences.until(i.rule, i.node) === null) hard.add(i.id)
      save()
      await writing
      board.turn()
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      softMs = Number.NEGATIVE_INFINITY
      for (const i of book.actives()) soft.add(i.id)
      save()
      await writing
      await board.close()
    },
  }
}
