import type { Clock } from '../../kit/clock.ts'
import type { BrokerHandlers, BrokerNotice } from '../broker.ts'
import type { Connection } from './connection.ts'
import type { Entrance } from './entrance.ts'
import type { Exchange } from './exchange.ts'
import type { BrokerLimits } from './options.ts'
import type { OutCounters } from './writer.ts'

/** What all connections share. */
export interface Shared {
  readonly exchange: Exchange
  readonly entrance: Entrance
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly counters: OutCounters & { messagesIn: number; bytesIn: number }
  readonly oversize: BrokerHandlers['oversize']
  notice(notice: BrokerNotice): void
  /** A client broke the protocol. */
  fault(client: string, why: string): void
  gone(connection: Connection): void
}
