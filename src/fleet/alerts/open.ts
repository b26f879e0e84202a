import { randomFillSync } from 'node:crypto'
import type { AlertView } from '../../api/alerts.ts'
import type { AlertRule, AlertsConfig } from '../../contract/alert-rules.ts'
import { firstPosition, type Position } from '../../contract/events.ts'
import { ulidGenerator } from '../../kit/ulid.ts'
import type { Alerts, AlertsParts } from './alerts.ts'
import { openBook } from './book.ts'
import { boundVerdict, covers, type Sample, thresholdDetail } from './conditions.ts'
import { type Instance, type Moment, newInstance, subjectKey, viewOf } from './instance.ts'
import { createKeeping } from './keeping.ts'
import { step, type Verdict } from './machine.ts'
import { messageOf, testMessage } from './messages.ts'
import { openSilences } from './silences.ts'
import { createSweep } from './sweep.ts'
import { createSwitchboard } from './switchboard.ts'
import { createWatch } from './watch.ts'
import { ruleText } from './words.ts'

const nodesEveryMs = 5_000
const machineEveryMs = 10_000
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
  let nodesMs = Number.NEGATIVE_INFINITY
  let machineMs = Number.NEGATIVE_INFINITY
  let end: Position = firstPosition

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
    else if (change === 'dropped') drop(instance, moment)
    else if (change === 'firing') keeping.changed(instance.id)
    else if (next !== before) keeping.touched(instance.id)
    if (change === 'pending') announce(instance)
    if (change === 'firing' || change === 'resolved') keeping.save()
  }

  function finish(instance: Instance, { wallMs }: Moment): void {
    instance.phase = null
    instance.resolvedAt = wallMs
    book.ended(instance)
    keeping.changed(instance.id)
  }

  /** It never came to fire: it is told as over, and then it never was. */
  function drop(instance: Instance, { wallMs }: Moment): void {
    book.forget(instance)
    keeping.touched(instance.id)
    announce({ ...instance, phase: null, resolvedAt: wallMs })
  }

  const announce = (instance: Instance): void => {
    const view = viewOf(instance, instance.phase === null ? null : silences.until(instance.rule, instance.node))
    for (const listener of listeners) listener(view)
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

  const keeping = createKeeping({
    records,
    book,
    silences,
    board,
    now,
    nextId,
    rule: name => rulesByName.get(name),
    message: (i, event) => messageOf(i, event, rulesByName.get(i.rule), i.node === null ? undefined : parts.node(i.node), place),
    kept: announce,
    problem,
  })

  function setRules(config: AlertsConfig): void {
    rules = config.rules
    rulesByName = new Map(rules.map(rule => [rule.name, rule]))
    void board.use(config.channels)
    watch.refresh(parts.nodes(), rules)
    for (const i of [...book.actives()]) if (!stillRuled(i)) endQuietly(i, 'the rule is gone')
    keeping.save()
  }

  function stillRuled({ rule: name, kind, sensor }: Instance): boolean {
    const rule = rulesByName.get(name)
    return rule?.kind === kind && (rule.kind !== 'threshold' || rule.sensor === sensor)
  }

  /** Nothing looks at it any more. */
  function endQuietly(instance: Instance, detail: string): void {
    instance.detail = detail
    if (instance.phase?.phase === 'pending') drop(instance, now())
    else finish(instance, now())
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

  // What the last run left comes before anything new: so it is sent first, and a message of this run is not met twice.
  await board.use(parts.config.channels)
  await board.load(book.list({ limit: Number.POSITIVE_INFINITY }, silences.until))
  setRules(parts.config)

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
        if (i.told === null && i.firedAt !== null && silences.until(i.rule, i.node) === null) keeping.changed(i.id)
      keeping.save()
      await keeping.settled()
      board.turn()
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      for (const i of book.actives()) keeping.touched(i.id)
      keeping.saveAll()
      await keeping.settled()
      await board.close()
    },
  }
}
