import { randomFillSync } from 'node:crypto'
import type { AlertChannelView, AlertView, ChannelTest } from '../../api/alerts.ts'
import type { Finding } from '../../api/settings.ts'
import type { AlertChannel, AlertRule, AlertsConfig } from '../../contract/alert-rules.ts'
import { firstPosition, type Position } from '../../contract/events.ts'
import { ulidGenerator } from '../../kit/ulid.ts'
import type { Change } from '../../store/records.ts'
import type { Alerts, AlertsParts } from './alerts.ts'
import { openBook } from './book.ts'
import type { Channel } from './channels/channel.ts'
import { createChannel } from './channels/create.ts'
import { boundVerdict, covers, type Sample, thresholdDetail } from './conditions.ts'
import { type Instance, type Moment, newInstance, subjectKey, viewOf } from './instance.ts'
import { step, type Verdict } from './machine.ts'
import { messageOf, testMessage } from './messages.ts'
import { createOutbox, type Envelope, type Outbox, outboxCollection, type Try } from './outbox.ts'
import { openSilences } from './silences.ts'
import { createSweep } from './sweep.ts'
import { createWatch } from './watch.ts'
import { ruleText } from './words.ts'

const nodesEveryMs = 5_000
const machineEveryMs = 10_000
/** What only a replay of samples would bring again (pending, good since) is written this often at most, without a sync. */
const softEveryMs = 10_000
const testPatienceMs = 15_000

interface Wired {
  readonly config: AlertChannel
  readonly channel: Channel
  readonly outbox: Outbox
  last: AlertChannelView['last']
}

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
  let wired = new Map<string, Wired>()
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
        if (wired.has(channel)) envelopes.push({ key: `${channel}/${nextId()}`, channel, alert: i.id, message })
    }
    let { told, closed } = i
    if (told === null && i.firedAt !== null && silences.until(i.rule, i.node) === null) {
      told = (rule?.channels ?? [...wired.keys()]).filter(name => wired.has(name))
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
    for (const envelope of envelopes) wired.get(envelope.channel)?.outbox.push(envelope)
    for (const { outbox } of wired.values()) outbox.turn()
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

  function tried(envelope: Envelope, result: Try): Change[] {
    const time = clock.wallMs()
    const known = wired.get(envelope.channel)
    if (known) known.last = { time, ...result }
    const instance = book.get(envelope.alert)
    if (instance === undefined) return []
    const event = envelope.message.event === 'resolved' ? 'resolved' : 'firing'
    const entry = { channel: envelope.channel, event, time, ...result } as const
    instance.notified = [...instance.notified.filter(n => n.channel !== envelope.channel), entry]
    announce(instance)
    return [book.change(instance.id, now())]
  }

  function wire(channels: readonly AlertChannel[]): void {
    const next = new Map<string, Wired>()
    for (const config of channels) {
      const channel = createChannel(config)
      const known = wired.get(config.name)
      if (known) known.outbox.use(channel)
      const outbox = known?.outbox ?? createOutbox({ records, clock, channel, tried, problem })
      next.set(config.name, { config, channel, outbox, last: known?.last ?? null })
    }
    for (const [name, { outbox }] of wired) if (!next.has(name)) discard(name, outbox.clear())
    wired = next
  }

  function discard(channel: string, envelopes: readonly Envelope[]): void {
    if (envelopes.length === 0) return
    problem(`channel ${channel} is gone, and ${envelopes.length} messages for it with it`)
    const changes = envelopes.map(({ key }) => ({ collection: outboxCollection, key, remove: true }) as const)
    writing = writing.then(() => records.write(changes, { sync: false })).catch(() => undefined)
  }

  function setRules(config: AlertsConfig): void {
    rules = config.rules
    rulesByName = new Map(rules.map(rule => [rule.name, rule]))
    wire(config.channels)
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

  async function load(): Promise<void> {
    const orphans = new Map<string, Envelope[]>()
    for await (const [, envelope] of records.list<Envelope>(outboxCollection)) {
      const known = wired.get(envelope.channel)
      if (known) known.outbox.push(envelope)
      else orphans.set(envelope.channel, [...(orphans.get(envelope.channel) ?? []), envelope])
    }
    for (const [channel, envelopes] of orphans) discard(channel, envelopes)
    for (const alert of book.list({ limit: Number.POSITIVE_INFINITY }, silences.until))
      for (const { channel, time, ok, detail } of alert.notified) {
        const known = wired.get(channel)
        if (known && (known.last === null || known.last.time < time)) known.last = { time, ok, detail }
      }
  }

  setRules(parts.config)
  await load()

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
        channels: [...(rule.channels ?? wired.keys())],
        firing: book.firing(rule.name),
        silenced_until: silences.until(rule.name, null),
      })),
    channels: () =>
      [...wired.values()].map(({ config, channel, last }) => ({
        name: config.name,
        type: config.type,
        target: channel.target,
        from: config.from,
        last,
      })),
    async test(name): Promise<ChannelTest | undefined> {
      const known = wired.get(name)
      if (known === undefined) return undefined
      const message = testMessage(`test-${nextId()}`, clock.wallMs(), name, place)
      const { ok, detail } = await known.channel.send(message, AbortSignal.timeout(testPatienceMs))
      known.last = { time: clock.wallMs(), ok, detail }
      if (ok) known.outbox.retryNow()
      return { channel: name, ok, detail }
    },
    async silence(silence) {
      if (!rulesByName.has(silence.rule)) return false
      await silences.set(silence, now())
      for (const i of book.actives())
        if (i.rule === silence.rule && (silence.node === undefined || i.node === silence.node)) announce(i)
      return true
    },
    setRules,
    findings: () => [...wired.values()].flatMap(findingsOf),
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
      for (const { outbox } of wired.values()) outbox.turn()
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
      await Promise.all([...wired.values()].map(({ outbox }) => outbox.close()))
    },
  }
}

function findingsOf({ config, outbox, last }: Wired): Finding[] {
  const subject = `alerts.channels.${config.name}`
  const found: Finding[] = []
  if (last !== null && !last.ok) {
    const waiting = outbox.waiting > 0 ? `; ${outbox.waiting} messages wait and are sent when it takes them` : ''
    const fix = `mend it (${config.from}), then: espalier alerts test ${config.name}`
    found.push({ code: 'alert_channel', severity: 'warning', subject, what: `${last.detail}${waiting}`, fix })
  }
  if (outbox.lost > 0)
    found.push({
      code: 'alert_given_up',
      severity: 'warning',
      subject,
      what: `${outbox.lost} messages were given up in this run`,
      fix: 'espalier alerts lists what they were about',
    })
  return found
}
