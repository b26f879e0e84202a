import type { Clock } from '../../kit/clock.ts'
import type { Session } from './session.ts'

/** Somebody who stopped reading until services have room again. */
export interface Waiting {
  goOn(): void
}

/** Services (Telegraf, a bridge, the manager's tools) are not outrun: while the queue of a connected one is over half full,
 *  publishers wait, and a group never brings more than fits. One that takes nothing for long slows nobody any more: its queue then
 *  loses its oldest, as everybody's does. Only services: any other slow subscriber harms only itself. */
export class Pace {
  /** Publishers wait. */
  slow = false
  private readonly clock: Clock
  private readonly stuckMs: number
  private readonly onRoom: () => void
  /** Connected services, with the time they last took something. */
  private readonly services = new Map<Session, number>()
  private readonly waiting = new Set<Waiting>()

  /** `onRoom`: a group may be possible again. */
  constructor(clock: Clock, stuckMs: number, onRoom: () => void) {
    this.clock = clock
    this.stuckMs = stuckMs
    this.onRoom = onRoom
  }

  /** The session acknowledged or took something, or was connected. Services only; others are not looked at. */
  progressed(session: Session): void {
    if (session.identity.role !== 'service') return
    this.services.set(session, this.clock.monoMs())
    if (this.slow) this.judge()
  }

  left(session: Session): void {
    if (this.services.delete(session)) this.judge()
  }

  /** Told by `goOn` when publishers may read on. */
  wait(publisher: Waiting): void {
    this.waiting.add(publisher)
  }

  stopWaiting(publisher: Waiting): void {
    this.waiting.delete(publisher)
  }

  /** How many messages the next group may bring without a loss to a service. */
  room(): number {
    let least = Number.POSITIVE_INFINITY
    for (const session of this.taking()) least = Math.min(least, session.room)
    return least
  }

  /** Looks anew whether publishers have to wait. */
  judge(): void {
    let slow = false
    let room = true
    for (const session of this.taking()) {
      slow ||= session.congested
      room &&= session.room > 0
    }
    const eased = this.slow && !slow
    this.slow = slow
    if (room) this.onRoom()
    if (!eased) return
    const all = [...this.waiting]
    this.waiting.clear()
    for (const publisher of all) publisher.goOn()
  }

  private *taking(): Iterable<Session> {
    const stuckBefore = this.clock.monoMs() - this.stuckMs
    for (const [session, tookAt] of this.services) if (tookAt >= stuckBefore) yield session
  }
}
