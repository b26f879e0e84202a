import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'

/** One MQTT 3.1.1 connection of a virtual node: clean session, keep alive 30 s, no queue of its own (the node's ring is the
 *  queue). Own and thin because a node's rules need every packet in hand (a will per boot, PUBACK by message, faults on the
 *  wire), and because of the weight: see bench/fleet for the figures beside the `mqtt` package. */
export interface Link {
  /** `done` is called when the broker has acknowledged it (QoS 0: when it is written), never if the connection ends before. */
  publish(message: { topic: string; payload: string; qos: 0 | 1 | 2; retain: boolean }, done: () => void): void
  /** Sends a ping when due, and ends the connection when an answer is overdue. */
  check(nowMs: number): void
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
  monoMs(): number
  /** CONNACK and SUBACK are there: the node may speak. */
  ready(): void
  message(packet: { topic: string; payload: Uint8Array; retain: boolean; dup: boolean }): void
  /** Once, whatever the cause. */
  closed(reason: string): void
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
  readonly tls?: boolean
}

const keepAliveS = 30
/** CONNACK and SUBACK must be there by then, and so must the answer to a ping. */
const answerMs = 10_000

const refusals: Readonly<Record<number, string>> = {
  1: 'the broker refused the protocol version',
  2: 'the broker refused the client id',
  3: 'the broker is not available',
  4: 'the broker refused user name or password',
  5: 'the broker refused: not authorized',
}

export function openLink(options: LinkOptions): Link {
  const { broker } = options
  const socket: Socket = broker.tls
    ? connectTls({ host: broker.host, port: broker.port, servername: broker.host })
    : connectTcp({ host: broker.host, port: broker.port })
  socket.setNoDelay(true)
  const packets = parser({ protocolVersion: 4 })
  const waiting = new Map<number, () => void>()
  let messageId = 0
  let closed = false
  let lastWriteMs = options.monoMs()
  /** An answer (CONNACK, SUBACK, PINGRESP) is awaited since then. */
  let awaitingSinceMs: number | null = lastWriteMs

  const close = (reason: string): void => {
    if (closed) return
    closed = true
    socket.destroy()
    options.closed(reason)
  }
  const write = (packet: Packet): void => {
    if (closed) return
    lastWriteMs = options.monoMs()
    socket.write(generate(packet))
  }
  const nextId = (): number => {
    do messageId = (messageId % 65_535) + 1
    while (waiting.has(messageId))
    return messageId
  }
  const settle = (id: number): void => {
    const done = waiting.get(id)
    waiting.delete(id)
    done?.()
  }

  const received = (packet: Packet): void => {
    if (closed) return
    switch (packet.cmd) {
      case 'connack':
        if (packet.returnCode !== 0) {
          close(refusals[packet.returnCode ?? 0] ?? `CONNACK ${packet.returnCode}`)
          break
        }
        awaitingSinceMs = options.monoMs()
        write({
          cmd: 'subscribe',
          messageId: nextId(),
          subscriptions: options.subscriptions.map(topic => ({ topic, qos: 1 as const })),
        } as Packet)
        break
      case 'suback':
        awaitingSinceMs = null
        options.ready()
        break
      case 'publish':
        publishReceived(packet)
        break
      case 'puback':
      case 'pubcomp':
        settle(packet.messageId!)
        break
      case 'pubrec':
        write({ cmd: 'pubrel', messageId: packet.messageId! } as Packet)
        break
      case 'pingresp':
        awaitingSinceMs = null
    }
  }
  const publishReceived = (packet: IPublishPacket): void => {
    options.message({ topic: packet.topic, payload: packet.payload as Buffer, retain: packet.retain, dup: packet.dup })
    // After the node has taken it: what a command changes is on disk by now (write-ahead).
    if (packet.qos === 1) write({ cmd: 'puback', messageId: packet.messageId! } as Packet)
  }

  packets.on('packet', received)
  packets.on('error', error => close(`unreadable packet: ${error.message}`))
  socket.on('data', data => packets.parse(data))
  socket.on('error', error => close(error.message))
  socket.on('close', () => close('connection closed'))
  socket.once(broker.tls ? 'secureConnect' : 'connect', () =>
    write({
      cmd: 'connect',
      clientId: options.clientId,
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: keepAliveS,
      will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
      ...(options.username !== null && { username: options.username, password: Buffer.from(options.password ?? '') }),
    }),
  )

  return {
    publish(message, done) {
      if (message.qos === 0) {
        write({ cmd: 'publish', dup: false, ...message })
        return done()
      }
      const id = nextId()
      waiting.set(id, done)
      write({ cmd: 'publish', dup: false, messageId: id, ...message })
    },
    check(nowMs) {
      if (awaitingSinceMs !== null) {
        if (nowMs - awaitingSinceMs > answerMs) close('no answer from the broker')
      } else if (nowMs - lastWriteMs > keepAliveS * 750) {
        awaitingSinceMs = nowMs
        write({ cmd: 'pingreq' })
      }
    },
    end() {
      if (closed) return
      closed = true
      socket.end(generate({ cmd: 'disconnect' }))
      // A broker that does not close its side within a second is left behind.
      setTimeout(() => socket.destroy(), 1_000).unref()
      options.closed('left')
    },
    destroy: () => close('cut'),
  }
}
