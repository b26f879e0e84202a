import type { Clock } from '../../kit/clock.ts'
import type { BrokerHealth } from '../broker.ts'
import type { Exchange } from './exchange.ts'

/** A few of the `$SYS/broker/…` values that mosquitto has, under its names, for tools that look there. Retained, QoS 0. */
export class SysTopics {
  private readonly timer: NodeJS.Timeout
  private readonly exchange: Exchange
  private readonly health: () => BrokerHealth
  private readonly clock: Clock
  private readonly startedMs: number

  constructor(exchange: Exchange, health: () => BrokerHealth, clock: Clock, everyMs: number) {
    this.exchange = exchange
    this.health = health
    this.clock = clock
    this.startedMs = clock.monoMs()
    this.say('version', `espalier ${health().version}`)
    this.publish()
    this.timer = setInterval(() => this.publish(), everyMs)
  }

  close(): void {
    clearInterval(this.timer)
  }

  private publish(): void {
    const now = this.health()
    this.say('uptime', `${Math.floor((this.clock.monoMs() - this.startedMs) / 1000)} seconds`)
    this.say('clients/connected', now.clients)
    this.say('subscriptions/count', now.subscriptions)
    this.say('retained messages/count', now.retained)
    this.say('messages/received', now.messagesIn)
    this.say('messages/sent', now.messagesOut)
    this.say('bytes/received', now.bytesIn)
    this.say('bytes/sent', now.bytesOut)
  }

  private say(name: string, value: unknown): void {
    void this.exchange.publishOwn(`$SYS/broker/${name}`, Buffer.from(String(value)), 0, true)
  }
}
