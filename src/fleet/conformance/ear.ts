import { decodeAck, decodeStatus, decodeTelemetry, type MessageReject } from '../../contract/decode.ts'
import type { Ack, Status } from '../../contract/schemas.ts'
import type { Air, Heard } from './air.ts'

/** One reading as it was said. `body`: its time, fields and values in one text: two of a (boot, seq) must be equal to the digit. */
export interface HeardReading {
  readonly boot: number | null
  readonly seq: number | null
  /** Unix ms; null: dated by its arrival. */
  readonly time: number | null
  readonly arrived: number
  readonly body: string
  readonly oldest: { readonly boot: number; readonly seq: number } | null
}

export interface HeardStatus {
  readonly status: Status
  readonly arrived: number
}

/** Nobody waits for the node any more. */
export class GivenUp extends Error {}

/** Hears a node and remembers: what it said, judged by the reference decoders, in the order it came. */
export class Ear {
  readonly readings: HeardReading[] = []
  readonly statuses: HeardStatus[] = []
  readonly acks: Ack[] = []
  /** Why a message or reading was none: reason and detail. */
  readonly faults: string[] = []
  messages = 0
  private readonly waiting = new Set<() => void>()
  private readonly air: Air
  readonly close: () => void

  constructor(air: Air) {
    this.air = air
    this.close = air.listen(heard => {
      this.hear(heard)
      for (const look of [...this.waiting]) look()
    })
  }

  /** Nothing at all came. */
  get silent(): boolean {
    return this.messages === 0 && this.statuses.length === 0 && this.acks.length === 0 && this.faults.length === 0
  }

  /** The first that `pick` finds in what was heard since it was last asked, and is heard within `ms`; null: none came. Rejects with
   *  GivenUp when the run is given up. */
  async until<T>(ms: number, pick: () => T | undefined): Promise<T | null> {
    return await new Promise<T | null>((resolve, reject) => {
      let over = false
      const end = (found: T | null): void => {
        over = true
        this.waiting.delete(look)
        resolve(found)
      }
      const look = (): void => {
        const found = pick()
        if (found !== undefined) end(found)
      }
      this.waiting.add(look)
      look()
      if (over) return
      void this.air.pause(ms).then(() => {
        if (over) return
        if (this.air.givenUp()) reject(new GivenUp())
        end(null)
      })
    })
  }

  private hear({ channel, payload, arrived }: Heard): void {
    const topicNode = this.air.node
    if (channel === 'telemetry') this.telemetry(payload, arrived)
    else if (channel === 'status') {
      const decoded = decodeStatus(payload, { topicNode, retained: false })
      if (!decoded.ok) this.fault(decoded.reject)
      else if (decoded.status) this.statuses.push({ status: decoded.status, arrived })
    } else {
      const decoded = decodeAck(payload, { topicNode })
      if (decoded.ok) this.acks.push(decoded.ack)
      else this.fault(decoded.reject)
    }
  }

  private telemetry(payload: Uint8Array, arrived: number): void {
    this.messages++
    const decoded = decodeTelemetry(payload, { topicNode: this.air.node, now: arrived, clockSuspect: false })
    if (!decoded.ok) {
      this.fault(decoded.reject)
      return
    }
    for (const { reason, detail } of decoded.rejects) this.faults.push(`${reason}: ${detail}`)
    const { boot, firstSeq, oldest } = decoded
    for (const { index, time, names, values } of decoded.readings) {
      const seq = firstSeq === null ? null : firstSeq + index
      this.readings.push({ boot, seq, time, arrived, body: JSON.stringify([time, names, values]), oldest })
    }
  }

  private fault({ reason, detail }: MessageReject): void {
    this.faults.push(`${reason}: ${detail}`)
  }
}
