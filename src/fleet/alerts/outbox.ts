import type { Clock } from '../../kit/clock.ts'
import type { Change, Records } from '../../store/records.ts'
import type { Channel, Message, Sent } from './channels/channel.ts'

/** A message for one channel, kept (synced, together with the alert it tells of) until the receiver has taken it. */
export interface Envelope {
  /** `CHANNEL/ULID`: in order, within a channel. */
  readonly key: string
  readonly channel: string
  readonly alert: string
  readonly message: Message
}

export const outboxCollection = 'alert_outbox'

/** What became of a try. */
export interface Try {
  readonly ok: boolean
  readonly detail: string
}

/** Messages of one channel, sent one after the other and in order, again and again until they are taken. Bounded in rate and number. */
export interface Outbox {
  push(envelope: Envelope): void
  /** Sends what is due. Called every second, and whenever something was pushed. */
  turn(): void
  /** The waiting is over: somebody mended it. */
  retryNow(): void
  /** The same messages through another channel: its settings were changed. */
  use(channel: Channel): void
  /** Takes everything out: the channel is gone. */
  clear(): Envelope[]
  readonly waiting: number
  readonly lost: number
  /** Lets a message that is on its way arrive, for two seconds. */
  close(): Promise<void>
}

export interface OutboxParts {
  readonly records: Records
  readonly clock: Clock
  readonly channel: Channel
  /** Keeps what became of it with the alert; the change goes into one write with the removal of the message. */
  readonly tried: (envelope: Envelope, result: Try) => Change[]
  readonly problem: (detail: string) => void
}

const held = 1_000
const sendPatienceMs = 15_000
const closePatienceMs = 2_000
/** Receivers that count (Telegram: 20 a minute in a group) must not be made to refuse. */
const burst = 10
const everyMs = 3_000
const retry = { firstMs: 2_000, ceilingMs: 300_000, laterMs: 600_000 }
/** A receiver that won't take this very message gets it so often, then the next one. */
const triesOfRefused = 3

export function createOutbox(parts: OutboxParts): Outbox {
  const { records, clock } = parts
  let { channel } = parts
  const queue: Envelope[] = []
  const leaving = new AbortController()
  let attempts = 0
  let notBeforeMs = Number.NEGATIVE_INFINITY
  let tokens = burst
  let refilledMs = clock.monoMs()
  let running: Promise<void> | null = null
  let lost = 0
  let closed = false

  function due(): boolean {
    const now = clock.monoMs()
    const earned = Math.floor((now - refilledMs) / everyMs)
    if (earned > 0) {
      tokens = Math.min(burst, tokens + earned)
      refilledMs += earned * everyMs
    }
    return !closed && queue.length > 0 && tokens > 0 && now >= notBeforeMs
  }

  async function drain(): Promise<void> {
    while (due()) {
      const envelope = queue[0]!
      tokens--
      const sent = await attempt(envelope)
      if (queue[0] !== envelope) continue // taken out meanwhile
      if (sent === null) return
      if (sent.ok) await finish(envelope, sent)
      else await wait(envelope, sent)
    }
  }

  /** null: cut off by the end of the process; whether it arrived is open. */
  async function attempt(envelope: Envelope): Promise<Sent | null> {
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(sendPatienceMs)])
    try {
      const sent = await channel.send(envelope.message, signal)
      return !sent.ok && leaving.signal.aborted ? null : sent
    } catch (error) {
      return { ok: false, detail: (error as Error).name, again: 'soon' }
    }
  }

  async function finish(envelope: Envelope, result: Try): Promise<void> {
    queue.shift()
    attempts = 0
    const gone: Change = { collection: outboxCollection, key: envelope.key, remove: true }
    await write([gone, ...parts.tried(envelope, result)], true)
  }

  async function wait(envelope: Envelope, sent: Extract<Sent, { ok: false }>): Promise<void> {
    attempts++
    if (sent.again === 'never' && attempts >= triesOfRefused) {
      lost++
      parts.problem(`channel ${envelope.channel} refuses "${envelope.message.title}" and it was given up: ${sent.detail}`)
      return finish(envelope, { ok: false, detail: `given up: ${sent.detail}` })
    }
    const backoffMs = Math.min(retry.ceilingMs, retry.firstMs * 2 ** Math.min(20, attempts - 1))
    const waitMs = Math.max(sent.again === 'later' ? retry.laterMs : backoffMs, Math.min(sent.afterMs ?? 0, 3_600_000))
    notBeforeMs = clock.monoMs() + waitMs
    await write(parts.tried(envelope, { ok: false, detail: sent.detail }), false)
  }

  async function write(changes: readonly Change[], sync: boolean): Promise<void> {
    try {
      await records.write(changes, { sync })
    } catch (error) {
      parts.problem(
        `what became of a message can't be written (${(error as Error).message}): it may be sent again after a restart`,
      )
    }
  }

  const turn = (): void => {
    if (running !== null || !due()) return
    running = drain().finally(() => {
      running = null
    })
  }

  return {
    push(envelope) {
      queue.push(envelope)
      if (queue.length <= held) return
      // The second: the first may be on its way.
      const [oldest] = queue.splice(1, 1)
      lost++
      parts.problem(`channel ${oldest!.channel} has more than ${held} messages waiting; the oldest was given up`)
      void write([{ collection: outboxCollection, key: oldest!.key, remove: true }], false)
    },
    turn,
    retryNow() {
      notBeforeMs = Number.NEGATIVE_INFINITY
      attempts = 0
      turn()
    },
    use(other) {
      channel = other
      this.retryNow()
    },
    clear: () => queue.splice(0),
    get waiting() {
      return queue.length
    },
    get lost() {
      return lost
    },
    async close() {
      closed = true
      if (running === null) return
      const cut = setTimeout(() => leaving.abort(), closePatienceMs)
      await running.finally(() => clearTimeout(cut))
    },
  }
}
