import type { RejectEvent } from '../contract/events.ts'
import { nodeIdPattern } from '../contract/topics.ts'
import { laneDetails } from './rejection.ts'

/** A packet over the limit closed its connection; only its announced size is known (wire contract §2). */
export interface OversizeNotice {
  readonly client: string | null
  readonly user: string | null
  readonly size: number
  readonly arrived: number
}

/** Notices that wait for the next batch. They come outside of any group and so without back pressure: above `kept` they become
 *  one with the last of the same node, counted. */
export class OversizeNotices {
  private waiting: RejectEvent[] = []

  get any(): boolean {
    return this.waiting.length > 0
  }

  add(notice: OversizeNotice): void {
    // Only a user name is proof of who it was; a client id is anybody's to choose.
    const node = notice.user !== null && nodeIdPattern.test(notice.user) ? notice.user : null
    const last = this.waiting.findLastIndex(event => event.node === node)
    if (this.waiting.length >= kept && last >= 0) {
      const event = this.waiting[last]!
      this.waiting[last] = { ...event, count: event.count + 1 }
    } else if (this.waiting.length >= kept) {
      this.waiting.push({ ...this.waiting.shift()!, node: null })
    } else {
      this.waiting.push(rejected(node, notice))
    }
  }

  take(): RejectEvent[] {
    const waiting = this.waiting
    this.waiting = []
    return waiting
  }
}

const kept = 256

function rejected(node: string | null, { size, arrived }: OversizeNotice): RejectEvent {
  return {
    kind: 'reject',
    node,
    topic: null,
    arrived,
    reason: 'packet_too_large',
    detail: laneDetails.tooLargePacket(size),
    size,
    raw: new Uint8Array(0),
    truncated: true,
    count: 1,
    indices: null,
    settles: null,
  }
}
