import { connect, type Socket } from 'node:net'
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'

/** A node under the test's hand: plain socket, `mqtt-packet`, nothing automatic. PUBACKs leave only when told to, so that a test can
 *  stand between a delivery and its acknowledgement. */
export interface RawNode {
  readonly id: string
  /** Subscribes to its own command topic. */
  subscribe(qos?: 0 | 1): Promise<void>
  publish(
    kind: 'telemetry' | 'status' | 'ack',
    body: Record<string, unknown>,
    options?: { qos?: 0 | 1; retain?: boolean },
  ): Promise<void>
  /** The next command not yet taken, acknowledged unless `puback: false`. */
  command(options?: { puback?: boolean }): Promise<{ packet: IPublishPacket; payload: string; body: any }>
  /** Commands that came and were not taken. */
  waiting(): number
  puback(messageId: number): void
  /** Closes without DISCONNECT: as a power cut does. */
  cut(): Promise<void>
  readonly closed: Promise<void>
}

export interface RawNodeOptions {
  readonly host: string
  readonly port: number
  readonly id: string
  readonly clean?: boolean
  readonly will?: { topic: string; payload: Buffer; qos: 0 | 1; retain: boolean }
}

export async function rawNode(options: RawNodeOptions): Promise<RawNode> {
  const socket: Socket = connect(options.port, options.host)
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  const inbox: IPublishPacket[] = []
  const waiters: ((p: Packet) => boolean)[] = []
  let messageId = 0
  const send = (packet: Packet): void => void socket.write(mqttPacket.generate(packet))
  const expectPacket = (matches: (p: Packet) => boolean): Promise<Packet> =>
    new Promise(done =>
      waiters.push(p => {
        if (!matches(p)) return false
        done(p)
        return true
      }),
    )

  parser.on('packet', packet => {
    const at = waiters.findIndex(w => w(packet))
    if (at >= 0) waiters.splice(at, 1)
    else if (packet.cmd === 'publish') inbox.push(packet)
  })
  socket.on('data', chunk => parser.parse(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<void>(done => socket.on('close', () => done()))

  send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: options.clean ?? true,
    clientId: options.id,
    keepalive: 60,
    ...(options.will ? { will: options.will } : {}),
  } as Packet)
  await expectPacket(p => p.cmd === 'connack')

  const puback = (id: number): void => send({ cmd: 'puback', messageId: id } as Packet)
  return {
    id: options.id,
    closed,
    puback,
    waiting: () => inbox.length,
    async subscribe(qos = 1) {
      const id = ++messageId
      const acknowledged = expectPacket(p => p.cmd === 'suback' && p.messageId === id)
      send({ cmd: 'subscribe', messageId: id, subscriptions: [{ topic: `iot/node/${options.id}/command`, qos }] } as Packet)
      await acknowledged
    },
    async publish(kind, body, { qos = 1, retain = kind === 'status' } = {}) {
      const id = ++messageId
      const acknowledged = qos === 1 ? expectPacket(p => p.cmd === 'puback' && p.messageId === id) : Promise.resolve()
      const payload = JSON.stringify({ node_id: `node_${options.id}`, ...body })
      send({ cmd: 'publish', topic: `iot/node/${options.id}/${kind}`, payload, qos, retain, dup: false, messageId: id } as Packet)
      await acknowledged
    },
    async command({ puback: acknowledge = true } = {}) {
      const packet = inbox.shift() ?? ((await expectPacket(p => p.cmd === 'publish')) as IPublishPacket)
      if (acknowledge && packet.qos > 0) puback(packet.messageId!)
      const payload = packet.payload.toString()
      return { packet, payload, body: JSON.parse(payload) }
    },
    async cut() {
      socket.destroy()
      await closed
    },
  }
}
