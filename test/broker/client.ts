import { connect as connectTcp, type Socket } from 'node:net'
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet'

/** An MQTT client under the test's hand: a plain socket and mqtt-packet, the codec that is not ours. Nothing happens by itself but
 *  what `auto` says: acknowledgements of what it is sent (default), so that a test can stand between any two packets. */
export interface RawOptions {
  readonly port: number
  readonly host?: string
  readonly clientId?: string
  readonly clean?: boolean
  readonly keepalive?: number
  readonly username?: string
  readonly password?: string
  readonly will?: { topic: string; payload: string | Buffer; qos?: 0 | 1 | 2; retain?: boolean }
  /** false: PUBACK, PUBREC, PUBREL and PUBCOMP leave only by `send`. */
  readonly auto?: boolean
}

export class RawClient {
  /** Every packet that came, in order. */
  readonly packets: Packet[] = []
  readonly socket: Socket
  readonly closed: Promise<void>
  auto: boolean
  private readonly parser = mqttPacket.parser({ protocolVersion: 4 })
  private readonly waiters = new Set<() => void>()
  private looked = 0
  private lastId = 0

  constructor(socket: Socket, auto = true) {
    this.socket = socket
    this.auto = auto
    this.parser.on('packet', packet => this.take(packet))
    this.parser.on('error', failure => socket.destroy(failure))
    socket.on('data', chunk => this.parser.parse(chunk))
    socket.on('error', () => {})
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    void this.closed.then(() => this.wake())
  }

  get messages(): IPublishPacket[] {
    return this.packets.filter((packet): packet is IPublishPacket => packet.cmd === 'publish')
  }

  /** Topic and payload of each message that came, `topic payload`. */
  get received(): string[] {
    return this.messages.map(({ topic, payload }) => `${topic} ${payload.toString()}`)
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet))
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  nextId(): number {
    return ++this.lastId
  }

  /** Waits until a packet that nobody waited for yet, or one that comes, is of this kind (and id). */
  async expect<K extends Packet['cmd']>(cmd: K, messageId?: number): Promise<Extract<Packet, { cmd: K }>> {
    const matches = (packet: Packet): boolean =>
      packet.cmd === cmd && (messageId === undefined || (packet as { messageId?: number }).messageId === messageId)
    for (;;) {
      for (let i = this.looked; i < this.packets.length; i++) {
        const packet = this.packets[i]!
        if (!matches(packet)) continue
        this.packets.splice(i, 1)
        this.packets.splice(this.looked++, 0, packet)
        return packet as Extract<Packet, { cmd: K }>
      }
      if (this.socket.destroyed) throw new Error(`the connection closed while ${cmd} ${messageId ?? ''} was awaited`)
      await this.change()
    }
  }

  /** Waits until `seen` holds; it is asked again after each packet. */
  async until(seen: () => boolean): Promise<void> {
    while (!seen()) {
      if (this.socket.destroyed) throw new Error('the connection closed while something was awaited')
      await this.change()
    }
  }

  async subscribe(filters: Record<string, 0 | 1 | 2>): Promise<(number | object)[]> {
    const messageId = this.nextId()
    const subscriptions = Object.entries(filters).map(([topic, qos]) => ({ topic, qos }))
    this.send({ cmd: 'subscribe', messageId, subscriptions })
    return (await this.expect('suback', messageId)).granted
  }

  async unsubscribe(...unsubscriptions: string[]): Promise<void> {
    const messageId = this.nextId()
    this.send({ cmd: 'unsubscribe', messageId, unsubscriptions })
    await this.expect('unsuback', messageId)
  }

  /** Publishes; resolves when it is acknowledged (QoS 0: when it was written). Answers with the packet id. */
  async publish(topic: string, payload: string | Buffer, qos: 0 | 1 | 2 = 1, retain = false): Promise<number> {
    const messageId = qos > 0 ? this.nextId() : undefined
    this.send({ cmd: 'publish', topic, payload, qos, retain, dup: false, ...(messageId === undefined ? {} : { messageId }) })
    if (qos === 1) await this.expect('puback', messageId)
    if (qos === 2) {
      await this.expect('pubrec', messageId)
      if (!this.auto) this.send({ cmd: 'pubrel', messageId: messageId! })
      await this.expect('pubcomp', messageId)
    }
    return messageId ?? 0
  }

  /** PINGREQ and its answer: what the broker read before is under way. */
  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.expect('pingresp')
  }

  async disconnect(): Promise<void> {
    this.send({ cmd: 'disconnect' })
    await this.closed
  }

  /** Closes without DISCONNECT, as a power cut does. */
  async cut(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  private take(packet: Packet): void {
    this.packets.push(packet)
    if (this.auto) this.answer(packet)
    this.wake()
  }

  private answer(packet: Packet): void {
    const { messageId } = packet as { messageId?: number }
    if (packet.cmd === 'publish' && packet.qos === 1) this.send({ cmd: 'puback', messageId: messageId! })
    if (packet.cmd === 'publish' && packet.qos === 2) this.send({ cmd: 'pubrec', messageId: messageId! })
    if (packet.cmd === 'pubrec') this.send({ cmd: 'pubrel', messageId: messageId! })
    if (packet.cmd === 'pubrel') this.send({ cmd: 'pubcomp', messageId: messageId! })
  }

  private change(): Promise<void> {
    return new Promise(resolve => this.waiters.add(resolve))
  }

  private wake(): void {
    const all = [...this.waiters]
    this.waiters.clear()
    for (const resolve of all) resolve()
  }
}

/** A socket that has sent nothing yet. */
export function openSocket(port: number, host = '127.0.0.1'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

export function connectPacket(options: Omit<RawOptions, 'port'>): IConnectPacket {
  const { clientId = '', clean = true, keepalive = 60, username, password, will } = options
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId,
    clean,
    keepalive,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos ?? 0, retain: will.retain ?? false } }),
  }
}

/** Connects and reads CONNACK, whatever it says. */
export async function tryRawClient(options: RawOptions): Promise<{ client: RawClient; code: number; sessionPresent: boolean }> {
  const client = new RawClient(await openSocket(options.port, options.host), options.auto)
  client.send(connectPacket(options))
  const { returnCode, sessionPresent } = await client.expect('connack')
  return { client, code: returnCode ?? 0, sessionPresent }
}

/** A connected client. */
export async function rawClient(options: RawOptions): Promise<RawClient> {
  const { client, code } = await tryRawClient(options)
  if (code !== 0) throw new Error(`CONNACK ${code}`)
  return client
}
