import { connect, type IClientOptions } from 'mqtt'

/** One MQTT 3.1.1 connection of a virtual node, by the `mqtt` package: clean session, keep alive 30 s, no reconnection and no
 *  queue of its own (a new boot needs a new will, and the node's ring is the queue). A thousand
 *  nodes at one reading a second each, all in one process, take 16 % of a core and 170 MB. */
export interface Link {
  /** `done` is called when the broker has acknowledged it (QoS 0: when it is written), never if the connection ends before. */
  publish(message: { topic: string; payload: string; qos: 0 | 1 | 2; retain: boolean }, done: () => void): void
  /** DISCONNECT: the will is not published. */
  end(): void
  /** Cuts the connection, as a power cut would. */
  destroy(): void
}

export interface LinkOptions {
  readonly broker: BrokerAddress
  readonly clientId: string
  readonly username: string | null
  readonly password: string | null
  readonly will: { readonly topic: string; readonly payload: string }
  readonly subscriptions: readonly string[]
  /** CONNACK and SUBACK are there: the node may speak. */
  ready(): void
  /** Called before the PUBACK goes out: what a command changes is on disk by then (write-ahead). */
  message(packet: { topic: string; payload: Uint8Array; retain: boolean; dup: boolean }): void
  /** Once, whatever the cause. */
  closed(reason: string): void
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
  readonly tls?: boolean
  /** PEM of the CA that signed the broker's certificate; without it those this machine trusts. */
  readonly ca?: string
  /** PEM of the one client certificate for all, and of its key, where the broker wants one. */
  readonly cert?: string
  readonly key?: string
}

const answerMs = 10_000
const leaveMs = 1_000

export function openLink(options: LinkOptions): Link {
  const client = connect(sessionOf(options))
  let closed = false
  let failure = 'connection closed'

  const close = (reason: string): void => {
    if (closed) return
    closed = true
    options.closed(reason)
  }
  const destroy = (): void => {
    close('cut')
    client.end(true)
  }

  client.once('connect', () =>
    client.subscribe([...options.subscriptions], { qos: 1 }, error => {
      if (closed) return
      if (!error) options.ready()
      else {
        close(error.message)
        client.end(true)
      }
    }),
  )
  client.on('message', (topic, payload, packet) => {
    if (!closed) options.message({ topic, payload, retain: packet.retain, dup: packet.dup })
  })
  client.on('error', error => {
    failure = error.message || (error as NodeJS.ErrnoException).code || failure
  })
  client.on('close', () => {
    close(failure)
    client.end(true)
  })

  return {
    publish({ topic, payload, qos, retain }, done) {
      client.publish(topic, payload, { qos, retain }, error => {
        if (!error && !closed) done()
      })
    },
    end() {
      if (closed) return
      close('left')
      // Not forced: that would leave without DISCONNECT. A broker that answers nothing is left behind.
      const late = setTimeout(() => client.end(true), leaveMs)
      client.end(false, () => clearTimeout(late))
    },
    destroy,
  }
}

const sessionOf = ({ broker, clientId, username, password, will }: LinkOptions): IClientOptions => ({
  protocol: broker.tls ? 'mqtts' : 'mqtt',
  host: broker.host,
  port: broker.port,
  ...(broker.ca !== undefined && { ca: broker.ca }),
  ...(broker.cert !== undefined && { cert: broker.cert }),
  ...(broker.key !== undefined && { key: broker.key }),
  clientId,
  ...(username !== null && { username, password: password ?? '' }),
  will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
  clean: true,
  keepalive: 30,
  connectTimeout: answerMs,
  reconnectPeriod: 0,
  queueQoSZero: false,
  resubscribe: false,
})
