import { connect, type Socket } from 'node:net'
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'

/** An MQTT connection that sends what it is told, byte for byte, as fast as it is told, and counts what comes back. */
export interface Wire {
  readonly socket: Socket
  /** QoS 1; resolves at its PUBACK, rejects when the connection ends before. */
  publish(topic: string, payload: Uint8Array | string, options?: { retain?: boolean }): Promise<void>
  subscribe(...filters: string[]): Promise<void>
  /** Everything delivered so far, in order, acknowledged. */
  readonly received: { readonly topic: string; readonly payload: Buffer; readonly retain: boolean }[]
  /** PUBACKs so far. */
  acknowledged(): number
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>
  end(): void
}

export async function wire(at: { readonly host: string; readonly port: number }, clientId: string): Promise<Wire> {
  const socket = connect(at.port, at.host)
  socket.setNoDelay(true)
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  const open = new Map<number, { done: () => void; fail: (error: Error) => void }>()
  const received: Wire['received'] = []
  let nextId = 0
  let acknowledged = 0
  let greeted = (): void => undefined
  const greeting = new Promise<void>(done => (greeted = done))

  parser.on('packet', (packet: Packet) => {
    if (packet.cmd === 'connack') greeted()
    if (packet.cmd === 'publish') take(packet)
    if (packet.cmd === 'puback') acknowledged++
    if (packet.cmd === 'puback' || packet.cmd === 'suback') {
      open.get(packet.messageId!)?.done()
      open.delete(packet.messageId!)
    }
  })
  function take({ topic, payload, retain, qos, messageId }: IPublishPacket): void {
    received.push({ topic, payload: Buffer.from(payload), retain })
    if (qos === 1) socket.write(mqttPacket.generate({ cmd: 'puback', messageId: messageId! }))
  }
  socket.on('data', chunk => parser.parse(chunk))
  socket.on('error', () => undefined) // told by the rejections of what was open
  const ended = new Promise<void>(done => {
    socket.on('close', () => {
      for (const { fail } of open.values()) fail(new Error(`${clientId}: the connection ended before the answer`))
      open.clear()
      done()
    })
  })

  const answered = (make: (messageId: number) => Packet): Promise<void> =>
    new Promise((done, fail) => {
      do nextId = (nextId % 65_535) + 1
      while (open.has(nextId))
      open.set(nextId, { done, fail })
      socket.write(mqttPacket.generate(make(nextId)))
    })

  socket.write(
    mqttPacket.generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId, keepalive: 0 }),
  )
  await Promise.race([greeting, ended.then(() => Promise.reject(new Error(`${clientId}: refused`)))])
  return {
    socket,
    received,
    ended,
    acknowledged: () => acknowledged,
    publish: (topic, payload, { retain = false } = {}) =>
      answered(messageId => ({
        cmd: 'publish',
        topic,
        payload: typeof payload === 'string' ? payload : Buffer.from(payload),
        qos: 1,
        retain,
        dup: false,
        messageId,
      })),
    subscribe: (...filters) =>
      answered(messageId => ({
        cmd: 'subscribe',
        messageId,
        subscriptions: filters.map(topic => ({ topic, qos: 1 as const })),
      })),
    end: () => void socket.destroy(),
  }
}
