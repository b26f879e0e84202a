import type { AlertChannelView, AlertView, ChannelTest } from '../../api/alerts.ts'
import type { Finding } from '../../api/settings.ts'
import type { AlertChannel } from '../../contract/alert-rules.ts'
import { findings } from '../../contract/findings.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Channel, Message } from './channels/channel.ts'
import { createChannel } from './channels/create.ts'
import { createOutbox, type Envelope, type Outbox, outboxCollection, type Try } from './outbox.ts'

/** The channels that are configured, each with its outbox and with what became of its last message. */
export interface Switchboard {
  /** Other channels from now on. What waits in one that stays goes through its new settings; of one that is gone it is dropped. */
  use(channels: readonly AlertChannel[]): Promise<void>
  /** Takes in what the last run left: messages that wait, and how the last of each channel went. */
  load(alerts: readonly AlertView[]): Promise<void>
  names(): string[]
  has(name: string): boolean
  /** They are kept already. */
  push(envelopes: readonly Envelope[]): void
  turn(): void
  /** undefined: no such channel. */
  test(name: string, message: Message): Promise<ChannelTest | undefined>
  views(): AlertChannelView[]
  findings(): Finding[]
  close(): Promise<void>
}

export interface SwitchboardParts {
  readonly records: Records
  readonly clock: Clock
  readonly tried: (envelope: Envelope, result: Try) => Change[]
  readonly problem: (detail: string) => void
}

interface Wired {
  readonly config: AlertChannel
  readonly channel: Channel
  readonly outbox: Outbox
  last: AlertChannelView['last']
}

const testPatienceMs = 15_000

export function createSwitchboard(parts: SwitchboardParts): Switchboard {
  const { records, clock, problem } = parts
  let wired = new Map<string, Wired>()

  function tried(envelope: Envelope, result: Try): Change[] {
    const known = wired.get(envelope.channel)
    if (known) known.last = { time: clock.wallMs(), ...result }
    return parts.tried(envelope, result)
  }

  function wire(config: AlertChannel): Wired {
    const channel = createChannel(config)
    const known = wired.get(config.name)
    known?.outbox.use(channel)
    const outbox = known?.outbox ?? createOutbox({ records, clock, channel, tried, problem })
    return { config, channel, outbox, last: known?.last ?? null }
  }

  async function drop(channel: string, envelopes: readonly Envelope[]): Promise<void> {
    if (envelopes.length === 0) return
    problem(`channel ${channel} is gone, and ${envelopes.length} messages for it with it`)
    const changes = envelopes.map(({ key }) => ({ collection: outboxCollection, key, remove: true }) as const)
    // One that can't be removed now is met again, and dropped, at the next start.
    await records.write(changes, { sync: false }).catch(() => undefined)
  }

  return {
    async use(channels) {
      const before = wired
      wired = new Map(channels.map(config => [config.name, wire(config)]))
      for (const [name, { outbox }] of before) if (!wired.has(name)) await drop(name, outbox.clear())
    },
    async load(alerts) {
      const orphans = new Map<string, Envelope[]>()
      for await (const [, envelope] of records.list<Envelope>(outboxCollection)) {
        const known = wired.get(envelope.channel)
        if (known) known.outbox.push(envelope)
        else orphans.set(envelope.channel, [...(orphans.get(envelope.channel) ?? []), envelope])
      }
      for (const [channel, envelopes] of orphans) await drop(channel, envelopes)
      for (const { channel, time, ok, detail } of alerts.flatMap(alert => alert.notified)) {
        const known = wired.get(channel)
        if (known && (known.last === null || known.last.time < time)) known.last = { time, ok, detail }
      }
    },
    names: () => [...wired.keys()],
    has: name => wired.has(name),
    push(envelopes) {
      for (const envelope of envelopes) wired.get(envelope.channel)?.outbox.push(envelope)
    },
    turn() {
      for (const { outbox } of wired.values()) outbox.turn()
    },
    async test(name, message) {
      const known = wired.get(name)
      if (known === undefined) return undefined
      const { ok, detail } = await known.channel.send(message, AbortSignal.timeout(testPatienceMs))
      known.last = { time: clock.wallMs(), ok, detail }
      if (ok) known.outbox.retryNow()
      return { channel: name, ok, detail }
    },
    views: () =>
      [...wired.values()].map(({ config, channel, last }) => ({
        name: config.name,
        type: config.type,
        target: channel.target,
        from: config.from,
        last,
      })),
    findings: () => [...wired.values()].flatMap(findingsOf),
    close: async () => void (await Promise.all([...wired.values()].map(({ outbox }) => outbox.close()))),
  }
}

function findingsOf({ config, outbox, last }: Wired): Finding[] {
  const found: Finding[] = []
  const add = (code: 'alert_channel' | 'alert_given_up', what: string): void =>
    void found.push({ code, severity: 'warning', subject: `alerts.channels.${config.name}`, what, fix: findings[code].mend })
  const waiting = outbox.waiting > 0 ? `; ${outbox.waiting} messages wait` : ''
  if (last !== null && !last.ok) add('alert_channel', `${last.detail} (${config.from})${waiting}`)
  if (outbox.lost > 0) add('alert_given_up', `${outbox.lost} messages since the start`)
  return found
}
