import type { MessageView } from '../api/messages.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Messages } from '../fleet/messages/messages.ts'
import type { Clock } from '../kit/clock.ts'

/** What whoever started us wants to hear without asking: a node's first words, and what keeps one from being heard. One line each;
 *  the same kind about the same subject at most once a minute, all of them at most `mostAMinute`. */
export interface Notice {
  readonly kind: 'first_reading' | 'rejected' | 'refused' | 'denied' | 'wrong_topic' | 'fight'
  /** Node, or who it was. */
  readonly subject: string
  /** Unix ms. */
  readonly time: number
  /** A sentence, and the way to mend it. */
  readonly text: string
}

const quietMs = 60_000
const mostAMinute = 20
const subjectsKept = 1_000

/** Calls `tell` until the process ends. */
export function watchNotices(
  messages: Pick<Messages, 'on' | 'onFirstReading'>,
  fleet: Pick<Fleet, 'node'>,
  clock: Clock,
  tell: (notice: Notice) => void,
): void {
  const throttle = new Throttle(clock)
  messages.onFirstReading((node, sensors) => {
    const view = fleet.node(node)
    if (view?.virtual) return
    const text = `${view?.name ?? node} spoke for the first time: ${sensorsIn(sensors)}`
    if (throttle.admits(`first_reading ${node}`)) tell({ kind: 'first_reading', subject: node, time: clock.wallMs(), text })
  })
  messages.on(message => {
    const { verdict: kind, node, topic, user, detail, time } = message
    if (detail === null || !isTrouble(kind)) return
    const subject =
      kind === 'rejected' || kind === 'fight'
        ? (node ?? topic ?? '')
        : [user, message.address, topic].map(hosted).join(' ').trim()
    if (throttle.admits(`${kind} ${subject}`))
      tell({ kind, subject, time, text: kind === 'rejected' ? `${node ?? topic}: ${detail}` : detail })
  })
}

const isTrouble = (verdict: MessageView['verdict']): verdict is Exclude<Notice['kind'], 'first_reading'> =>
  verdict === 'rejected' || verdict === 'refused' || verdict === 'denied' || verdict === 'wrong_topic' || verdict === 'fight'

/** The port is another one at each try. */
const hosted = (text: string | null): string => (text ?? '').replace(/:\d+$/, '')

function sensorsIn(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return `${names.length} ${names.length === 1 ? 'sensor' : 'sensors'} (${shown}${names.length > 5 ? ', …' : ''})`
}

class Throttle {
  private readonly toldAt = new Map<string, number>()
  private readonly clock: Clock
  private minuteAt = Number.NEGATIVE_INFINITY
  private thisMinute = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  admits(key: string): boolean {
    const now = this.clock.monoMs()
    if (now - (this.toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return false
    if (now - this.minuteAt >= quietMs) {
      this.minuteAt = now
      this.thisMinute = 0
    }
    if (this.thisMinute >= mostAMinute) return false
    this.thisMinute++
    this.toldAt.delete(key)
    this.toldAt.set(key, now)
    if (this.toldAt.size > subjectsKept) this.toldAt.delete(this.toldAt.keys().next().value as string)
    return true
  }
}
