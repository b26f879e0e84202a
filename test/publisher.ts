import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'

/** A QoS 1 publisher at full speed, on `mqtt-packet` and a plain socket: it keeps `window` messages unacknowledged and writes down
 *  what was acknowledged, synced, before it goes on. So its list is what a person may rely on, whatever is killed. */
export interface Publisher {
  /** Payloads whose PUBACK was seen, in order. */
  readonly acknowledged: string[]
  /** Resolves when at least n are acknowledged, rejects when the connection ends before. */
  reached(n: number): Promise<void>
  /** Resolves when the connection has ended (the server was killed, or `end` was called). */
  readonly ended: Promise<void>
  end(): void
}

export interface PublisherOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly topic: string
  /** Where acknowledged payloads are written, a line each. */
  readonly list: string
  readonly window: number
  /** The next payload; null: no more. */
  readonly next: () => string | null
}

export function startPublisher(options: PublisherOptions): Promise<Publisher> {
  const socket: Socket = connect(options.port, options.host)
  socket.setNoDelay(true)
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  const list = openSync(options.list, 'a')
  const open = new Map<number, string>()
  const acknowledged: string[] = []
  let waiting: { n: number; done: () => void; fail: (e: Error) => void }[] = []
  let id = 0
  let fresh = ''

  const fill = (): void => {
    const packets: Buffer[] = []
    while (open.size < options.window) {
      const payload = options.next()
      if (payload === null) break
      do id = (id % 65_535) + 1
      while (open.has(id))
      open.set(id, payload)
      packets.push(
        mqttPacket.generate({ cmd: 'publish', topic: options.topic, payload, qos: 1, messageId: id, retain: false, dup: false }),
      )
    }
    if (packets.length > 0) socket.write(Buffer.concat(packets))
  }

  const ended = new Promise<void>(done => {
    socket.on('close', () => {
      closeSync(list)
      for (const w of waiting) w.fail(new Error(`connection ended after ${acknowledged.length} acknowledged`))
      waiting = []
      done()
    })
  })

  return new Promise((ready, fail) => {
    socket.on('error', fail)
    socket.on('connect', () =>
      socket.write(
        mqttPacket.generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clean: true,
          clientId: options.clientId,
          keepalive: 60,
        }),
      ),
    )
    parser.on('packet', packet => {
      if (packet.cmd === 'connack') {
        ready(publisher)
        return
      }
      if (packet.cmd !== 'puback') return
      const payload = open.get(packet.messageId!)
      if (payload === undefined) throw new Error(`PUBACK for ${packet.messageId}, which is not open`)
      open.delete(packet.messageId!)
      acknowledged.push(payload)
      fresh += `${payload}\n`
    })
    socket.on('data', chunk => {
      parser.parse(chunk)
      if (fresh !== '') {
        writeSync(list, fresh)
        fsyncSync(list)
        fresh = ''
        const count = acknowledged.length
        for (const w of waiting.filter(w => count >= w.n)) w.done()
        waiting = waiting.filter(w => count < w.n)
      }
      fill()
    })
    const publisher: Publisher = {
      acknowledged,
      reached: n =>
        acknowledged.length >= n ? Promise.resolve() : new Promise((done, failed) => waiting.push({ n, done, fail: failed })),
      ended,
      end: () => socket.destroy(),
    }
  })
}
