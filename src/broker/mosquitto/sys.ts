import type { BrokerHealth } from '../broker.ts'

type Figure = 'messagesIn' | 'messagesOut' | 'bytesIn' | 'bytesOut' | 'clients' | 'subscriptions' | 'retained' | 'droppedTotal'

/** What mosquitto says of itself under `$SYS`, every 10 s unless configured otherwise, to those who may read it. It does not tell what
 *  waits in its queues or in flight. */
const topics: Readonly<Record<string, Figure>> = {
  '$SYS/broker/messages/received': 'messagesIn',
  '$SYS/broker/messages/sent': 'messagesOut',
  '$SYS/broker/bytes/received': 'bytesIn',
  '$SYS/broker/bytes/sent': 'bytesOut',
  '$SYS/broker/clients/connected': 'clients',
  '$SYS/broker/subscriptions/count': 'subscriptions',
  '$SYS/broker/retained messages/count': 'retained',
  '$SYS/broker/publish/messages/dropped': 'droppedTotal',
}
const versionTopic = '$SYS/broker/version'

export const sysFilters = [versionTopic, ...Object.keys(topics)].map(topic => ({ topic, qos: 0 as const }))

export type SysFigures = Pick<BrokerHealth, Figure>

const untold: SysFigures = {
  messagesIn: null,
  messagesOut: null,
  bytesIn: null,
  bytesOut: null,
  clients: null,
  subscriptions: null,
  retained: null,
  droppedTotal: null,
}

/** The latest of it; null where nothing was told on this connection. */
export class SysView {
  figures: SysFigures = untold
  version = ''

  note(topic: string, payload: Buffer): void {
    const text = payload.toString('utf8', 0, 64)
    if (topic === versionTopic) {
      this.version = text.replace(/^mosquitto version /, '')
      return
    }
    const figure = topics[topic]
    // A restarted broker counts from 0 again, and some figures pass below 0 for a moment in 2.0.11.
    if (figure !== undefined && /^\d{1,15}$/.test(text)) this.figures = { ...this.figures, [figure]: Number(text) }
  }

  forget(): void {
    this.figures = untold
  }
}
